import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import mozjpegFactory from '@jsquash/jpeg/codec/enc/mozjpeg_enc.js';
import { defaultOptions } from '@jsquash/jpeg/meta.js';
import { Random } from '../../config/random.ts';
import type { DatasetSample } from '../../data/dataset.ts';
import { encodeImagePng, encodeMaskPng } from '../../data/encode-png.ts';
import type { DatasetReading } from '../../data/reading/reading.ts';
import type { LabelMap, RgbImage } from '../../data/types.ts';

/** Discs along the longer side; together about a quarter of the image. */
const COLUMNS = 8;

/** A drawn image of 4 : 3 with discs on a noisy ground, and the discs as instances. */
export interface DrawnImage {
  readonly image: RgbImage;
  readonly mask: LabelMap;
}

/**
 * @param megapixels about so many; the sides are whole multiples of 8.
 * @param columns of discs, by three quarters as many rows.
 */
export function drawImage(megapixels: number, columns = COLUMNS): DrawnImage {
  const width = 8 * Math.round(Math.sqrt((megapixels * 1e6 * 4) / 3) / 8);
  const height = (width / 4) * 3;
  const random = Random.fromSeed(1, 'bench');
  const data = new Uint8Array(width * height * 3);
  const labels = new Int32Array(width * height);
  // Noise of a sensor: cheap, and not a pattern that an encoder could use.
  const noise = Uint8Array.from({ length: 65_521 }, () => random.integer(12));
  const cell = width / columns;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const column = Math.floor(x / cell);
      const row = Math.floor(y / cell);
      const inside = (x - (column + 0.5) * cell) ** 2 + (y - (row + 0.5) * cell) ** 2 < (0.28 * cell) ** 2;
      if (inside) labels[i] = row * columns + column + 1;
      const light = (inside ? 150 : 60) + 30 * Math.sin(x / 90) + 20 * Math.cos(y / 70);
      for (let c = 0; c < 3; c++) data[3 * i + c] = light + 10 * c + (noise[(3 * i + c) % noise.length] ?? 0);
    }
  }
  return { image: { width, height, channels: 3, data }, mask: { width, height, data: labels } };
}

/** As a camera writes it: baseline, quality 90. */
async function encodeJpeg({ width, height, data }: RgbImage): Promise<Uint8Array> {
  const wasm = createRequire(import.meta.url).resolve('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm');
  const module = await mozjpegFactory({ noInitialRun: true, wasmBinary: await readFile(wasm) });
  const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) rgba.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
  return module.encode(rgba, width, height, { ...defaultOptions, quality: 90, progressive: false }).slice();
}

/** As the import finds it, once for a dataset. */
const READING: DatasetReading = {
  instances: {
    samples: 'grey',
    background: 0,
    ignored: [],
    levels: null,
    threshold: null,
    meaning: 'objects',
    zeroLabel: 0,
    transparentUnder: null,
  },
};

/** Samples of a dataset that all hold one image and its mask. */
export function samplesOf(
  image: Uint8Array,
  extension: string,
  mask: Uint8Array,
  count: number,
): DatasetSample[] {
  const file = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });
  return Array.from({ length: count }, (_, i) => ({
    name: `${i}.${extension}`,
    image: file(`images/${i}.${extension}`, image),
    instances: file(`instances/${i}.png`, mask),
    reading: READING,
  }));
}

/** The image's files by format, and its mask's. */
export async function encodeAll({ image, mask }: DrawnImage) {
  return { jpg: await encodeJpeg(image), png: encodeImagePng(image), mask: encodeMaskPng(mask) };
}
