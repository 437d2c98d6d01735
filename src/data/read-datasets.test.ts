import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writeNpy } from './arrays/npy-header.ts';
import type { Dataset } from './dataset.ts';
import { encodeImagePng, encodeMaskPng } from './encode-png.ts';
import { inspectDataset } from './inspect.ts';
import { limits } from './limits.ts';
import { type InputFile, readDatasets } from './read-datasets.ts';
import { readMaskFile } from './reading/mask-file.ts';
import { writeZip } from './zip.ts';

const SIZE = 32;

/** Noise, as no mask has. */
const photo = encodeImagePng({
  width: SIZE,
  height: SIZE,
  channels: 3,
  data: Uint8Array.from({ length: 3 * SIZE * SIZE }, (_, i) => (i * i * 31 + i * 7) % 251),
});

/** A mask of 1 in a disc. */
function disc(x: number, y: number, radius: number): Uint8Array {
  const data = Int32Array.from({ length: SIZE * SIZE }, (_, i) =>
    Math.hypot((i % SIZE) - x, Math.floor(i / SIZE) - y) < radius ? 1 : 0,
  );
  return encodeMaskPng({ width: SIZE, height: SIZE, data });
}

const input = (files: Readonly<Record<string, Uint8Array>>): InputFile[] =>
  Object.entries(files).map(([path, bytes]) => ({ path, size: bytes.length, bytes: async () => bytes }));

const read = async (files: Readonly<Record<string, Uint8Array>>) => readDatasets(input(files));

const pairsOf = (datasets: readonly Dataset[]) =>
  datasets.flatMap(({ samples }) =>
    samples.map(({ image, mask, instances, labels, objectMasks = [] }) =>
      [image, mask, instances, labels, ...objectMasks].map((file) => file?.path).filter(Boolean),
    ),
  );

/** Files of several images: `name(i)` by number. */
const numbered = (count: number, files: (n: number) => Readonly<Record<string, Uint8Array>>) =>
  Object.assign({}, ...Array.from({ length: count }, (_, n) => files(n))) as Record<string, Uint8Array>;

describe('where names do not decide, a few files are looked at', () => {
  it('and the flat ones are masks, whatever the folders are called', async () => {
    const { datasets, refusals } = await read(
      numbered(3, (n) => ({ [`links/${n}.png`]: disc(9 + n, 9, 5), [`rechts/${n}.png`]: photo })),
    );
    expect(pairsOf(datasets)).toEqual([0, 1, 2].map((n) => [`rechts/${n}.png`, `links/${n}.png`]));
    expect(refusals).toEqual([]);
  });

  it('and both possibilities are named when both are flat', async () => {
    const { datasets, refusals } = await read(
      numbered(2, (n) => ({ [`links/${n}.png`]: disc(9, 9, 5), [`rechts/${n}.png`]: disc(20, 20, 5) })),
    );
    expect(datasets.flatMap(({ samples }) => samples)).toHaveLength(4);
    expect(refusals).toMatchObject([{ code: 'data/which-is-mask', severity: 'notice' }]);
    expect(refusals[0]?.reason).toMatch(/links.*rechts|rechts.*links/);
  });

  it('but no more of them than a few, and what cannot be read is none', async () => {
    let reads = 0;
    const many = Array.from({ length: 3000 }, (_, i): InputFile[] =>
      ['links', 'rechts'].map((folder) => ({
        path: `${folder}/${i}.png`,
        size: 9,
        bytes: async () => {
          reads++;
          return Uint8Array.of(1, 2, 3);
        },
      })),
    ).flat();
    const { datasets } = await readDatasets(many);
    expect(datasets.flatMap(({ samples }) => samples)).toHaveLength(6000);
    expect(reads).toBeLessThanOrEqual(12);
  });

  it('and a field of view is told from the masks', async () => {
    const { datasets, refusals } = await read(
      numbered(3, (n) => ({
        [`e/images/${n}.png`]: photo,
        [`e/a_mask/${n}.png`]: disc(16, 16, 14),
        [`e/b_mask/${n}.png`]: disc(12 + 3 * n, 16, 4),
      })),
    );
    expect(pairsOf(datasets)).toEqual([0, 1, 2].map((n) => [`e/images/${n}.png`, `e/b_mask/${n}.png`]));
    expect(refusals).toMatchObject([{ code: 'data/field-of-view', file: 'e/a_mask/0.png' }]);
  });

  it('and two drawings of one thing from two things', async () => {
    const twice = await read(
      numbered(2, (n) => ({
        [`images/${n}.png`]: photo,
        [`masks/${n}_1.png`]: disc(12, 12, 6),
        [`masks/${n}_2.png`]: disc(13, 12, 6),
      })),
    );
    expect(pairsOf(twice.datasets)).toEqual([0, 1].map((n) => [`images/${n}.png`, `masks/${n}_1.png`]));
    expect(twice.refusals.map(({ code, file }) => `${code} ${file}`)).toEqual([
      'data/second-mask masks/0_2.png',
      'data/second-mask masks/1_2.png',
    ]);
    const two = await read(
      numbered(2, (n) => ({
        [`images/${n}.png`]: photo,
        [`masks/${n}_1.png`]: disc(8, 8, 4),
        [`masks/${n}_2.png`]: disc(22, 22, 4),
      })),
    );
    expect(pairsOf(two.datasets)).toEqual(
      [0, 1].map((n) => [`images/${n}.png`, `masks/${n}_1.png`, `masks/${n}_2.png`]),
    );
    expect(two.refusals).toEqual([]);
  });
});

