import { expect, it } from 'vitest';
import { readRaster } from '../decode/read-raster.ts';
import { drawObjects, encodeMap, fitsPng } from './draw.ts';
import { rectangle } from './shape.ts';

it('writes maps that are read as they were, with ignored pixels and more ids than a PNG holds', async () => {
  for (const values of [
    [0, 1, 255],
    [0, 300, 65_535],
    [0, -1, 7],
    [0, 65_536, 2_000_000_000],
  ]) {
    const map = { width: 3, height: 1, data: Int32Array.from(values) };
    const bytes = encodeMap(map, fitsPng(Math.max(...values), values.includes(-1)));
    const { width, height, data } = await readRaster(bytes, 'map');
    expect({ width, height, data: Int32Array.from(data) }).toEqual(map);
  }
});

it('draws ignored pixels below all, then the larger objects first, and counts what they hide', () => {
  const shapes = [
    { shape: rectangle(0, 0, 1, 1) },
    { shape: rectangle(0, 0, 4, 2), isIgnored: true },
    { shape: rectangle(0, 0, 3, 1) },
  ];
  expect(drawObjects(shapes, { width: 5, height: 2 })).toEqual({
    instances: { width: 5, height: 2, data: Int32Array.of(1, 3, 3, -1, 0, -1, -1, -1, -1, 0) },
    objects: [
      { index: 0, area: 1, hidden: 0 },
      { index: 2, area: 3, hidden: 1 },
    ],
  });
});
