import { expect, test } from 'vitest';
import { parseFindSettings } from '../../config/find.ts';
import { maskObject } from '../../data/mask-runs.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { FoundFile, type FoundImage } from './found-file.ts';

const origin = { model: 'a', adapter: null, settings: parseFindSettings({}), scale: 'whole' } as const;
const PATH = 'found.jsonl';

const image = (name: string, ...runs: number[][]): FoundImage => ({
  name,
  width: 10,
  height: 6,
  objects: runs.map((numbers, i) => {
    const own = Uint32Array.from(numbers);
    return {
      ...maskObject(own, 10),
      predictedIou: 0.9,
      stability: 0.95,
      point: [i, 0.5],
    };
  }),
});

const bytes = (text: string) => new TextEncoder().encode(text);
const text = async (store: MemoryStore) => new TextDecoder().decode(await store.read(PATH));

test('what was found is there again, to the pixel', async () => {
  const store = new MemoryStore();
  const images = [image('a.png', [0, 3, 12, 5, 58, 2], [59, 1]), image('b.png')];
  const file = await FoundFile.open(store, PATH, origin);
  for (const each of images) await file.add(each);
  const again = await FoundFile.open(store, PATH, origin);
  expect(images.map(({ name }) => again.get(name))).toEqual(images);
  expect(again.get('c.png')).toBeUndefined();
});

test('a line that is cut off or damaged is found again, the others stay', async () => {
  const store = new MemoryStore();
  const file = await FoundFile.open(store, PATH, origin);
  await file.add(image('a.png', [0, 3]));
  const good = await text(store);
  const objects = (counts: string) => [{ counts, predictedIou: 1, stability: 1, point: [0, 0] }];
  const line = (more: object) =>
    JSON.stringify({ name: 'x.png', width: 10, height: 6, objects: [], ...more });
  for (const damaged of [
    '{"name":"b.png","wid',
    line({ width: -1 }),
    // Beyond the image, of an odd number of lengths, of a length of 0, and of no lengths at all.
    ...['0Z2', '0', '00', '\u0000'].map((counts) => line({ objects: objects(counts) })),
  ]) {
    await store.write(PATH, bytes(`${good}${damaged}`));
    const again = await FoundFile.open(store, PATH, origin);
    expect(again.get('a.png')).toEqual(image('a.png', [0, 3]));
    expect(again.get('x.png')).toBeUndefined();
    expect(await text(store)).toBe(good);
  }
});

test('what is stored is read whatever found it', async () => {
  const store = new MemoryStore();
  expect(await FoundFile.read(store, PATH)).toBeNull();
  const file = await FoundFile.open(store, PATH, { ...origin, adapter: 'b', scale: 256 });
  await file.add(image('b.png', [5, 1]));
  const read = await FoundFile.read(store, PATH);
  expect(read?.origin).toEqual({ ...origin, adapter: 'b', scale: 256 });
  expect(read?.file.images).toEqual([image('b.png', [5, 1])]);
  const whole = await text(store);
  // Another tab may be in the middle of a line.
  const growing = `${whole}{"name":"c.p`;
  await store.write(PATH, bytes(growing));
  expect((await FoundFile.read(store, PATH))?.file.images).toEqual([image('b.png', [5, 1])]);
  expect(await text(store), 'reading writes nothing').toBe(growing);
  for (const other of [
    '{"version":1}\n',
    '{"version":3}\n',
    whole.replace('"iou":0.88', '"iou":88'),
    whole.replace('"iou"', '"ioU"'),
    '\n',
    'x',
  ]) {
    await store.write(PATH, bytes(other));
    expect(await FoundFile.read(store, PATH)).toBeNull();
  }
});

test('the name of the model is kept with what it found, and tells no origin from another', async () => {
  const store = new MemoryStore();
  const file = await FoundFile.open(store, PATH, origin);
  await file.add(image('a.png', [0, 3]));
  for (const name of ['tiny, First', 'tiny, renamed']) {
    const again = await FoundFile.open(store, PATH, { ...origin, name });
    expect(again.get('a.png')).toEqual(image('a.png', [0, 3]));
    expect((await FoundFile.read(store, PATH))?.origin).toEqual({ ...origin, name });
  }
});

test('what another model found is refused, a first line that is cut off is not', async () => {
  const store = new MemoryStore();
  await FoundFile.open(store, PATH, origin);
  const open = (more: object) => FoundFile.open(store, PATH, { ...origin, ...more });
  await expect(open({ adapter: 'b' })).rejects.toThrow(/another model/);
  await expect(open({ scale: 256 })).rejects.toThrow(/another model/);
  await expect(open({ classes: 'c' })).rejects.toThrow(/another model/);
  await expect(open({ likeness: 'l' })).rejects.toThrow(/another model/);
  await store.write(PATH, bytes('{"version":3,"mod'));
  await open({ adapter: 'b' });
});

test('a file of version 1, whose largest area is in pixels, is read and gone on with', async () => {
  const store = new MemoryStore();
  const file = await FoundFile.open(store, PATH, { ...origin, classes: 'c' });
  await file.add(image('a.png', [0, 3]));
  const now = await text(store);
  const old = (maxArea: number) =>
    now
      .replace('"version":3', '"version":1')
      .replace('"likeness":0,', '')
      .replace('"nesting":1,', '')
      .replace('"maxArea":1', `"maxArea":${maxArea}`);
  await store.write(PATH, bytes(old(100_000_000)));
  expect((await FoundFile.read(store, PATH))?.origin).toEqual({ ...origin, classes: 'c' });
  await FoundFile.open(store, PATH, { ...origin, classes: 'c' });
  expect(await text(store)).toBe(now);
  // Half of 10 × 6 pixels.
  await store.write(PATH, bytes(old(30)));
  const settings = { ...origin.settings, maxArea: 0.5 };
  const again = await FoundFile.open(store, PATH, { ...origin, classes: 'c', settings });
  expect(again.get('a.png')).toEqual(image('a.png', [0, 3]));
});

test('a file of version 2, which knew no likeness, is read and gone on with', async () => {
  const store = new MemoryStore();
  const file = await FoundFile.open(store, PATH, origin);
  await file.add(image('a.png', [0, 3]));
  const now = await text(store);
  const old = now
    .replace('"version":3', '"version":2')
    .replace('"likeness":0,', '')
    .replace('"nesting":1,', '');
  await store.write(PATH, bytes(old));
  expect((await FoundFile.open(store, PATH, origin)).get('a.png')).toEqual(image('a.png', [0, 3]));
  expect(await text(store)).toBe(now);
});

test('the likeness of objects is kept', async () => {
  const store = new MemoryStore();
  const own = { ...origin, likeness: 'l' };
  const [object] = image('a.png', [0, 3]).objects;
  const alike = { ...image('a.png', [0, 3]), objects: [{ ...object, likeness: 0.4 }] };
  await (await FoundFile.open(store, PATH, own)).add(alike as never);
  const read = await FoundFile.read(store, PATH);
  expect(read?.origin).toEqual(own);
  expect(read?.file.get('a.png')).toEqual(alike);
});
