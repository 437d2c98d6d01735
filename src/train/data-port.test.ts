import { expect, test } from 'vitest';
import { Failure } from '../config/failure.ts';
import { lowResOf } from '../config/sam.ts';
import { parseTrainConfig } from '../config/train.ts';
import type { DatasetSample } from '../data/dataset.ts';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import type { DatasetReading } from '../data/reading/reading.ts';
import { fakeDataThread } from '../testing/fake-data-thread.ts';
import { MICRO_SAM } from '../testing/micro-model.ts';
import { drawSample } from '../testing/training-sets.ts';
import { threadData } from './data-port.ts';
import { localData } from './training-data.ts';
import { trainingSet } from './training-set.ts';

const config = parseTrainConfig({ imagesPerStep: 2, objectsPerImage: 1, minSize: 0 });

/** One for all samples. */
const reading: DatasetReading = {
  masks: {
    samples: 'grey',
    background: 0,
    ignored: [],
    levels: null,
    threshold: null,
    meaning: 'foreground',
    zeroLabel: 0,
    transparentUnder: null,
  },
};

/** Drawn images as PNG files; `b.png` is gone, and `c.png` cannot be read. */
function drawnDataset() {
  const fileOf = (path: string, encoded: Uint8Array) => ({
    path,
    size: encoded.length,
    bytes: async () => {
      if (path === 'images/b.png')
        throw new Failure({ code: 'storage/missing', what: 'Gone.', cure: 'Import it.' });
      if (path === 'images/c.png') throw new Error('EIO');
      return encoded;
    },
  });
  const samples = ['a.png', 'b.png', 'c.png', 'd.png'].map((name): DatasetSample => {
    const { image, labelling } = drawSample(name, 1);
    return {
      name,
      image: fileOf(`images/${name}`, encodeImagePng(image)),
      ...(labelling && { mask: fileOf(`masks/${name}`, encodeMaskPng(labelling.labelMap)) }),
      reading,
    };
  });
  return { name: 'Cells', samples };
}

const dataset = drawnDataset();
const split = { train: ['a.png', 'b.png', 'c.png', 'd.png'], val: ['a.png', 'b.png'], test: [] };
const request = { sam: MICRO_SAM, config, sets: [{ key: 'cells', split, dataset }], cacheBytes: 2 ** 20 };
const local = () => localData(MICRO_SAM, config, [trainingSet('cells', dataset, split, MICRO_SAM, config)]);

test('a thread draws the batches that this one draws, with their remarks and states in order', async () => {
  const { thread, end } = fakeDataThread();
  const [there, here] = [await threadData(thread, request), local()];
  expect(await there.open(null)).toEqual(await here.open(null));
  const batches = [];
  for (let step = 0; step < 4; step++) {
    const batch = await there.next();
    expect(batch).toEqual(await here.next());
    batches.push(batch);
  }
  const notices = batches.flatMap((batch) => batch.notices);
  expect(new Set(notices.map(({ sample, message }) => `${sample} ${message}`))).toEqual(
    new Set([
      'b.png Gone. Import it.',
      'c.png The file could not be read (EIO). It may have been moved or locked since it was dropped; drop it again.',
    ]),
  );
  const [first] = batches;
  const resumed = await threadData(fakeDataThread().thread, request);
  await resumed.open(first?.state ?? null);
  expect(await resumed.next()).toEqual(batches[1]);
  resumed.close();
  there.close();
  expect(end).toHaveBeenCalledOnce();
});

test.each(['whole', 16] as const)(
  'an image at scale %s is seen, clicked and measured in the thread as in this one, to the digit',
  async (scale) => {
    const scaled = { ...dataset, scale };
    const there = await threadData(fakeDataThread().thread, {
      ...request,
      sets: [{ key: 'cells', split, dataset: scaled }],
    });
    const here = localData(MICRO_SAM, config, [trainingSet('cells', scaled, split, MICRO_SAM, config)]);
    const options = { maxObjects: 5, mostPixels: 20 };
    const [set, own] = [there.sets[0], here.sets[0]];
    expect(set?.split).toEqual(split);
    const [image, expected] = [await set?.open('a.png', options), await own?.open('a.png', options)];
    if (!image?.ok || !expected?.ok) throw new Error('the image is whole');
    expect(image.value.name).toBe('a.png');
    expect(image.value.views).toBe(scale === 'whole' ? 1 : 2);
    const masks = new Float32Array(2 * lowResOf(MICRO_SAM) ** 2).map((_, i) => Math.sin(i));
    const logits = masks.subarray(masks.length / 2);
    for (let view = 0; view < expected.value.views; view++) {
      const wanted = await expected.value.view(view);
      expect(await image.value.view(view)).toEqual(wanted);
      expect(wanted.objects).toHaveLength(scale === 'whole' ? 2 : 1);
      for (const object of wanted.objects.keys()) {
        const asked = { view, object, logits, thresholds: [0, -1] };
        expect(await image.value.measure(asked)).toEqual(await expected.value.measure(asked));
      }
    }
    // The masks of others lie beside it and stay.
    expect(masks.length).toBe(2 * lowResOf(MICRO_SAM) ** 2);
    expect(await set?.open('b.png', options)).toEqual(await own?.open('b.png', options));
    image.value.release();
    await expect(image.value.measure({ view: 0, object: 0, logits, thresholds: [0] })).rejects.toThrow();
    there.close();
  },
);

test('a failure keeps its kind on the way', async () => {
  const none = { ...split, train: [] };
  const there = await threadData(fakeDataThread().thread, {
    ...request,
    sets: [{ key: 'cells', split: none, dataset }],
  });
  await expect(there.open(null)).rejects.toMatchObject({
    record: { code: 'train/no-images', where: dataset.name },
  });
  there.close();
});

test('a thread that dies fails what it was asked and whatever it is asked later', async () => {
  const { thread, die } = fakeDataThread();
  const there = await threadData(thread, request);
  await there.open(null);
  const asked = there.next();
  die();
  const lost = { record: { code: 'train/data-thread' } };
  await expect(asked).rejects.toMatchObject(lost);
  await expect(there.next()).rejects.toMatchObject(lost);
});

test('a thread that cannot start is said', async () => {
  const { port1 } = new MessageChannel();
  const thread = { port: port1, died: Promise.resolve(), end: () => undefined };
  await expect(threadData(thread, request)).rejects.toMatchObject({ record: { code: 'train/data-thread' } });
});
