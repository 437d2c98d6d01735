/**
 * What the engine finds with an adapter that was trained in crops, for the Python package. `WRITE_VECTORS=1` writes
 * `tests/vectors/python/found` anew.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findDefaults } from '../../config/find.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { sizeOf } from '../../graph/shape.ts';
import { readAdapterFiles, writeAdapter } from '../../peft/adapter-file.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { moduleTensors } from '../../peft/tensors.ts';
import { openTestGpu } from '../../testing/device.ts';
import { openOfficial } from '../../testing/official-masks.ts';
import { PYTHON_VECTORS } from '../../testing/python-vectors.ts';
import { normals } from '../../testing/random.ts';
import { GpuQueue } from '../gpu-queue.ts';
import type { OpenModel } from '../model.ts';
import { scaleOfAdapter } from '../run/adapter-files.ts';
import { findObjects } from './find-dataset.ts';
import { Finder } from './finder.ts';

const SCALE = 160;
/** Chosen so that none lies near an answer. */
const SETTINGS = {
  pointsPerSide: 5,
  iou: 0.6,
  stability: 0.75,
  maskOverlap: 0.4,
  nesting: 0.7,
  minArea: 40,
  minRegion: 20,
};

const isWriting = process.env.WRITE_VECTORS === '1';
const folder = `${PYTHON_VECTORS}found/`;
let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu?.destroy());

test('what Python has to find is what the engine finds', { timeout: 900_000 }, async () => {
  const { model, image } = await openOfficial(gpu);
  if (isWriting) {
    await mkdir(folder, { recursive: true });
    await writeFile(`${folder}adapter.safetensors`, drawn(model));
  }
  const safetensors = new Uint8Array(await readFile(`${folder}adapter.safetensors`));
  const adapter = await readAdapterFiles(model, { json: '', safetensors });
  const settings = { ...findDefaults(model.hash), ...SETTINGS };
  const finder = await Finder.open(gpu, new GpuQueue(), model, adapter);
  const objects = await findObjects(finder, image, settings, scaleOfAdapter(adapter));
  const found = objects.map((each) => ({ ...each, runs: [...each.runs] }));
  if (isWriting) await writeFile(`${folder}found.json`, `${JSON.stringify({ settings, objects: found })}\n`);
  const want = JSON.parse(await readFile(`${folder}found.json`, 'utf8')) as {
    readonly objects: typeof found;
  };
  expect(found).toEqual(
    want.objects.map(({ predictedIou, stability, ...exact }) => ({
      ...exact,
      predictedIou: expect.closeTo(predictedIou, 4),
      stability: expect.closeTo(stability, 4),
    })),
  );
});

/** An adapter of small random values. */
function drawn(model: OpenModel): Uint8Array {
  const mopeft = resolveMopeft(
    { methods: ['lora'], trainDecoder: false, settings: { lora: { rank: 1 } }, blocks: [1] },
    model.config,
  );
  const tensors = new Map(
    moduleTensors(mopeft, model.config).map(({ name, shape }, i) => [
      name,
      { shape, data: Float32Array.from(normals(sizeOf(shape), i + 1), (v) => 0.1 * v) },
    ]),
  );
  const { preprocessing } = model.config;
  const adapter = { mopeft, tensors, preprocessing, maskThreshold: -0.25, training: { scale: SCALE } };
  return writeAdapter({ name: model.name, hash: model.hash, config: { preprocessing } }, adapter).safetensors;
}
