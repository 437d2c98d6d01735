import { expect, it, vi } from 'vitest';
import type { RandomState } from '../config/random.ts';
import { STAGING_BYTES } from '../gpu/readback.ts';
import type { TrainableTensor } from '../peft/tensors.ts';
import { writeSafetensors } from '../sam/checkpoint/safetensors-write.ts';
import { openTestGpu } from '../testing/device.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { layoutParameters, ParameterBuffers } from './parameter-buffers.ts';

const random: RandomState = [1, 2, 3, 4];

/** A state as version 0.1 wrote it. */
const OLD_STATE = {
  step: 4,
  bestStep: 0,
  bestScore: 0.5,
  startTally: [{ key: 'cells', pictures: [{ name: 'a.png', sum: 1.5, n: 2 }] }],
  evaluationsSinceBest: 1,
  evaluatedStep: 4,
  sampler: { random, turn: [0], epochs: [[0, 1]] },
  random: { augment: random, prompts: random, corrections: random },
  promptCount: 8,
  objectsPerPass: 2,
};

const images = OLD_STATE.startTally[0]?.pictures;

it.each([
  ['startTally and pictures', OLD_STATE.startTally],
  ['startTally and images', [{ key: 'cells', images }]],
])('reads the first scores of a checkpoint that calls them %s', async (_, startTally) => {
  const bytes = writeSafetensors(new Map(), {
    format: 'mopeft-checkpoint',
    state: JSON.stringify({ ...OLD_STATE, startTally }),
  });
  const { state } = await readCheckpoint(bytes, 'last.safetensors');
  expect(state.startSums).toEqual([{ key: 'cells', images }]);
  expect(Object.keys(state)).not.toContain('startTally');
  expect(state.weights, 'before there was another precision').toBe('f32');
  expect(state.kernels, 'before kernels were measured').toBeNull();
  expect(state.imagesPerPass, 'before images shared passes').toBe(1);
  expect(state.pruned, 'before modules were taken out').toBeNull();
  expect(state.random.gates, 'before gates drew').toBeNull();
});

it('that is cut off is called so, with a cure for a run', async () => {
  const state = JSON.stringify(OLD_STATE);
  const tensors = new Map([['param.a', { shape: [8], data: new Float32Array(8) }]]);
  const whole = writeSafetensors(tensors, { format: 'mopeft-checkpoint', state });
  const old = writeSafetensors(tensors, { format: 'mopeft-checkpoint', state: '{"step":"4"}' });
  for (const [bytes, what] of [
    [whole.subarray(0, 5), 'cut off'],
    [whole.subarray(0, 60), 'cut off'],
    [whole.subarray(0, whole.length - 4), 'cut off'],
    [old, 'another version'],
  ] as const)
    await expect(readCheckpoint(bytes, 'last.safetensors')).rejects.toMatchObject({
      record: {
        code: 'train/checkpoint',
        what: expect.stringContaining(what),
        cure: expect.stringMatching(/^Start a new run/),
      },
    });
});

it('is written and restored in pieces where the tensors fill several buffers, without a buffer beside them', async () => {
  const gpu = await openTestGpu({ defaultLimits: true });
  const limit = STAGING_BYTES + 1024;
  const tensors = [limit / 4, 7, limit / 4 - 64, 5, limit / 8].map(
    (length, i): TrainableTensor => ({
      name: `tensor${i}`,
      shape: [length],
      group: 'decoder',
      part: 'decoder',
      decay: true,
      rate: 1,
    }),
  );
  const { startTally, ...rest } = OLD_STATE;
  const state = {
    ...rest,
    startSums: null,
    weights: 'f16' as const,
    imagesPerPass: 3,
    kernels: { wideProductsFrom: 1024 },
    random: { ...rest.random, gates: [5, 6, 7, 8] as const },
    pruned: { lora: [0, 2] },
    scores: [{ method: 'prefix', block: 1, mean: 0.5, spread: 1e-17 }],
  };
  const layout = layoutParameters(tensors, limit);
  expect(layout.bufferBytes.length).toBeGreaterThan(2);
  const [first, second] = [ParameterBuffers.allocate(gpu, layout), ParameterBuffers.allocate(gpu, layout)];
  const valuesOf = (role: string, { name, shape }: TrainableTensor) => {
    const values = new Float32Array(shape[0] ?? 0).fill(role.charCodeAt(0));
    values.set([name.charCodeAt(6), -1]);
    return values.reverse();
  };
  for (const tensor of tensors) {
    for (const role of ['param', 'm', 'v'] as const) first.write(role, tensor.name, valuesOf(role, tensor));
  }
  const create = vi.spyOn(gpu.device, 'createBuffer');
  const bytes = await writeCheckpoint(first, state);
  expect(create).not.toHaveBeenCalled();
  create.mockRestore();
  const { restore, state: read } = await readCheckpoint(bytes ?? new Uint8Array(), 'last.safetensors');
  expect(read).toEqual(state);
  restore(second);
  for (const role of ['param', 'm', 'v'] as const) {
    const values = await second.read(role);
    for (const tensor of tensors) {
      const bytesOf = (data: Float32Array = new Float32Array()) =>
        Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      const isSame = bytesOf(values.get(tensor.name)).equals(bytesOf(valuesOf(role, tensor)));
      expect(isSame, `${role}.${tensor.name}`).toBe(true);
    }
  }
  first.write('v', 'tensor3', new Float32Array(5).fill(Number.NaN));
  expect(await writeCheckpoint(first, state)).toBeNull();
  gpu.destroy();
});
