/** An adapter that was made and saved in Python opens in the engine and answers as it did there: `tests/vectors/python/made`. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/gpu.ts';
import type { SamModel } from '../../sam/weights.ts';
import { relativeError } from '../../testing/allclose.ts';
import { openTestGpu } from '../../testing/device.ts';
import { answersOf, openPythonModel, PYTHON_VECTORS } from '../../testing/python-vectors.ts';
import { readIncomingAdapter } from './adapter-files.ts';

/** Of logits, every n-th is stored. */
const EVERY = 64;

let gpu: Gpu;
let model: SamModel;
beforeAll(async () => {
  gpu = await openTestGpu();
  model = await openPythonModel(gpu, 'vit');
});
afterAll(() => {
  model?.weights.release();
  gpu?.destroy();
});

it('an adapter made in Python gives the masks that it gave there', async () => {
  const path = `${PYTHON_VECTORS}made/`;
  const file = (name: string) => ({ path: name, bytes: () => readFile(path + name) });
  const { adapter } = await readIncomingAdapter([file('adapter.json'), file('adapter.safetensors')], model);
  expect(adapter.mopeft).toMatchObject({
    gate: 'mass',
    token: true,
    datasets: ['bläschen'],
    trainDecoder: false,
  });
  const want = JSON.parse(await readFile(`${path}answers.json`, 'utf8'));
  const got = await answersOf(gpu, model, adapter);
  for (const prompt of ['click', 'box'] as const) {
    const logits = got.logits[prompt].filter((_, i) => i % EVERY === 0);
    expect(relativeError(logits, want[prompt].logits)).toBeLessThan(1e-3);
    expect(got[prompt].token).toBe(want[prompt].token);
    expect(got[prompt].iou).toBeCloseTo(want[prompt].iou, 3);
  }
  const foreground = got.runs.filter((_, i) => i % 2 === 1).reduce((sum, run) => sum + run, 0);
  expect(Math.abs(foreground - want.click.area)).toBeLessThanOrEqual(1e-3 * want.click.area);
  expect(foreground).toBeGreaterThan(100);
  for (const [block, layer] of got.gates.entries())
    for (const [method, gate] of Object.entries(layer))
      expect(gate).toBeCloseTo(want.gates[block][method], 3);
});
