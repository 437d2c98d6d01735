import { expect, test } from 'vitest';
import { MemoryStore } from '../data/memory-store.ts';
import { drawSample } from '../testing/training-sets.ts';
import { CARD_SAMPLES, type EncodeThumbnail, Thumbnails, ThumbnailWriter } from './thumbnails.ts';

/** Bytes that tell what was asked for. */
const encode: EncodeThumbnail = async (image, objects, size) =>
  Uint8Array.of(size, objects ? 1 : 0, image.data[0] ?? 0);

test('each sample has a thumbnail for lists, and the first ones for the card with their objects', async () => {
  const store = new MemoryStore();
  const writer = new ThumbnailWriter(store, 'cells', encode);
  const names = Array.from({ length: CARD_SAMPLES + 3 }, (_, i) => `${i}.png`);
  for (const name of names) await writer.add(drawSample(name, 1));
  await writer.finish();
  const thumbnails = new Thumbnails(store);
  for (const [i, name] of names.entries()) {
    const red = drawSample(name, 1).image.data[0] ?? 0;
    expect(await thumbnails.find('cells', name, 'list')).toEqual(Uint8Array.of(96, 0, red));
    const onCard = i < CARD_SAMPLES ? Uint8Array.of(192, 1, red) : null;
    expect(await thumbnails.find('cells', name, 'card')).toEqual(onCard);
  }
  expect(await thumbnails.find('cells', 'other.png', 'list')).toBeNull();
});

test('where none were made, or they are not whole, there are none', async () => {
  const store = new MemoryStore();
  const thumbnails = new Thumbnails(store);
  expect(await thumbnails.find('old', 'a.png', 'list')).toBeNull();
  await store.write('datasets/broken/thumbnails.json', new TextEncoder().encode('{"version":1'));
  expect(await thumbnails.find('broken', 'a.png', 'list')).toBeNull();
  const index = { version: 1, list: { 'a.png': [0, 9] }, card: {} };
  await store.write('datasets/short/thumbnails.json', new TextEncoder().encode(JSON.stringify(index)));
  await store.write('datasets/short/thumbnails.bin', new Uint8Array(4));
  expect(await thumbnails.find('short', 'a.png', 'list')).toBeNull();
  await store.write('datasets/gone/thumbnails.json', new TextEncoder().encode(JSON.stringify(index)));
  expect(await thumbnails.find('gone', 'a.png', 'list')).toBeNull();
});
