import { describe, expect, it, vi } from 'vitest';
import { lowResOf } from '../config/sam.ts';
import { imageTransform, preprocess } from '../data/preprocess.ts';
import type { Scale } from '../data/types.ts';
import { type ObjectPrompt, tokensOf } from '../sam/prompts.ts';
import { MICRO_SAM } from '../testing/micro-model.ts';
import { drawnSet, drawSample } from '../testing/training-sets.ts';
import { evaluateSet, evaluateSetAt, summarise } from './evaluate.ts';
import type { EvaluationImage, MeasureOptions } from './evaluation-image.ts';
import { meanGates } from './gates.ts';
import { iousOnImage } from './mask-iou.ts';
import type { MaskPredictor, ThresholdedMaskPredictor } from './mask-predictor.ts';
import { measuredAt } from './measured-size.ts';
import { boxPrompt } from './prompts.ts';
import { evaluationSet, type TrainingSet } from './training-set.ts';

const side = lowResOf(MICRO_SAM);
/** Logits that are positive where a cell's centre lies inside a box of model pixels. */
function boxLogits([x0, y0, x1, y1]: readonly number[]): Float32Array {
  const cell = MICRO_SAM.imageSize / side;
  return Float32Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [((i % side) + 0.5) * cell, (Math.floor(i / side) + 0.5) * cell];
    return x >= (x0 ?? 0) && x < (x1 ?? 0) && y >= (y0 ?? 0) && y < (y1 ?? 0) ? 1 : -1;
  });
}

/** Answers a box with the box itself, and a click with nothing, everything and nothing. */
class BoxFiller implements ThresholdedMaskPredictor {
  readonly sam = MICRO_SAM;
  maskThreshold = 0;
  encoded = 0;
  ask(): void {}
  async encode(): Promise<void> {
    this.encoded++;
  }
  async gates() {
    return [{ lora: this.encoded }, {}];
  }
  async decode(prompts: Parameters<MaskPredictor['decode']>[0]) {
    return prompts.map((prompt) => {
      expect(tokensOf(prompt, MICRO_SAM).labels).toEqual(prompt.box ? [2, 3] : [1, -1]);
      const none = boxLogits([0, 0, 0, 0]);
      const all = boxLogits([0, 0, 32, 32]);
      return {
        masks: [prompt.box ? boxLogits(prompt.box) : none, none, all, none],
        iou: [0.9, 0.1, 0.5, 0.3],
      };
    });
  }
}

const evaluated = (set: TrainingSet = drawnSet('a', 1)) => evaluationSet(set, MICRO_SAM);

