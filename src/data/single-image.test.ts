import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Failure } from '../config/failure.ts';
import { encodeImagePng } from './encode-png.ts';
import { openSingleImage } from './single-image.ts';
import { writeZip } from './zip.ts';

const png = encodeImagePng({ width: 3, height: 2, channels: 3, data: new Uint8Array(18) });
const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** A file that NumPy wrote. */
function ofNumpy(list: string, name: string): Uint8Array {
  const url = new URL(`../../tests/vectors/arrays/${list}.json`, import.meta.url);
  const cases: readonly { name: string; file: string }[] = JSON.parse(readFileSync(url, 'utf8'));
  const found = cases.find((each) => each.name === name);
  if (!found) throw new Error(`there is no case ${name}`);
  return new Uint8Array(Buffer.from(found.file, 'base64'));
}

const elsewhere = { model: 'As a model.', dataset: 'As a dataset.', masks: 'With its image.' };
const open = (path: string, bytes: Uint8Array) =>
  openSingleImage({ path, size: bytes.length, bytes: async () => bytes }, elsewhere);
const failureOf = (name: string, bytes: Uint8Array) =>
  open(name, bytes).then(
    () => null,
    (error: unknown) => (error instanceof Failure ? error.record : error),
  );

test('an image is opened', async () => {
  expect(await open('a.png', png)).toMatchObject({ width: 3, height: 2 });
});

const labels = {
  images: [{ id: 1, file_name: 'a.png', width: 3, height: 2 }],
  categories: [{ id: 1, name: 'cell' }],
  annotations: [{ id: 1, image_id: 1, category_id: 1, segmentation: [[0, 0, 2, 0, 2, 2]] }],
};

test.each([
  ['a_seg.npy', ofNumpy('numpy2', 'Cellpose masks of uint16')],
  ['a.json', text(JSON.stringify(labels))],
  ['a.txt', text('0 0.1 0.1 0.9 0.1 0.5 0.9\n')],
])('%s is said to need its image', async (name, bytes) => {
  expect(await failureOf(name, bytes)).toMatchObject({
    code: 'segment/not-one-image',
    what: expect.stringMatching(/masks or outlines/),
    where: name,
    cure: elsewhere.masks,
  });
});

test.each([
  ['a.npz', ofNumpy('archives', 'Synapse, deflated'), 1],
  ['a.zip', await writeZip({ 'a.png': png, 'b.png': png }), 2],
  ['a.npy', ofNumpy('numpy2', 'a stack'), 4],
])('%s is said to be a dataset', async (name, bytes, count) => {
  expect(await failureOf(name, bytes)).toMatchObject({
    code: 'segment/not-one-image',
    what: expect.stringMatching(new RegExp(`dataset of ${count} image`)),
    cure: elsewhere.dataset,
  });
});

test('an array of other objects is said to hold none that is read', async () => {
  const head = "{'descr': '|O', 'fortran_order': False, 'shape': (), }".padEnd(117);
  // The pickle of {'a': 1}.
  const pickle = Uint8Array.from([0x80, 2, 0x7d, 0x58, 1, 0, 0, 0, 0x61, 0x4b, 1, 0x73, 0x2e]);
  const npy = Uint8Array.from([0x93, ...text('NUMPY'), 1, 0, 118, 0, ...text(`${head}\n`), ...pickle]);
  expect(await failureOf('a.npy', npy)).toMatchObject({
    code: 'data/array-objects',
    what: expect.stringMatching(/dictionary of a, without masks/),
  });
});

test('a model is one, and what no one reads is named as where it is dropped', async () => {
  expect(await failureOf('sam.pth', await writeZip({ 'data.pkl': png }))).toMatchObject({
    what: expect.stringMatching(/model or an adapter/),
    cure: elsewhere.model,
  });
  expect(await failureOf('a.czi', text('ZISRAWFILE\0\0'))).toMatchObject({
    what: expect.stringMatching(/microscope/),
  });
  expect(await failureOf('a.png', png.subarray(0, 40))).toMatchObject({ code: 'data/truncated' });
});
