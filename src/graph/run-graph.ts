import type { Gpu } from '../gpu/gpu.ts';
import { Executable, type FindRange, Pool } from './executable.ts';
import type { Graph } from './graph.ts';
import { planGraph } from './plan.ts';

/**
 * Plans a graph, runs it once, reads every output and releases what it allocated.
 * @param inputs values by name.
 * @param shared finds inputs that are on the device already (weights).
 */
export async function runGraph(
  gpu: Gpu,
  graph: Graph,
  inputs: Readonly<Record<string, Float32Array>>,
  shared: FindRange,
): Promise<Map<string, Float32Array>> {
  const plan = planGraph(graph, gpu.traits);
  const pool = Pool.allocate(gpu, [plan], 'graph');
  const own = new Map(Object.entries(inputs).map(([name, data]) => [name, gpu.upload(data, name)]));
  try {
    const executable = await Executable.create(gpu, plan, pool, (name) => own.get(name) ?? shared(name));
    await executable.run();
    const names = [...plan.outputs.keys()];
    const values = await gpu.read(...names.map((name) => executable.output(name)));
    return new Map(names.map((name, i) => [name, values[i] ?? new Float32Array()]));
  } finally {
    pool.release();
    for (const { buffer } of own.values()) gpu.release(buffer);
  }
}