describe('evaluation', () => {
  it('asks for each object by its box and by its deepest pixel, and measures in original pixels', async () => {
    const model = new BoxFiller();
    const set = evaluated();
    const images = await evaluateSet(model, set, set.split.val, {
      maxObjects: 5,
      maxImages: 0,
      candidates: true,
    });
    expect(model.encoded).toBe(2);
    const summary = summarise(images);
    expect(summary.n).toBe(4);
    expect(summary.boxIou).toBeGreaterThan(0.8);
    // Everything is marked: the share of the image that the object is.
    const { objects } = drawSample('val0.png', 1);
    expect(images[0]?.objects[0]?.clickIou).toBeCloseTo((objects.regions[0]?.area ?? 0) / (40 * 28), 2);
    expect(summary.bestPicked).toBe(1);
    expect(summary.gates).toEqual([{ lora: 1.5 }, {}]);
  });

  it('sees each object in the crop around it, and measures a whole image in a crop of its size to the digit', async () => {
    const set = drawnSet('a', 1);
    const options = { maxObjects: 5, maxImages: 1 };
    const at = async (scale: Scale | undefined) => {
      const model = new BoxFiller();
      const scaled = evaluated({ ...set, ...(scale && { scale }) });
      const [score] = await evaluateSet(model, scaled, set.split.val, options);
      return { encoded: model.encoded, objects: score?.objects };
    };
    const whole = await at(undefined);
    expect(await at('whole')).toEqual(whole);
    expect(await at(40)).toEqual(whole);
    const { encoded, objects = [] } = await at(16);
    expect(encoded).toBe(2);
    expect(objects).toHaveLength(2);
    // In a crop of 16 pixels boxes are met more exactly than on 32 pixels for 40.
    for (const [i, { boxIou }] of objects.entries())
      expect(boxIou).toBeGreaterThanOrEqual(whole.objects?.[i]?.boxIou ?? 1);
  });

  it('takes the first images and the largest objects only, and names what it cannot read', async () => {
    const set = evaluated();
    const refused: string[] = [];
    const images = await evaluateSet(
      new BoxFiller(),
      {
        key: 'a',
        open: async (name, options) =>
          name === 'val0.png'
            ? {
                ok: false,
                refusal: {
                  file: name,
                  code: 'data/x',
                  reason: 'Broken.',
                  cure: 'Mend it.',
                  severity: 'refused',
                },
              }
            : set.open(name, options),
      },
      set.split.val,
      { maxObjects: 1, maxImages: 2 },
      { onRefused: (name, message) => refused.push(`${name}: ${message}`) },
    );
    expect(refused).toEqual(['val0.png: Broken. Mend it.']);
    expect(images.map(({ name, objects }) => [name, objects.length])).toEqual([['val1.png', 1]]);
    expect(summarise([]).n).toBe(0);
  });

  it('is high for the very box, up to the coarse grid, and 0 for none', () => {
    const { objects, image } = drawSample('a', 1, 32, 32);
    const region = objects.regions[0];
    if (!region) throw new Error('the drawn image has objects');
    const { transform } = preprocess(image, { size: 32, ...MICRO_SAM.preprocessing });
    expect(transform).toEqual(imageTransform(32, 32, { size: 32, aspect: 'keep' }));
    const ious = (box: readonly number[], thresholds = [0]) =>
      iousOnImage(boxLogits(box), MICRO_SAM, transform, objects, region, thresholds);
    expect(ious(region.box)[0]).toBeGreaterThan(0.8);
    expect(ious([0, 0, 0, 0])).toEqual([0]);
    // Logits go from −1 to 1: everything, the box, a little less, nothing; in the order asked for.
    const share = region.area / objects.map.length;
    const [none, box, all, less] = ious(region.box, [1, 0, -1.5, 0.5]);
    expect([none, box, all]).toEqual([0, ious(region.box)[0], share]);
    expect(less).toBe(ious(region.box, [0.5])[0]);
  });

  it('measures large images smaller where that is asked for, by the same prompts, and says so', async () => {
    const sample = drawSample('a', 1, 40, 28);
    const prompts: ObjectPrompt[][] = [];
    class Recorder extends BoxFiller {
      override async decode(given: Parameters<MaskPredictor['decode']>[0]) {
        prompts.push([...given]);
        return super.decode(given);
      }
    }
    const scoresAt = async (mostPixels?: number) => {
      const set = evaluated({ ...drawnSet('a', 1), load: async () => ({ ok: true, value: sample }) });
      const options = { maxObjects: 5, maxImages: 0, ...(mostPixels !== undefined && { mostPixels }) };
      return evaluateSetAt(new Recorder(), set, ['a'], [0, -1.5], options);
    };
    const whole = await scoresAt();
    expect(await scoresAt(40)).toEqual(whole);
    const smaller = await scoresAt(20);
    expect(new Set(prompts.map((asked) => JSON.stringify(asked))).size).toBe(2);
    expect(smaller.map((images) => summarise(images).isReduced)).toEqual([true, true]);
    expect(whole.map((images) => summarise(images).isReduced)).toEqual([false, false]);
    const [at] = smaller;
    const transform = imageTransform(40, 28, { size: 32, aspect: 'keep' });
    const reduce = measuredAt(sample.objects, 20);
    const want = sample.objects.regions.map((region) => {
      const { objects, region: reduced } = reduce(region);
      const logits = boxLogits(boxPrompt(transform, region.box).box ?? []);
      return iousOnImage(logits, MICRO_SAM, transform, objects, reduced, [0])[0];
    });
    expect(at?.[0]?.objects.map(({ boxIou }) => boxIou)).toEqual(want);
  });

  it('lets others have the device between masks that take long', async () => {
    const now = vi.spyOn(performance, 'now');
    let time = 0;
    now.mockImplementation(() => (time += 30));
    const yielded = vi.fn(async () => undefined);
    const set = evaluated();
    try {
      await evaluateSetAt(
        new BoxFiller(),
        set,
        ['a'],
        [0],
        { maxObjects: 2, maxImages: 0 },
        { yieldDevice: yielded },
      );
    } finally {
      now.mockRestore();
    }
    // Two objects: a click is chosen and two masks are measured of each.
    expect(yielded).toHaveBeenCalledTimes(6);
  });

  it('has the next image decoded while one is measured', async () => {
    const order: string[] = [];
    class Recorder extends BoxFiller {
      override async encode() {
        order.push('encode');
      }
    }
    const { open, ...set } = evaluated();
    const recorded: typeof open = (name, options) => {
      order.push(name);
      return open(name, options);
    };
    await evaluateSet(new Recorder(), { ...set, open: recorded }, ['1', '2', '3'], {
      maxObjects: 1,
      maxImages: 0,
    });
    expect(order).toEqual(['1', '2', 'encode', '3', 'encode', 'encode']);
  });

  it('lets go of every image that it opened, those too that it does not come to', async () => {
    const { open, ...set } = evaluated();
    const [opened, released]: string[][] = [[], []];
    const recorded = async (name: string, options: MeasureOptions) => {
      const image = await open(name, options);
      if (!image.ok) return image;
      opened?.push(name);
      const value: EvaluationImage = { ...image.value, release: () => void released?.push(name) };
      return { ok: true, value } as const;
    };
    const options = { maxObjects: 1, maxImages: 0 };
    let images = 0;
    const isInterrupted = () => ++images > 1;
    await evaluateSet(new BoxFiller(), { ...set, open: recorded }, ['1', '2', '3'], options, {
      isInterrupted,
    });
    await vi.waitFor(() => expect(released).toHaveLength(2));
    expect(released).toEqual(opened);
  });

  it('counts ignored pixels neither way', () => {
    const { objects, image } = drawSample('a', 1, 32, 32);
    const region = objects.regions[0];
    if (!region) throw new Error('the drawn image has objects');
    const { transform } = preprocess(image, { size: 32, ...MICRO_SAM.preprocessing });
    const [x0, y0, x1, y1] = region.box;
    const iou = (map: Int32Array, box: readonly number[]) => {
      const area = map.filter((id) => id === region.id).length;
      return iousOnImage(
        boxLogits(box),
        MICRO_SAM,
        transform,
        { ...objects, map },
        { ...region, area },
        [0],
      )[0];
    };
    // All that is marked beside the object is ignored; then the lower half of the object too.
    const around = objects.map.map((id) => (id === region.id ? id : -1));
    expect(iou(around, [0, 0, 32, 32])).toBe(1);
    const upper = around.map((id, i) => (Math.floor(i / 32) < (y0 + y1) / 2 ? id : -1));
    expect(iou(upper, [0, 0, 32, 32])).toBe(1);
    expect(iou(upper, [x0, (y0 + y1) / 2 + 2, x1, y1])).toBe(0);
  });

  it("thresholds masks at the model's own threshold", async () => {
    const model = new BoxFiller();
    const set = evaluated();
    const options = { maxObjects: 5, maxImages: 0 };
    const at = await evaluateSetAt(model, set, set.split.val, [0, -1.5], options);
    model.maskThreshold = -1.5;
    expect(await evaluateSet(model, set, set.split.val, options)).toEqual(
      at[1]?.map((image, i) => ({ ...image, gates: [{ lora: 3 + i }, {}] })),
    );
    expect(at[1]).not.toEqual(at[0]);
  });
});

describe('an answer', () => {
  it('has gates that are averaged by method and block', () => {
    expect(
      meanGates([
        [{ a: 0.2 }, {}],
        [{ a: 0.6 }, {}],
      ]),
    ).toEqual([{ a: 0.4 }, {}]);
  });
});
