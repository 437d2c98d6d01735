import type { BufferRange, Gpu } from '../../gpu/gpu.ts';
import { Executable, Pool } from '../../graph/executable.ts';
import type { Graph } from '../../graph/graph.ts';
import { planGraph } from '../../graph/plan.ts';

/**
 * Plans a graph, runs it once and reads every output.
 * @param inputs values by name; @param shared buffers that are on the device already (weights).
 */
export async function runGraph(
  gpu: Gpu,
  graph: Graph,
  inputs: Readonly<Record<string, Float32Array>>,
  shared: (name: string) => BufferRange | undefined,
): Promise<Map<string, Float32Array>> {
  const plan = planGraph(graph, gpu.traits);
  const pool = Pool.allocate(gpu, [plan], 'conformance');
  const own = new Map(Object.entries(inputs).map(([name, data]) => [name, gpu.upload(data, name)]));
  try {
    const ranges = new Map<string, BufferRange>();
    for (const name of plan.inputs.keys()) {
      const range = own.get(name) ?? shared(name);
      if (range) ranges.set(name, range);
    }
    const executable = await Executable.create(gpu, plan, pool, ranges);
    await executable.run();
    const names = [...plan.outputs.keys()];
    const values = await gpu.read(...names.map((name) => executable.output(name)));
    return new Map(names.map((name, i) => [name, values[i] ?? new Float32Array()]));
  } finally {
    pool.release();
    for (const { buffer } of own.values()) gpu.release(buffer);
  }
}