it('takes what lies within another and is far smaller for a class of its own', async () => {
  const { datasets, refusals } = await read(
    numbered(2, (n) => ({
      [`images/${n}.png`]: photo,
      [`masks/${n}_disc.png`]: disc(16, 16, 10),
      [`masks/${n}_cup.png`]: disc(15, 17, 6),
    })),
  );
  expect([...(datasets[0]?.classNames?.values() ?? [])]).toEqual(['cup', 'disc']);
  expect(refusals.map(({ code }) => code)).toEqual(['data/masks-as-classes']);
});

it('takes masks of each object before one of all of them', async () => {
  const wells = ['A01', 'B02'];
  const { datasets, refusals } = await read(
    Object.assign(
      {},
      ...wells.map((well) => ({
        [`images/0003_${well}_w1.png`]: photo,
        [`foreground/${well}_binary.png`]: disc(16, 16, 9),
        [`foreground_each/${well}_01_ground_truth.png`]: disc(16, 16, 8),
        [`foreground_each/${well}_02_ground_truth.png`]: disc(16, 16, 3),
      })),
    ),
  );
  expect(pairsOf(datasets)).toEqual(
    wells.map((well) => [
      `images/0003_${well}_w1.png`,
      ...['01', '02'].map((n) => `foreground_each/${well}_${n}_ground_truth.png`),
    ]),
  );
  expect(refusals.map(({ code, file }) => `${code} ${file}`)).toEqual([
    'data/second-mask foreground/A01_binary.png',
  ]);
});

describe('folders of classes', () => {
  const files = {
    'images/0.png': photo,
    'masks/leaf/0.png': disc(8, 8, 5),
    'masks/stem/0.png': disc(22, 22, 5),
  };

  it('become one file of labels with their names, made when it is read', async () => {
    const { datasets, refusals } = await read(files);
    expect(refusals).toEqual([]);
    expect([...(datasets[0]?.classNames ?? [])]).toEqual([
      [1, 'leaf'],
      [2, 'stem'],
    ]);
    const labels = datasets[0]?.samples[0]?.labels;
    expect(labels?.path).toBe('masks/{leaf,stem}/0.png');
    const decoded = await readMaskFile((await labels?.bytes()) ?? new Uint8Array(0), 'labels.png');
    if (!decoded.ok) throw new Error(decoded.refusal.reason);
    const { data } = decoded.value;
    expect([data[8 * SIZE + 8], data[22 * SIZE + 22], data[0]]).toEqual([1, 2, 0]);
  });

  it('say which file cannot be read, or has another size', async () => {
    const damaged = await read({ ...files, 'masks/stem/0.png': Uint8Array.of(1, 2, 3) });
    await expect(damaged.datasets[0]?.samples[0]?.labels?.bytes()).rejects.toThrow(/masks\/stem\/0\.png/);
    const other = encodeMaskPng({ width: 2, height: 2, data: new Int32Array(4) });
    const small = await read({ ...files, 'masks/stem/0.png': other });
    await expect(small.datasets[0]?.samples[0]?.labels?.bytes()).rejects.toThrow(/2 × 2 pixels/);
  });
});

