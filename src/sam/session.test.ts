import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Gpu } from '../gpu/gpu.ts';
import { relativeError } from '../testing/allclose.ts';
import { openTestGpu, refuseBuffers } from '../testing/device.ts';
import { bytesSource } from './checkpoint/byte-source.ts';
import { openCheckpoint } from './checkpoint/checkpoint.ts';
import { mapHfNames } from './checkpoint/names.ts';
import { POINT_TABLE } from './checkpoint/prepare.ts';
import { Safetensors } from './checkpoint/safetensors.ts';
import { writeSafetensors } from './checkpoint/safetensors-write.ts';
import type { ObjectPrompt } from './prompts.ts';
import { packPrompts } from './prompts.ts';
import { resizePlaneOnHost } from './resize-host.ts';
import { compileSession, SamSession } from './session.ts';
import { loadModel, type SamModel } from './weights.ts';

const hf = (name: string) => fileURLToPath(new URL(`../../tests/vectors/hf/${name}`, import.meta.url));
const TOLERANCE = 1e-4;

let gpu: Gpu;
let model: SamModel;
let expected: Safetensors;
let config: { name: string; text: string };
let weights: Buffer;

beforeAll(async () => {
  gpu = await openTestGpu();
  config = { name: 'config.json', text: await readFile(hf('config.json'), 'utf8') };
  weights = await readFile(hf('model.safetensors'));
  model = await loadModel(gpu, await openCheckpoint({ weights: [bytesSource('model', weights)], config }));
  expected = await Safetensors.open(bytesSource('expected', await readFile(hf('expected.safetensors'))));
});
afterAll(() => gpu?.destroy());

/** Prompts of the file: the clicks and the boxes of two objects. */
async function promptsOfFile(): Promise<Record<'points' | 'boxes', ObjectPrompt[]>> {
  const [points, labels, boxes] = await Promise.all(
    ['input.points', 'input.labels', 'input.boxes'].map(async (name) => (await expected.read(name)).data),
  );
  const at = (data: Float32Array | undefined, i: number) => data?.[i] ?? Number.NaN;
  return {
    points: [0, 1].map((n) => ({
      points: [0, 1].map((i) => ({
        x: at(points, 4 * n + 2 * i),
        y: at(points, 4 * n + 2 * i + 1),
        positive: at(labels, 2 * n + i) === 1,
      })),
    })),
    boxes: [0, 1].map((n) => ({
      points: [],
      box: [at(boxes, 4 * n), at(boxes, 4 * n + 1), at(boxes, 4 * n + 2), at(boxes, 4 * n + 3)] as const,
    })),
  };
}

describe('a Hugging Face SamModel', () => {
  it('answers as transformers does, and its weights have the same identity under the original names', async () => {
    const session = await SamSession.open(gpu, model);
    await session.encode((await expected.read('input.image')).data);
    const prompts = await promptsOfFile();
    for (const tag of ['points', 'boxes'] as const) {
      const { lowResMasks, iou } = await session.decode(packPrompts(prompts[tag], model.config));
      expect(relativeError(lowResMasks, (await expected.read(`decode.${tag}.masks`)).data)).toBeLessThan(
        TOLERANCE,
      );
      expect(relativeError(iou, (await expected.read(`decode.${tag}.iou`)).data)).toBeLessThan(TOLERANCE);
    }
    await session.release();

    const file = await Safetensors.open(bytesSource('model', weights));
    const renamed = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for (const [original, name] of mapHfNames([...file.tensors.keys()]))
      renamed.set(original, await file.read(name));
    const again = await loadModel(
      gpu,
      await openCheckpoint({ weights: [bytesSource('sam', writeSafetensors(renamed))], config }),
    );
    expect(again.hash).toBe(model.hash);
    expect(model.hash).toMatch(/^[0-9a-f]{64}$/);
    again.weights.release();
  });
});

