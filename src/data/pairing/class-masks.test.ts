import { expect, it } from 'vitest';
import { decodePng } from '../decode/png.ts';
import { encodeMaskPng } from '../encode-png.ts';
import { labelsOfClasses } from './class-masks.ts';

const mask = (label: number, name: string, data: readonly number[]) => {
  const bytes = encodeMaskPng({ width: 4, height: 1, data: Int32Array.from(data) });
  return { label, file: { path: `masks/${name}/0.png`, size: bytes.length, bytes: async () => bytes } };
};

it('gives pixels of two classes to the smaller mask, in whatever order they come', async () => {
  const face = mask(1, 'face', [255, 255, 255, 0]);
  const brow = mask(2, 'brow', [0, 255, 0, 0]);
  for (const masks of [
    [face, brow],
    [brow, face],
  ]) {
    const raster = decodePng(await labelsOfClasses(masks).bytes(), 'labels.png');
    expect([...raster.data]).toEqual([1, 2, 1, 0]);
  }
});
