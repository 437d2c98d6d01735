import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { BufferRange, Gpu } from '../gpu/gpu.ts';
import { Graph } from '../graph/graph.ts';
import { scale } from '../ops/scale/scale.ts';
import { ExecutableCache } from './executable-cache.ts';

/** What the cache uses of a device, with an account of the live buffers. */
function fakeGpu() {
  const live = new Map<GPUBuffer, string>();
  const gpu = {
    traits: { isSoftware: true, hasSubgroups: false },
    pipelines: { get: async () => ({ getBindGroupLayout: () => ({}) }) },
    device: { createBindGroup: ({ entries }: GPUBindGroupDescriptor) => entries },
    allocate: vi.fn((size: number, label: string) => {
      const buffer = { size, label } as GPUBuffer;
      live.set(buffer, label);
      return buffer;
    }),
    release: (buffer: GPUBuffer) => {
      if (!live.delete(buffer)) throw new Error(`${buffer.label} is released twice`);
    },
  };
  return { gpu: gpu as unknown as Gpu, allocate: gpu.allocate, labels: () => [...live.values()].sort() };
}

const shared: BufferRange = { buffer: { size: 4096, label: 'shared' } as GPUBuffer, offset: 0, size: 4096 };

/** out = 2 · (2 · own) beside 2 · weight: needs slots of `size` values. */
function traceOf(size: number) {
  return vi.fn(() => {
    const graph = new Graph();
    graph.output('out', scale(scale(graph.input('own', [size]), 2), 2));
    graph.output('weight', scale(graph.input('weight', [size]), 2));
    return graph;
  });
}

let fake: ReturnType<typeof fakeGpu>;
let cache: ExecutableCache;
beforeEach(() => {
  fake = fakeGpu();
  cache = new ExecutableCache(fake.gpu, (name) => (name === 'weight' ? shared : undefined));
});

describe('the cache of executables', () => {
  it('traces a key once, and allocates nothing for a plan', () => {
    const trace = traceOf(8);
    expect(cache.plan('a', trace)).toBe(cache.plan('a', trace));
    expect(trace).toHaveBeenCalledTimes(1);
    expect(fake.labels()).toEqual([]);
  });

  it('gives the same executable for a key, with a buffer of its own for what is not shared', async () => {
    const trace = traceOf(8);
    const [first, second] = [await cache.get('a', trace), await cache.get('a', trace)];
    expect(second.executable).toBe(first.executable);
    expect(trace).toHaveBeenCalledTimes(1);
    expect(first.input('own')).toMatchObject({ buffer: { label: 'a own' }, size: 32 });
    expect(() => first.input('weight')).toThrow('a has no input weight of its own');
  });

  it('keeps one pool, as large as the largest graph needs, and binds again when it grew', async () => {
    const small = await cache.get('small', traceOf(8));
    const large = await cache.get('large', traceOf(64));
    const labels = fake.labels();
    expect(labels.filter((label) => label.startsWith('session'))).toEqual(['session 0', 'session 1']);
    const again = await cache.get('small', traceOf(8));
    expect(again.executable).not.toBe(small.executable);
    expect(again.executable.output('out').buffer.size).toBe(64 * 4);
    expect(await cache.get('large', traceOf(64))).toMatchObject({ executable: large.executable });
    expect(fake.labels()).toEqual(labels);
  });

  it('forgets the key that was used longest ago when there are too many', async () => {
    for (let i = 0; i < 24; i++) await cache.get(`k${i}`, traceOf(8));
    await cache.get('k0', traceOf(8));
    await cache.get('one more', traceOf(8));
    expect(fake.labels()).toContain('k0 own');
    expect(fake.labels()).not.toContain('k1 own');
    const trace = traceOf(8);
    await cache.get('k1', trace);
    expect(trace).toHaveBeenCalledTimes(1);
  });

  it('leaves no buffer behind: neither when it is released nor when one of several could not be had', async () => {
    await cache.get('a', traceOf(8));
    cache.release();
    expect(fake.labels()).toEqual([]);
    const two = () => {
      const graph = new Graph();
      graph.output('x', scale(graph.input('first', [4]), 2));
      graph.output('y', scale(graph.input('second', [4]), 2));
      return graph;
    };
    const { allocate } = fake;
    const original = allocate.getMockImplementation();
    allocate.mockImplementation((size, label) => {
      if (label === 'b second') throw new Error('no memory');
      return original?.(size, label) ?? shared.buffer;
    });
    await expect(cache.get('b', two)).rejects.toThrow('no memory');
    expect(fake.labels()).toEqual([]);
  });
});
