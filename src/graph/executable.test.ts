import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Gpu } from '../gpu/gpu.ts';
import { linear } from '../ops/linear/linear.ts';
import { openTestGpu } from '../testing/device.ts';
import { Executable, Pool } from './executable.ts';
import { Graph } from './graph.ts';
import { planGraph } from './plan.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu?.destroy());

/** y = 2·x, then z = 3·y in a second phase. */
function twoPhases() {
  const graph = new Graph();
  const y = linear(graph.input('x', [5, 1]), graph.input('two', [1, 1]), null);
  graph.output('y', y);
  graph.phase = 'second';
  graph.output('z', linear(y, graph.input('three', [1, 1]), null));
  return graph;
}

it('runs a plan, phase by phase or whole, and allocates nothing while it runs', async () => {
  const plan = planGraph(twoPhases(), gpu.traits);
  const before = gpu.allocatedBytes;
  const pool = Pool.allocate(gpu, [plan], 'test');
  expect(gpu.allocatedBytes - before, 'what the planner said').toBe(plan.poolBytes);
  const x = gpu.upload(Float32Array.of(1, 2, 3, 4, 5), 'x');
  const inputs = new Map([
    ['x', x],
    ['two', gpu.upload(Float32Array.of(2), 'two')],
    ['three', gpu.upload(Float32Array.of(3), 'three')],
  ]);
  const executable = await Executable.create(gpu, plan, pool, (name) => inputs.get(name));
  const allocations = gpu.allocationCount;
  const pipelines = gpu.pipelines.size;
  await executable.run('forward');
  await executable.run('second');
  gpu.write(x, Float32Array.of(2, 2, 2, 2, 2));
  await executable.run();
  expect(gpu.allocationCount).toBe(allocations);
  expect(gpu.pipelines.size).toBe(pipelines);
  const [z] = await gpu.read(executable.output('z'));
  expect([...(z ?? [])]).toEqual([12, 12, 12, 12, 12]);
  pool.release();
  for (const { buffer } of inputs.values()) gpu.release(buffer);
});

it('names the input that nobody bound', async () => {
  const plan = planGraph(twoPhases(), gpu.traits);
  const pool = Pool.allocate(gpu, [plan], 'test');
  await expect(Executable.create(gpu, plan, pool, () => undefined)).rejects.toThrow(
    /^x: A buffer of 20 bytes/,
  );
  pool.release();
});
