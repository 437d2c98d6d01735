/** Segments an image with the embedded model and a click: `node scripts/cli.mjs examples/segment.ts IMAGE X Y`. */
import { writeFile } from 'node:fs/promises';
import { openCliModel } from '../src/cli/open.ts';
import { readImage } from '../src/cli/read-image.ts';
import { encodeMaskPng } from '../src/data/encode-png.ts';
import { GpuQueue } from '../src/engine/gpu-queue.ts';
import { BASE_WEIGHTS, Segmenter, SegmentImage } from '../src/engine/segmenter.ts';

const [path = 'tests/vectors/embedded/cells.png', x = 172.5, y = 145.5] = process.argv.slice(2);
const image = await readImage(path);

const { gpu, model } = await openCliModel('public/models/mopeft-sam-tiny');
const segmenter = new Segmenter(gpu, new GpuQueue(), model);
const click = { x: Number(x), y: Number(y), positive: true };
const prompts = { points: [click], box: null, previous: null };
const candidates = await segmenter.predict(new SegmentImage(path, image), BASE_WEIGHTS, prompts);
for (const [i, { mask, area, predictedIou }] of candidates.entries()) {
  await writeFile(`mask-${i}.png`, encodeMaskPng({ ...image, data: mask }));
  console.log(`mask-${i}.png: ${area} pixels, predicted IoU ${predictedIou.toFixed(3)}`);
}
gpu.destroy();
