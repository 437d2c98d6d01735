import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseTrainConfig } from '../../config/train.ts';
import type { Dataset } from '../../data/dataset.ts';
import { encodeImagePng, encodeMaskPng } from '../../data/encode-png.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { openTestGpu } from '../../testing/device.ts';
import { runDataset } from '../datasets.ts';
import { GpuQueue } from '../gpu-queue.ts';
import { openModel } from '../model.ts';
import { startTraining } from '../run/run.ts';
import { RunFiles } from '../run/run-files.ts';
import { DEMO_IMAGES, type DemoDomain, demoDomains, drawDemo } from './domains.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu?.destroy());

function drawn(domain: DemoDomain): Dataset {
  const file = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });
  const samples = Array.from({ length: DEMO_IMAGES }, (_, i) => {
    const { image, objects } = drawDemo(domain, i);
    const name = `${String(i).padStart(2, '0')}.png`;
    return {
      name,
      image: file(name, encodeImagePng(image)),
      instances: file(`i/${name}`, encodeMaskPng(objects)),
    };
  });
  return { name: domain.name, samples };
}

test('sixty steps on the three drawn domains help the embedded model, by box and by click', async () => {
  const folder = new URL('../../../public/models/mopeft-sam-tiny/', import.meta.url);
  const sources = await Promise.all(
    (await readdir(folder)).map(async (name) =>
      bytesSource(name, new Uint8Array(await readFile(new URL(name, folder)))),
    ),
  );
  const model = await openModel(gpu, sources);
  const settings = {
    mopeft: resolveMopeft({ methods: ['lora', 'prefix', 'adapter'] }, model.config),
    train: parseTrainConfig({ steps: 60, seed: 0, evalEvery: 60 }),
  };
  const datasets = demoDomains.map((domain) =>
    runDataset({ key: domain.id, name: domain.name }, drawn(domain), 0, 'shuffled'),
  );
  const parts = { gpu, queue: new GpuQueue(), model, files: new RunFiles(new MemoryStore(), 'run') };
  const { verdict } = await (await startTraining(parts, settings, datasets)).done;
  if (!verdict) throw new Error('the demo has test images, so there must be a verdict');
  console.log(verdict.sentence);
  expect(verdict.box.tuned).toBeGreaterThan(verdict.box.base);
  expect(verdict.click.tuned).toBeGreaterThan(verdict.click.base);
});
