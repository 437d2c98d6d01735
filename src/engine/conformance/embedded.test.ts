import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/gpu.ts';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { openCheckpoint } from '../../sam/checkpoint/checkpoint.ts';
import { SamSession } from '../../sam/session.ts';
import { loadModel } from '../../sam/weights.ts';
import { openTestGpu } from '../../testing/device.ts';
import { checkEmbedded } from './embedded.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = async (path: string) => bytesSource(path, await readFile(`${root}${path}`));
const text = async (path: string) => ({ name: path, text: await readFile(`${root}${path}`, 'utf8') });

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu?.destroy());

it('answers as its PyTorch twin does, from the file to the mask', { timeout: 600_000 }, async () => {
  const { default: id } = JSON.parse(await readFile(`${root}public/models/index.json`, 'utf8')) as {
    default: string;
  };
  const folder = `public/models/${id}/`;
  const checkpoint = await openCheckpoint({
    weights: [await read(`${folder}model.safetensors`)],
    config: await text(`${folder}config.json`),
    preprocessor: await text(`${folder}preprocessor_config.json`),
  });
  const session = await SamSession.open(gpu, await loadModel(gpu, checkpoint));
  const comparisons = await checkEmbedded(session, (name) => read(`tests/vectors/embedded/${name}`));
  expect(comparisons.length).toBeGreaterThan(30);
  expect(comparisons.filter(({ passed }) => !passed)).toEqual([]);
});
