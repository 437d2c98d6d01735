import { describe, expect, it } from 'vitest';
import { imageOfRaster } from './image.ts';
import { readHeader, readRaster } from './read-raster.ts';

const file = (head: string, ...samples: readonly number[]) =>
  Uint8Array.from([...new TextEncoder().encode(head), ...samples]);

describe('PGM and PPM', () => {
  it.each([
    ['grey of 8 bits', file('P5\n3 1\n255\n', 0, 10, 35), [3, 1, 1, 8], [0, 10, 35]],
    ['colours', file('P6 1 2 255 ', 1, 2, 3, 4, 5, 6), [1, 2, 3, 8], [1, 2, 3, 4, 5, 6]],
    ['16 bits, the upper byte first', file('P5 2 1 65535\n', 1, 2, 0, 255), [2, 1, 1, 16], [258, 255]],
    ['comments', file('P5 # made by\n#x 9\n2\t1\r\n255\n', 35, 10), [2, 1, 1, 8], [35, 10]],
    ['what follows the first of several', file('P5 1 1 255\n', 7, 80, 53), [1, 1, 1, 8], [7]],
  ])('%s', async (_, bytes, form, values) => {
    const raster = await readRaster(bytes, 'a.ppm');
    expect([raster.width, raster.height, raster.channels, raster.bits]).toEqual(form);
    expect([...raster.data]).toEqual(values);
    const [width, height] = form;
    expect(readHeader(bytes, 'a.ppm')).toEqual({ format: 'pnm', width, height, orientation: 1 });
  });

  it('a mask keeps its values where white is less than 255, and an image is stretched', async () => {
    const raster = await readRaster(file('P5 3 1 15\n', 0, 1, 15), 'a.pgm');
    expect([...raster.data]).toEqual([0, 1, 15]);
    expect([...imageOfRaster(raster, 'a.pgm').image.data]).toEqual([0, 0, 0, 17, 17, 17, 255, 255, 255]);
  });
});