describe('zips', () => {
  const pair = (n: number) => ({ [`images/${n}.png`]: photo, [`masks/${n}.png`]: disc(9, 9, 5) });

  it('that are dropped together are one drop', async () => {
    const { datasets, refusals } = await read({
      'images.zip': await writeZip({ 'a.png': photo, 'b.png': photo }),
      'masks.zip': await writeZip({ 'a.png': disc(9, 9, 5), 'b.png': disc(9, 9, 5) }),
    });
    expect(refusals).toEqual([]);
    expect(datasets).toHaveLength(1);
    expect(pairsOf(datasets)).toEqual(['a', 'b'].map((n) => [`images.zip/${n}.png`, `masks.zip/${n}.png`]));
  });

  it('are read within zips', async () => {
    const inner = await writeZip({ ...pair(0), ...pair(1) });
    const { datasets, refusals } = await read({ 'outer.zip': await writeZip({ 'cells.zip': inner }) });
    expect(refusals).toEqual([]);
    expect(datasets.map(({ name, samples }) => [name, samples.length])).toEqual([['cells', 2]]);
    expect(await datasets[0]?.samples[0]?.image.bytes()).toEqual(photo);
  });

  it('are refused below the depth that is opened', async () => {
    let zip = await writeZip(pair(0));
    for (let n = 0; n <= limits.zipDepth; n++) zip = await writeZip({ [`in${n}.zip`]: zip });
    const { datasets, refusals } = await read({ 'outer.zip': zip });
    expect(datasets).toEqual([]);
    expect(refusals).toMatchObject([{ code: 'data/zip-in-zip', cure: expect.stringContaining('Unpack') }]);
  });

  it('are refused once those within a zip hold too many files', async () => {
    const entry = await writeZip(
      Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`${i}.png`, photo.subarray(0, 1)])),
      0,
    );
    const outer = Object.fromEntries(Array.from({ length: 140 }, (_, i) => [`${i}.zip`, entry]));
    const { refusals } = await read({ 'outer.zip': await writeZip(outer, 0) });
    const refused = refusals.filter(({ code }) => code === 'data/zip-in-zip');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.reason).toContain('20000 files');
  });

  it('within zips that are damaged are named with their place', async () => {
    const { refusals } = await read({
      'outer.zip': await writeZip({ 'in.zip': Uint8Array.of(1, 2, 3), ...pair(0) }),
    });
    expect(refusals).toMatchObject([{ code: 'data/zip-damaged', file: 'outer.zip/in.zip' }]);
  });
});

it('says of a folder of arrays what it is, and nothing of the files in it', async () => {
  const { datasets, refusals } = await read({
    'set/a.png': photo,
    'set/embeddings/a.zarr/zarr.json': new TextEncoder().encode('{}'),
    'set/embeddings/a.zarr/features/0.0.0.0': Uint8Array.of(1, 2, 3),
    'set/b.zarr.zip': await writeZip({ '0/0.0': Uint8Array.of(1) }),
  });
  expect(pairsOf(datasets)).toEqual([['set/a.png']]);
  expect(refusals.map(({ file, reason }) => `${file}: ${reason}`)).toEqual([
    'set/embeddings/a.zarr: This is a .zarr file (arrays), which is not read here.',
    'set/b.zarr.zip: This is a .zarr file (arrays), which is not read here.',
  ]);
});

