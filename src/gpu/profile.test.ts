import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Executable, Pool } from '../graph/executable.ts';
import { Graph } from '../graph/graph.ts';
import { planGraph } from '../graph/plan.ts';
import { linear } from '../ops/linear/linear.ts';
import { openTestGpu } from '../testing/device.ts';
import type { Gpu } from './gpu.ts';
import { groupPasses, PASSES_AT_ONCE } from './profile.ts';

/** More passes than a query set holds: x · 1 again and again, the last in a phase of its own. */
const PASSES = PASSES_AT_ONCE + 2;

async function openChain(gpu: Gpu) {
  const graph = new Graph();
  let x = graph.input('x', [5, 1]);
  for (let i = 0; i < PASSES; i++) {
    if (i === PASSES - 1) graph.phase = 'last';
    x = linear(x, graph.input('one', [1, 1]), null);
  }
  graph.output('y', x);
  const plan = planGraph(graph, gpu.traits);
  const pool = Pool.allocate(gpu, [plan], 'chain');
  const inputs = new Map([
    ['x', gpu.upload(Float32Array.of(1, 2, 3, 4, 5), 'x')],
    ['one', gpu.upload(Float32Array.of(1), 'one')],
  ]);
  return Executable.create(gpu, plan, pool, (name) => inputs.get(name));
}

// Without asking for features a device has no timestamps.
describe.each([{ defaultLimits: false }, { defaultLimits: true }])('a profile on %o', (options) => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu(options);
  });
  afterAll(() => gpu?.destroy());

  it('times every pass, by the clock that there is, and changes nothing', async () => {
    const chain = await openChain(gpu);
    const before = gpu.allocatedBytes;
    const { clock, passes } = await gpu.profile(() => chain.run());
    expect(clock).toBe(gpu.device.features.has('timestamp-query') ? 'timestamps' : 'fences');
    expect(passes).toHaveLength(PASSES);
    expect(passes.map(({ phase }) => phase).lastIndexOf('forward')).toBe(PASSES - 2);
    for (const { label, microseconds, workgroups, bytes } of passes) {
      expect(label).toMatch(/^linear:/);
      expect(microseconds).toBeGreaterThanOrEqual(0);
      expect(microseconds).toBeLessThan(60e6);
      expect(workgroups.every((count) => count >= 1)).toBe(true);
      expect(bytes).toBeGreaterThanOrEqual(4 * (5 + 1 + 5));
    }
    const [y] = await gpu.read(chain.output('y'));
    expect([...(y ?? [])]).toEqual([1, 2, 3, 4, 5]);
    expect(gpu.allocatedBytes).toBe(before);
    const [group, other] = groupPasses(passes);
    expect(group?.count).toBe(PASSES);
    expect(other).toBeUndefined();
    // The next run is no part of it.
    await chain.run();
    await gpu.idle();
    expect(passes).toHaveLength(PASSES);
  });

  it('ends with the work that fails', async () => {
    await expect(gpu.profile(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    const chain = await openChain(gpu);
    gpu.spans.take();
    await chain.run();
    await gpu.idle();
    const { encoding, busy, waiting } = gpu.spans.take();
    expect(encoding, 'submits are slices again').toBeGreaterThan(0);
    expect(busy).toBeGreaterThan(0);
    expect(waiting).toBeGreaterThan(0);
  });
});
