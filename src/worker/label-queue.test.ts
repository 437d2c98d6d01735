import { beforeEach, expect, test, vi } from 'vitest';
import type { Dataset } from '../data/dataset.ts';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import { NO_HISTORY, NO_RUNS } from '../data/labels/types.ts';
import { MemoryStore } from '../data/memory-store.ts';
import { imageTransform } from '../data/preprocess.ts';
import { BASE_WEIGHTS, type Segmenter } from '../engine/segmenter.ts';
import { fakeWebLocks } from '../testing/fake-web-locks.ts';
import { drawSample } from '../testing/training-sets.ts';
import { DatasetRepository } from './dataset-repository.ts';
import { LabelQueue } from './label-queue.ts';
import { LabelRepository } from './label-repository.ts';

const quiet = { signal: new AbortController().signal, onProgress: () => undefined };

beforeEach(() => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
});

/** How sure the model of the tests is of each image, and how many images it looked at. */
const SURE: Readonly<Record<string, number>> = { 'a.png': 0.9, 'b.png': 0.3, 'c.png': 0.6 };
class FakeSegmenter implements Pick<Segmenter, 'answer'> {
  readonly asked: string[] = [];
  answer: Segmenter['answer'] = async ({ frame }, _, prompts) => {
    this.asked.push(/\w+\.png/.exec(frame.id)?.[0] ?? '');
    return prompts.map(({ box }) => ({
      // Agrees with the left object of the drawn images more than with the right one.
      logits: new Float32Array(32 * 32).fill(box ? -3 : 3),
      side: 32,
      predictedIou: SURE[this.asked.at(-1) ?? ''] ?? 0,
      threshold: 0,
      transform: imageTransform(frame.size.width, frame.size.height, { size: 64, aspect: 'keep' }),
    }));
  };
}

async function studio() {
  const lazy = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });
  const dataset: Dataset = {
    name: 'Cells',
    samples: ['a.png', 'b.png', 'c.png', 'd.png'].map((name) => {
      const { image, labelling } = drawSample(name, 1);
      return {
        name,
        image: lazy(`images/${name}`, encodeImagePng(image)),
        ...(name === 'd.png' &&
          labelling && { mask: lazy(`masks/${name}`, encodeMaskPng(labelling.labelMap)) }),
      };
    }),
  };
  const store = new MemoryStore();
  const datasets = new DatasetRepository(store);
  const id = (await datasets.add([dataset], [], quiet)).datasets[0]?.id ?? '';
  const segmenter = new FakeSegmenter();
  const model = { key: 'tiny base', segmenter, weights: BASE_WEIGHTS };
  return { store, datasets, id, segmenter, model, queue: new LabelQueue(store, datasets) };
}

const compute = () => ({ signal: new AbortController().signal, progress: vi.fn() });

test('images that the model is least sure of come first, then labels with which it disagrees', async () => {
  const { id, model, queue } = await studio();
  const options = compute();
  const list = await queue.list(id, model, options);
  expect(list.map(({ sampleId, status }) => [sampleId, status])).toEqual([
    ['b.png', 'unlabelled'],
    ['c.png', 'unlabelled'],
    ['a.png', 'unlabelled'],
    ['d.png', 'done'],
  ]);
  expect(list[0]?.score).toBeCloseTo(0.7);
  expect(list[0]?.reason).toContain('an IoU of 0.30');
  expect(list[3]).toMatchObject({ score: 1 });
  expect(list[3]?.reason).toContain('of 2 objects the mean is 0.00');
  expect(options.progress).toHaveBeenLastCalledWith({ done: 4, total: 4, label: 'Looking at images' });
});

test('nothing is computed unless it is asked for, and nothing twice', async () => {
  const { store, datasets, id, segmenter, model, queue } = await studio();
  const known = await queue.list(id, model, null);
  expect(segmenter.asked).toEqual([]);
  expect(await queue.list(id, null, null)).toEqual(known);
  expect(known.map(({ score }) => score)).toEqual([null, null, null, null]);
  const computed = await queue.list(id, model, compute());
  expect(segmenter.asked).toHaveLength(4);
  const again = new LabelQueue(store, new DatasetRepository(store));
  expect(await again.list(id, model, compute())).toEqual(computed);
  expect(segmenter.asked).toHaveLength(4);
  // Other weights see every image anew, and labels that changed are compared again.
  await queue.list(id, { ...model, key: 'tiny run' }, compute());
  expect(segmenter.asked).toHaveLength(8);
  const labels = new LabelRepository(store, datasets);
  const ref = { datasetId: id, sampleId: 'd.png' };
  const { labels: opened } = await labels.open(ref);
  await labels.save(ref, { labels: opened, history: NO_HISTORY, baseRevision: 0 });
  await queue.list(id, model, compute());
  expect(segmenter.asked.slice(8)).toEqual(['d.png']);
});

test('a tuned model that comes later keeps the order until it has looked itself, which the reason says', async () => {
  const { id, model, queue } = await studio();
  const computed = await queue.list(id, model, compute());
  const tuned = { ...model, key: 'tiny run' };
  for (const other of [tuned, null]) {
    const before = await queue.list(id, other, null);
    expect(before.map(({ sampleId }) => sampleId)).toEqual(computed.map(({ sampleId }) => sampleId));
    expect(before[0]?.reason).toBe(`By a model before: ${computed[0]?.reason}`);
  }
  const segmenter = new FakeSegmenter();
  const sure = { ...SURE, 'a.png': 0.1 };
  const { answer } = segmenter;
  segmenter.answer = async (frame, weights, prompts) =>
    (await answer(frame, weights, prompts)).map((each) => ({
      ...each,
      predictedIou: sure[segmenter.asked.at(-1) as keyof typeof sure] ?? 0,
    }));
  const after = await queue.list(id, { ...tuned, segmenter }, compute());
  expect(after[0]?.sampleId).toBe('a.png');
  expect(after[0]?.reason).toMatch(/^The model expects an IoU of 0.10/);
});

test('what was computed before a cancellation is kept, and images that were begun come before the others', async () => {
  const { store, datasets, id, segmenter, model, queue } = await studio();
  const begun = {
    status: 'in-work',
    objects: [],
    revision: 0,
    width: 40,
    height: 28,
    ignored: NO_RUNS,
  } as const;
  const ref = { datasetId: id, sampleId: 'c.png' };
  await new LabelRepository(store, datasets).save(ref, {
    labels: begun,
    history: NO_HISTORY,
    baseRevision: 0,
  });
  const controller = new AbortController();
  const progress = ({ done }: { readonly done: number }) => {
    if (done === 0) controller.abort();
  };
  const list = await queue.list(id, model, { signal: controller.signal, progress });
  expect(segmenter.asked).toEqual(['a.png']);
  expect(list.map(({ sampleId, score }) => [sampleId, score !== null])).toEqual([
    ['a.png', true],
    ['c.png', false],
    ['b.png', false],
    ['d.png', false],
  ]);
  await queue.list(id, model, compute());
  expect(segmenter.asked).toHaveLength(4);
});

test('a dataset that is deleted meanwhile stays deleted', async () => {
  const { store, datasets, id, segmenter, model, queue } = await studio();
  const { answer } = segmenter;
  segmenter.answer = async (...asked) => {
    await datasets.delete(id);
    return answer(...asked);
  };
  await queue.list(id, model, compute());
  expect(await store.list('datasets')).toEqual([]);
});