describe('arrays', () => {
  const vectors = (set: string) =>
    JSON.parse(readFileSync(new URL(`../../tests/vectors/${set}.json`, import.meta.url), 'utf8')) as {
      name: string;
      file: string;
    }[];
  const vector = (set: string, name: string) => {
    const found = vectors(set).find((each) => each.name === name);
    if (!found) throw new Error(`there is no vector ${name}`);
    return new Uint8Array(Buffer.from(found.file, 'base64'));
  };
  const cellpose = vector('arrays/numpy2', 'Cellpose masks by protocol 4');
  const [width, height] = [13, 9];
  const small = encodeImagePng({
    width,
    height,
    channels: 3,
    data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * i * 31) % 251),
  });
  const bytesType = { bits: 8, kind: 'unsigned', littleEndian: true } as const;
  /** Label maps of so many images, with `objects` of them in each. */
  const maps = (pages: number, objects: number) =>
    writeNpy(
      bytesType,
      pages === 1 ? [height, width] : [pages, height, width],
      Uint8Array.from({ length: pages * height * width }, (_, i) => {
        const at = i % (height * width);
        return at % 26 === 2 && at / 26 < objects ? 7 : 0;
      }),
    );
  const noise = (pages: number) =>
    writeNpy(
      bytesType,
      [pages, height, width, 3],
      Uint8Array.from({ length: pages * height * width * 3 }, (_, i) => (i * i * 31 + i * 7) % 251),
    );

  it('of Cellpose are the objects of the image whose name they have', async () => {
    const { datasets, refusals } = await read({ 'a.png': small, 'a_seg.npy': cellpose, 'b.png': small });
    expect(pairsOf(datasets)).toEqual([['a.png', 'a_seg.npy'], ['b.png']]);
    expect(refusals).toEqual([]);
    const { samples, objects, reading } = await inspectDataset(datasets[0] as Dataset, { listObjects: true });
    expect(samples[0]).toMatchObject({ source: 'instances', maskKind: 'instances', objects: 8 });
    expect(objects[0]?.map(({ area }) => area)).toEqual(new Array(8).fill(4));
    expect(reading.instances?.meaning).toBe('objects');
  });

  it('of Cellpose in a folder of their own, in a zip too', async () => {
    const files = { 'images/a.png': small, 'masks/a_seg.npy': cellpose };
    for (const { datasets, refusals } of [
      await read(files),
      await read({ 'z.zip': await writeZip(files) }),
    ]) {
      expect(datasets[0]?.samples[0]?.instances?.path).toMatch(/masks\/a_seg.npy$/);
      expect(refusals).toEqual([]);
    }
  });

  it('of Cellpose of several planes pair with the pages of their stack', async () => {
    const { datasets, refusals } = await read({
      'a.tif': vector('images/stacks', 'a TIFF of three pages'),
      'a_seg.npy': vector('arrays/numpy2', 'Cellpose masks of three planes'),
    });
    expect(pairsOf(datasets)).toEqual([1, 2, 3].map((n) => [`a page ${n}.tif`, `a_seg page ${n}.npy`]));
    expect(datasets[0]?.samples.every(({ instances }) => instances)).toBe(true);
    expect(refusals).toMatchObject([{ code: 'data/stack', severity: 'notice' }]);
  });

  it('of Cellpose without their image are said to lack it', async () => {
    const { refusals } = await read({ 'a.png': small, 'c.png': small, 'b_seg.npy': cellpose });
    expect(refusals).toMatchObject([{ code: 'data/mask-without-image', file: 'b_seg.npy' }]);
  });

  it('are masks of the images of their names, beside them or in a folder', async () => {
    for (const path of ['a.npy', 'a_mask.npy', 'masks/a.npy']) {
      const { datasets, refusals } = await read({ 'a.png': small, [path]: maps(1, 3) });
      expect(pairsOf(datasets)).toEqual([['a.png', path]]);
      expect(refusals).toEqual([]);
      const { samples } = await inspectDataset(datasets[0] as Dataset);
      expect(samples[0]).toMatchObject({ source: 'masks', maskKind: 'binary', objects: 3 });
    }
  });

  it.each([
    ['images.npy', 'masks.npy'],
    ['X.npy', 'Y.npy'],
    ['train/images.npy', 'train/labels.npy'],
    ['X_train.npy', 'Y_train.npy'],
  ])('of many images in %s pair with those of as many masks in %s', async (images, masks) => {
    const { datasets, refusals } = await read({ [images]: noise(4), [masks]: maps(4, 2) });
    const page = (path: string, n: number) => path.replace('.npy', ` page ${n}.npy`);
    expect(pairsOf(datasets)).toEqual([1, 2, 3, 4].map((n) => [page(images, n), page(masks, n)]));
    expect(refusals.map(({ code }) => code)).toEqual(['data/stack']);
    const { samples } = await inspectDataset(datasets[0] as Dataset);
    expect(samples.map(({ objects }) => objects)).toEqual([2, 2, 2, 2]);
  });

  it('that are none of pixels are named once, and the rest is read', async () => {
    const texts = writeNpy(bytesType, [4], new Uint8Array(4));
    const { datasets, refusals } = await read({
      'a.png': small,
      'a_seg.npy': cellpose,
      ...Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`embeddings/${n}.npy`, texts])),
    });
    expect(pairsOf(datasets)).toEqual([['a.png', 'a_seg.npy']]);
    expect(refusals).toMatchObject([
      { code: 'data/array-no-image', reason: expect.stringMatching(/4 other files/) },
    ]);
  });
});

