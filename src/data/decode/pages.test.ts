import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { LazyFile } from '../lazy-file.ts';
import { pagesOf } from './pages.ts';
import { readRaster } from './read-raster.ts';
import { TiffDirectory, tag } from './tiff-directory.ts';

interface Stack {
  readonly name: string;
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly dtype: '|u1' | '<u2';
  readonly pages: readonly string[];
}

const path = new URL('../../../tests/vectors/images/stacks.json', import.meta.url);
const stacks = JSON.parse(readFileSync(path, 'utf8')) as Stack[];
const unpacked = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
const values = (base64: string, dtype: Stack['dtype']) => {
  const { buffer } = unpacked(base64);
  return [...(dtype === '|u1' ? new Uint8Array(buffer) : new Uint16Array(buffer))];
};

/** A file that counts how often it was read. */
function lazy(bytes: Uint8Array, name: string) {
  const file = { path: name, size: bytes.length, reads: 0, bytes: () => Promise.resolve(bytes) };
  file.bytes = () => {
    file.reads++;
    return Promise.resolve(bytes);
  };
  return file satisfies LazyFile;
}

describe('a stack becomes files of one image each', () => {
  it.each(stacks)('$name', async ({ name, file, width, height, channels, dtype, pages }) => {
    const bytes = unpacked(file);
    const end = name.includes('NIfTI') ? 'nii' : 'tif';
    const stack = lazy(bytes, `in/cells.${end}`);
    const found = await pagesOf(stack);
    expect(found.map(({ path }) => path)).toEqual(
      pages.length === 1 ? ['in/cells.tif'] : pages.map((_, i) => `in/cells page ${i + 1}.${end}`),
    );
    for (const [i, page] of found.entries()) {
      const own = await page.bytes();
      if (pages.length > 1 && end === 'tif') expect(own.length).toBeLessThan(bytes.length);
      const raster = await readRaster(own, page.path);
      expect(raster).toMatchObject({ width, height, channels });
      expect([...raster.data]).toEqual(values(pages[i] ?? '', dtype));
      // What was written is one image and needs no further step.
      expect(await pagesOf({ ...page })).toHaveLength(1);
    }
    expect(stack.reads).toBeLessThanOrEqual(pages.length === 1 ? 3 : 2);
  });

  it('of whatever name', async () => {
    const { file, pages } = stacks[0] as Stack;
    for (const [name, first] of [
      ['stack', 'stack page 1.tif'],
      ['a/b.c/stack.v2.lsm', 'a/b.c/stack.v2 page 1.tif'],
    ] as const) {
      const found = await pagesOf(lazy(unpacked(file), name));
      expect(found).toHaveLength(pages.length);
      expect(found[0]?.path).toBe(first);
    }
  });
});

describe('a file that is no stack stays as it is', () => {
  it('when it is no TIFF, is damaged or cannot be read', async () => {
    const { file } = stacks[0] as Stack;
    for (const bytes of [new Uint8Array(0), Uint8Array.of(1, 2, 3), unpacked(file).subarray(0, 40)]) {
      const one = lazy(bytes, 'a.tif');
      expect(await pagesOf(one)).toEqual([one]);
    }
    const gone = { path: 'a.tif', size: 9, bytes: () => Promise.reject(new Error('gone')) };
    expect(await pagesOf(gone)).toEqual([gone]);
  });

  it('when its description outlived the stack', async () => {
    const ij = stacks.find(({ name }) => name === 'an ImageJ stack behind one directory') as Stack;
    const whole = unpacked(ij.file);
    const plane = ij.width * ij.height;
    const alone = lazy(whole.subarray(0, whole.length - 2 * plane), 'a.tif');
    expect(await pagesOf(alone)).toEqual([alone]);
    const raster = await readRaster(await alone.bytes(), 'a.tif');
    expect([...raster.data]).toEqual(values(ij.pages[0] ?? '', '|u1'));
  });
});

it('reads descriptions of any length, as microscopes write them', () => {
  const values = new Float64Array(300_000).fill('x'.charCodeAt(0));
  expect(new TiffDirectory(new Map([[tag.description, values]]), true).text(tag.description)).toHaveLength(
    300_000,
  );
});
