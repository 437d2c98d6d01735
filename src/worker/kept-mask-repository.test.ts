import { unzipSync } from 'fflate';
import { expect, test } from 'vitest';
import { MemoryStore } from '../data/memory-store.ts';
import { blankPng, understoodDrop } from '../testing/understood-drop.ts';
import { KeptMaskRepository, type MaskToKeep, maskFile } from './kept-mask-repository.ts';

const mask: MaskToKeep = {
  imageName: 'left/cell.png',
  variantLabel: 'base',
  width: 3,
  height: 2,
  mask: Uint8Array.of(0, 1, 1, 0, 0, 1),
};

test('masks are listed newest first, survive a reload, and are deleted with their files', async () => {
  const store = new MemoryStore();
  const repository = new KeptMaskRepository(store);
  const older = await repository.keep(mask, 1000);
  const newer = await repository.keep({ ...mask, variantLabel: 'Try 1' }, 2000);
  expect(older).toMatchObject({ imageName: 'left/cell.png', variantLabel: 'base', created: 1000, area: 3 });
  expect(older.bytes).toBe((await store.read(`masks/${older.id}.png`)).length);
  await store.write('masks/damaged.json', new TextEncoder().encode('{"id": 1'));
  expect(await new KeptMaskRepository(store).list()).toEqual([newer, older]);
  await repository.delete(older.id);
  expect(await repository.list()).toEqual([newer]);
  expect(await store.exists(`masks/${older.id}.png`)).toBe(false);
});

test('a mask whose record does not fit leaves nothing', async () => {
  const store = new MemoryStore(maskFile(mask).bytes.length + 5);
  await expect(new KeptMaskRepository(store).keep(mask)).rejects.toMatchObject({
    record: { code: 'storage/full' },
  });
  expect(await store.size('')).toBe(0);
});

test('a zip holds every mask under a name of its own, oldest first', async () => {
  const repository = new KeptMaskRepository(new MemoryStore());
  await expect(repository.zip()).rejects.toMatchObject({ record: { code: 'segment/no-masks' } });
  await repository.keep(mask, 1000);
  await repository.keep({ ...mask, imageName: 'right/cell.jpg' }, 2000);
  const { name, mime, bytes } = await repository.zip();
  expect([name, mime]).toEqual(['masks.zip', 'application/zip']);
  const files = unzipSync(bytes);
  expect(Object.keys(files)).toEqual(['cell mask base.png', 'cell mask base 2.png']);
  expect(files['cell mask base.png']).toEqual(maskFile(mask).bytes);
});

test('a single mask has a name that any file system takes', () => {
  const { name, mime } = maskFile({ ...mask, variantLabel: 'a/b: best?' });
  expect(mime).toBe('image/png');
  expect(name).toBe('cell mask a%2Fb%3A best%3F.png');
});

test('masks of two images come back as objects when they are dropped with the images', async () => {
  const repository = new KeptMaskRepository(new MemoryStore());
  const size = { width: 16, height: 12 };
  const top = new Uint8Array(size.width * size.height).fill(1, 0, size.width);
  const most = new Uint8Array(top.length).fill(1, size.width);
  await repository.keep({ imageName: 'left plate.png', variantLabel: 'tiny', ...size, mask: top });
  await repository.keep({ imageName: 'right plate.png', variantLabel: 'tiny', ...size, mask: most });
  const { bytes } = await repository.zip();
  const blank = blankPng(size.width, size.height);
  const { images } = await understoodDrop({
    'left plate.png': blank,
    'right plate.png': blank,
    'masks.zip': bytes,
  });
  const areas = Object.values(images).map((image) => image?.objects.map(([, area]) => area));
  expect(Object.keys(images)).toEqual(['left plate.png', 'right plate.png']);
  expect(areas).toEqual([[size.width], [size.width * (size.height - 1)]]);
});

test('masks of images that differ by case or the form of accents alone are files of their own on every system', async () => {
  const repository = new KeptMaskRepository(new MemoryStore());
  const names = ['Cell.png', 'cell.png', 'caf\u00e9.png', 'cafe\u0301.png'];
  for (const [i, imageName] of names.entries()) await repository.keep({ ...mask, imageName }, 1000 + i);
  const files = Object.keys(unzipSync((await repository.zip()).bytes));
  expect(files).toHaveLength(4);
  expect(new Set(files.map((name) => name.normalize('NFC').toLowerCase())).size).toBe(4);
});
