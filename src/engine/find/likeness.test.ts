import { expect, test, vi } from 'vitest';
import { maskObject, runsInBox } from '../../data/mask-runs.ts';
import type { Box } from '../../data/types.ts';
import { normals } from '../../testing/random.ts';
import { Likeness, type LikenessExample } from './likeness.ts';

const IMAGE = { width: 64, height: 64 };
const CHANNELS = 3;
const RIDGES = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];

/** An answer of drawn size and place, whose first channel is `signal`. */
function example(signal: number, iou: number, drawn: Float64Array): LikenessExample {
  const [a = 0, b = 0, c = 0, d = 0, ...channels] = drawn;
  const [width, height] = [8 + Math.round(4 * Math.tanh(a)), 8 + Math.round(4 * Math.tanh(b))];
  const box: Box = [10, 10, 10 + width, 10 + height];
  const mask = maskObject(runsInBox(new Uint8Array(width * height).fill(1), box, IMAGE), IMAGE.width);
  const feature = Float32Array.of(signal, ...channels.slice(0, CHANNELS - 1));
  const proposal = {
    ...mask,
    predictedIou: 0.5 + 0.2 * Math.tanh(c),
    stability: 0.5 + 0.2 * Math.tanh(d),
    point: [12, 12] as const,
    crop: 0,
    cropArea: 4096,
    feature,
  };
  return { proposal, iou };
}

/** Thirty answers, a third of them right. */
function image(seed: number, sign: 1 | -1 = 1): LikenessExample[] {
  const drawn = normals(30 * 8, seed);
  return Array.from({ length: 30 }, (_, i) => {
    const isRight = i % 3 === 0;
    const own = drawn.subarray(8 * i, 8 * i + 8);
    return example(sign * ((isRight ? 1 : -1) + 0.3 * (own[7] ?? 0)), isRight ? 0.9 : 0.1, own);
  });
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test('what is like the labelled objects comes first, whatever the model thinks of it', async () => {
  const learnt = await Likeness.learn([image(1), image(2)]);
  if (!learnt) throw new Error('nothing was learnt');
  const told = image(3).map(({ proposal, iou }) => ({
    iou,
    likeness: learnt.likeness.of(proposal, proposal.feature),
  }));
  const right = told.filter(({ iou }) => iou > 0.5).map(({ likeness }) => likeness);
  const wrong = told.filter(({ iou }) => iou < 0.5).map(({ likeness }) => likeness);
  expect(Math.min(...right)).toBeGreaterThan(Math.max(...wrong));
  for (const likeness of [...right, ...wrong]) {
    expect(likeness).toBeGreaterThanOrEqual(0);
    expect(likeness).toBeLessThanOrEqual(1);
  }
});

test('an image is told apart from itself', async () => {
  // What is right in one image is wrong in the other: by the other alone each is told wrongly, by both it cannot be told.
  const images = [image(1), image(3, -1)];
  const learnt = await Likeness.learn(images);
  if (!learnt) throw new Error('nothing was learnt');
  const isRight = (_: number, i: number) => i % 3 === 0;
  const gain = (told: readonly number[]) =>
    meanOf(told.filter(isRight)) - meanOf(told.filter((value, i) => !isRight(value, i)));
  for (const [k, own] of images.entries()) {
    const apart = gain(learnt.apart[k] ?? []);
    expect(apart).toBeLessThan(-0.02);
    const together = gain(own.map(({ proposal }) => learnt.likeness.of(proposal, proposal.feature)));
    expect(together).toBeGreaterThan(apart + 0.02);
  }
});

test('weights are those of a ridge regression: the gradient of its loss is 0', async () => {
  const images = [image(4), image(5), image(6)];
  const learnt = await Likeness.learn(images);
  const data = [...(learnt?.likeness.tensors.get('likeness')?.data ?? [])];
  const [offset = 0, ...weights] = data;
  // The inputs as the file says: estimates, size and shape, then channels.
  const inputs = images.flat().map(({ proposal: { predictedIou: p, stability: s, area, box, feature } }) => {
    const [width, height] = [box[2] - box[0], box[3] - box[1]];
    const size = Math.log(area);
    const traits = [p, s, p * s, size, size * size, area / (width * height), Math.log(width / height)];
    return [...traits, ...feature];
  });
  const targets = images.flat().map(({ iou }) => Math.min(1, Math.max(0, (iou - 0.3) / 0.5)));
  const means = weights.map((_, i) => meanOf(inputs.map((input) => input[i] ?? 0)));
  const spreads = weights.map((_, i) =>
    Math.sqrt(meanOf(inputs.map((input) => ((input[i] ?? 0) - (means[i] ?? 0)) ** 2))),
  );
  const errors = inputs.map(
    (input, r) => offset + input.reduce((sum, x, i) => sum + x * (weights[i] ?? 0), 0) - (targets[r] ?? 0),
  );
  expect(meanOf(errors)).toBeCloseTo(0, 5);
  const largest = RIDGES.map((ridge) => {
    const gradient = weights.map((weight, i) => {
      const spread = spreads[i] ?? 0;
      // Every mask here fills its box, so that number never varies and has no weight.
      if (spread < 1e-9) return weight;
      const data = meanOf(
        inputs.map((input, r) => (errors[r] ?? 0) * (((input[i] ?? 0) - (means[i] ?? 0)) / spread)),
      );
      return data + (i < 7 ? 0.1 : 1) * ridge * weight * spread;
    });
    return Math.max(...gradient.map(Math.abs));
  });
  expect(Math.min(...largest)).toBeLessThan(1e-5);
  expect(largest.filter((value) => value < 1e-3)).toHaveLength(1);
});

test('nothing is learnt unless two images show an object', async () => {
  const without = image(2).map((each) => ({ ...each, iou: Math.min(each.iou, 0.4) }));
  expect(await Likeness.learn([])).toBeNull();
  expect(await Likeness.learn([image(1)])).toBeNull();
  expect(await Likeness.learn([image(1), without])).toBeNull();
  const settle = vi.fn(async () => undefined);
  // Two examples, one in each image, are enough to compute with.
  expect(await Likeness.learn([image(1).slice(0, 1), image(2).slice(0, 1), []], settle)).not.toBeNull();
  expect(settle).toHaveBeenCalled();
});
