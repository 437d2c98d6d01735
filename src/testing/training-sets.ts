import { Random } from '../config/random.ts';
import type { LoadedSample } from '../data/dataset.ts';
import { findObjects } from '../data/objects.ts';
import type { LabelMap, RgbImage } from '../data/types.ts';
import { type TrainingSource, trainingSource } from '../train/prepare.ts';
import type { TrainingSet } from '../train/training-set.ts';

/** An image with two bright rectangles on a dark, noisy ground; the rectangles are its objects. */
export function drawSample(name: string, seed: number, width = 40, height = 28): LoadedSample {
  const random = Random.fromSeed(seed, name);
  const data = new Uint8Array(width * height * 3).map(() => random.integer(60));
  const labels = new Int32Array(width * height);
  for (const [x0, w] of [
    [1, 14],
    [21, 16],
  ] as const) {
    const y0 = 2 + random.integer(6);
    for (let y = y0; y < y0 + 14; y++) {
      for (let x = x0; x < x0 + w; x++) {
        labels[y * width + x] = 1;
        for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = 170 + random.integer(80);
      }
    }
  }
  const image: RgbImage = { width, height, channels: 3, data };
  const labelMap: LabelMap = { width, height, data: labels };
  return {
    name,
    image,
    objects: findObjects(labelMap, 'components'),
    labelling: {
      source: 'masks',
      kind: 'binary',
      rule: 'components',
      labelMap,
      classMap: labelMap,
    },
    refusals: [],
  };
}

/** {@link drawSample}, ready to be prepared from. */
export function drawSource(name: string, seed: number): TrainingSource {
  const { image, labelling } = drawSample(name, seed);
  if (!labelling) throw new Error('a drawn image is labelled');
  return trainingSource(image, labelling);
}

/** A dataset of drawn images: `train` of them to train on and two to validate and test on each. */
export function drawnSet(key: string, seed: number, train = 3): TrainingSet {
  const names = (split: string, count: number) => Array.from({ length: count }, (_, i) => `${split}${i}.png`);
  return {
    key,
    name: `Set ${key}`,
    split: { train: names('train', train), val: names('val', 2), test: names('test', 2) },
    load: async (name) => ({ ok: true, value: drawSample(name, seed) }),
  };
}
