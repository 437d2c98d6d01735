import type { Raster, RasterData } from './raster.ts';

/**
 * Four inks as red, green and blue: (top − ink)(top − black) / top, rounded, without a colour profile, as Pillow does it.
 * @param raster cyan, magenta, yellow and black, 0 for no ink.
 */
export function readCmyk(raster: Raster): Raster {
  const { data, bits, width, height } = raster;
  const top = 2 ** bits - 1;
  const pixels = width * height;
  const out = new (data.constructor as new (n: number) => RasterData)(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    const light = top - (data[4 * i + 3] as number);
    for (let c = 0; c < 3; c++)
      out[3 * i + c] = Math.round(((top - (data[4 * i + c] as number)) * light) / top);
  }
  return { ...raster, channels: 3, data: out };
}