describe('a session', () => {
  it('gives the same masks for objects together, one by one and in any mix, and allocates nothing the second time', async () => {
    const session = await SamSession.open(gpu, model);
    await session.encode((await expected.read('input.image')).data);
    const { points, boxes } = await promptsOfFile();
    const mix = [points[0], boxes[1], points[1], boxes[0]].flatMap((prompt) => prompt ?? []);
    const together = await session.decodeAll(mix);
    const pixels = 4 * together.side ** 2;
    for (const [i, prompt] of mix.entries()) {
      const alone = await session.decode(packPrompts([prompt], model.config));
      const part = together.lowResMasks.subarray(i * pixels, (i + 1) * pixels);
      expect(relativeError(alone.lowResMasks, part)).toBeLessThan(1e-5);
    }
    const before = gpu.allocationCount;
    const again = await session.decodeAll(mix);
    expect(gpu.allocationCount).toBe(before);
    expect(again.lowResMasks).toEqual(together.lowResMasks);
    await session.release();
  });

  it('takes a mask alone, puts embeddings back, and gives every buffer back', async () => {
    const before = gpu.allocatedBytes;
    const session = await SamSession.open(gpu, model);
    await expect(
      session.decode(packPrompts([{ points: [], box: [1, 2, 3, 4] }], model.config)),
    ).rejects.toThrow(/no image/);
    await session.encode((await expected.read('input.image')).data);
    const mask = new Float32Array(24 * 24).fill(2);
    const first = await session.decode(packPrompts([{ points: [], mask }], model.config));
    expect(first.lowResMasks.every(Number.isFinite)).toBe(true);
    const kept = await session.embeddings();
    await session.encode(new Float32Array(3 * 48 * 48));
    await session.setEmbeddings(kept);
    expect((await session.decode(packPrompts([{ points: [], mask }], model.config))).lowResMasks).toEqual(
      first.lowResMasks,
    );
    await session.release();
    expect(gpu.allocatedBytes).toBe(before);
  });

  it('says when the device refuses a buffer, leaves nothing of a failed opening, and works once there is memory', async () => {
    const before = gpu.allocatedBytes;
    const image = (await expected.read('input.image')).data;
    let end = refuseBuffers(gpu, 'session imagePe');
    await expect(SamSession.open(gpu, model)).rejects.toMatchObject({ record: { code: 'gpu/invalid' } });
    end();
    expect(gpu.allocatedBytes).toBe(before);

    const session = await SamSession.open(gpu, model);
    const opened = gpu.allocatedBytes;
    end = refuseBuffers(gpu, 'session 0');
    await expect(session.encode(image)).rejects.toMatchObject({ record: { code: 'gpu/invalid' } });
    end();
    await expect(session.embeddings()).rejects.toThrow(/no image/);
    expect(gpu.allocatedBytes).toBeLessThan(opened);
    await session.encode(image);
    expect((await session.embeddings()).embedding.some((value) => value !== 0)).toBe(true);
    await session.release();
    expect(gpu.allocatedBytes).toBe(before);
  });

  it('gives the weights back when the device refuses one of them', async () => {
    const before = gpu.allocatedBytes;
    const end = refuseBuffers(gpu, POINT_TABLE);
    const checkpoint = await openCheckpoint({ weights: [bytesSource('model', weights)], config });
    await expect(loadModel(gpu, checkpoint)).rejects.toMatchObject({ record: { code: 'gpu/invalid' } });
    end();
    expect(gpu.allocatedBytes).toBe(before);
  });

  it('compiles nothing for a first image and its first click once it is prepared', async () => {
    const own = await openTestGpu();
    const opened = await loadModel(
      own,
      await openCheckpoint({ weights: [bytesSource('model', weights)], config }),
    );
    // The sizes are known before the weights.
    await compileSession(own, opened.config);
    const prepared = own.pipelines.size;
    const session = await SamSession.open(own, opened);
    await session.compile();
    expect(own.pipelines.size).toBe(prepared);
    const submit = vi.spyOn(own.slices, 'submit');
    await session.warmUp();
    await session.warmUp();
    // A software adapter, which would need seconds for it, runs nothing; others run everything once.
    const passes = submit.mock.calls.length;
    expect(passes).toBe(own.traits.isSoftware ? 0 : 2);
    await session.encode((await expected.read('input.image')).data);
    await session.decodeAll([{ points: [{ x: 20, y: 20, positive: true }] }]);
    await session.decodeAll([{ points: [], box: [4, 4, 40, 40] }]);
    expect(own.pipelines.size).toBe(prepared);
    await session.release();
    own.destroy();
  });

  it('upscales on the GPU as the fallback for huge images does', async () => {
    const session = await SamSession.open(gpu, model);
    const lowRes = Float32Array.from({ length: 24 * 24 }, (_, i) => Math.sin(i * 0.7));
    const onGpu = await session.upscaleMasks(lowRes, [31, 48], [57, 89]);
    const square = resizePlaneOnHost(lowRes, [24, 24], [48, 48]);
    const cropped = Float32Array.from({ length: 31 * 48 }, (_, i) => square[i] ?? Number.NaN);
    expect(relativeError(onGpu, resizePlaneOnHost(cropped, [31, 48], [57, 89]))).toBeLessThan(1e-5);
    await session.release();
  });
});
