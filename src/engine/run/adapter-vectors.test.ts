/** Adapters from which modules were taken out, with the embedding that they give; Python opens the same files. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/gpu.ts';
import { modulesOf } from '../../peft/modules.ts';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { Safetensors } from '../../sam/checkpoint/safetensors.ts';
import type { SamModel } from '../../sam/weights.ts';
import { relativeError } from '../../testing/allclose.ts';
import { openTestGpu } from '../../testing/device.ts';
import { openTwinModel } from '../../testing/twin-run.ts';
import { ModelSession } from '../tuning.ts';
import { readIncomingAdapter } from './adapter-files.ts';

const vectors = fileURLToPath(new URL('../../../tests/vectors/', import.meta.url));

let gpu: Gpu;
let model: SamModel;
beforeAll(async () => {
  gpu = await openTestGpu();
  model = await openTwinModel(gpu, `${vectors}twin/`);
});
afterAll(() => {
  model?.weights.release();
  gpu?.destroy();
});

it.each(['budget', 'hard'])('the adapter of gate form %s gives the embedding beside it', async (form) => {
  const path = `${vectors}adapter/${form}/`;
  const { adapter } = await readIncomingAdapter(
    [{ path: 'adapter.safetensors', bytes: () => readFile(`${path}adapter.safetensors`) }],
    model,
  );
  const { gate, methods, blocks, pruned = {} } = adapter.mopeft;
  expect(gate).toBe(form);
  const gone = Object.values(pruned).flat().length;
  expect(gone).toBeGreaterThan(0);
  expect(modulesOf(adapter.mopeft)).toHaveLength(Object.keys(methods).length * blocks.length - gone);
  const session = await ModelSession.open(gpu, model, adapter);
  // From −1 to 1, as torch.linspace has it.
  const last = 3 * model.config.imageSize ** 2 - 1;
  await session.encode(Float32Array.from({ length: last + 1 }, (_, i) => -1 + (2 * i) / last));
  const { embedding } = await session.sam.embeddings();
  await session.release();
  const file = await Safetensors.open(
    bytesSource('embedding.safetensors', await readFile(`${path}embedding.safetensors`)),
  );
  expect(relativeError(embedding, (await file.read('embedding')).data)).toBeLessThan(1e-5);
});