describe('stacks', () => {
  const path = new URL('../../tests/vectors/images/stacks.json', import.meta.url);
  const [vector] = JSON.parse(readFileSync(path, 'utf8')) as { file: string; pages: unknown[] }[];
  if (!vector) throw new Error('there is no stack among the vectors');
  const stack = new Uint8Array(Buffer.from(vector.file, 'base64'));
  const pages = vector.pages.map((_, i) => i + 1);

  it('of images pair with stacks of masks, page by page', async () => {
    const { datasets, refusals } = await read({ 'images/v.tif': stack, 'masks/v.tif': stack });
    expect(pairsOf(datasets)).toEqual(pages.map((n) => [`images/v page ${n}.tif`, `masks/v page ${n}.tif`]));
    expect(refusals.map(({ code, file }) => `${code} ${file}`)).toEqual([
      'data/stack images/v.tif',
      'data/stack masks/v.tif',
    ]);
  });

  it('of masks are an object each', async () => {
    const { datasets } = await read({ 'images/v.png': photo, 'masks/v.tif': stack });
    const [sample] = datasets[0]?.samples ?? [];
    expect(sample?.objectMasks?.map((file) => file.path)).toEqual(pages.map((n) => `masks/v page ${n}.tif`));
  });

  it('of images leave one mask, with the reason', async () => {
    const { datasets, refusals } = await read({ 'images/v.tif': stack, 'masks/v.png': disc(9, 9, 5) });
    expect(pairsOf(datasets)).toEqual(pages.map((n) => [`images/v page ${n}.tif`]));
    expect(refusals).toMatchObject([
      { code: 'data/stack' },
      { code: 'data/mask-of-stack', file: 'masks/v.png' },
    ]);
  });
});

it('refuses brush exports whose names carry no image, and says what to rename', async () => {
  const { datasets, refusals } = await read({
    ...numbered(2, (n) => ({ [`images/3f2c1a${n}-leaf_${n}.png`]: photo })),
    ...numbered(2, (n) => ({ [`masks/task-${n + 4}-annotation-9-by-1-tag-leaf-${n}.png`]: disc(9, 9, 5) })),
  });
  expect(datasets[0]?.samples.some(({ mask, objectMasks }) => mask ?? objectMasks)).toBe(false);
  expect(refusals.map(({ code }) => code)).toEqual([
    'data/mask-without-image-name',
    'data/mask-without-image-name',
  ]);
  expect(refusals[0]?.cure).toContain('Rename');
});

it('pairs an image and a mask that are alone whatever they are called, and says so', async () => {
  const { datasets, refusals } = await read({ 'images/a.png': photo, 'masks/result.png': disc(9, 9, 5) });
  expect(pairsOf(datasets)).toEqual([['images/a.png', 'masks/result.png']]);
  expect(refusals).toMatchObject([{ code: 'data/only-image', severity: 'notice' }]);
});

describe('images without any mask are a dataset', () => {
  it.each([
    ['in one folder', ['cells/a.png', 'cells/b.png', 'cells/c.png']],
    ['in no folder', ['a.png', 'b.png']],
    ['with numbers', ['scan/img_001.png', 'scan/img_002.png', 'scan/img_010.png']],
    ['in folders of images', ['cells/images/a.png', 'cells/images/b.png']],
    ['in folders of equal names', ['day1/0.png', 'day1/1.png', 'day2/0.png', 'day2/1.png']],
  ])('%s', async (_, paths) => {
    const { datasets } = await read(Object.fromEntries(paths.map((path) => [path, photo])));
    expect(pairsOf(datasets)).toEqual(paths.map((path) => [path]));
  });
});
