import type { BufferRange, Gpu } from '../../../gpu/gpu.ts';
import { Executable, Pool } from '../../../graph/executable.ts';
import type { Graph } from '../../../graph/graph.ts';
import { planGraph } from '../../../graph/plan.ts';
import { fused } from '../../../ops/fusion.ts';
import { relativeError } from '../../../testing/allclose.ts';
import type { Runnable } from '../peers/work.ts';
import type { Check, Memory } from '../report.ts';
import type { BenchCase } from './cases.ts';
import { forwardInFloat64 } from './float64.ts';
import { normalNumbers } from './numbers.ts';

const FORWARD_TOLERANCE = 1e-4;
const GRADIENT_TOLERANCE = 1e-3;
/** Step of the central difference in float64. */
const STEP = 1e-4;

/** Our executable for a case. `result` is the gradient to x where there is one, else out: what the peers give. */
export interface Ours extends Runnable {
  readonly plannedFlops: number;
  /**
   * Compares out with float64, and all gradients together with a central difference of float64 along a random
   * direction.
   */
  check(): Promise<Check[]>;
  memory(): Memory;
}

/** Plans, allocates and binds a case. */
export async function prepareOurs(gpu: Gpu, bench: BenchCase): Promise<Ours> {
  // What it is checked against stays as it was traced.
  const plain = { inputs: bench.graph.inputs, nodes: [...bench.graph.nodes] };
  const plan = planGraph(fused(bench.graph, gpu.traits), gpu.traits);
  const ranges = new Map<string, BufferRange>();
  for (const [name, values] of bench.inputs) ranges.set(name, gpu.upload(values, name));
  const before = gpu.allocatedBytes;
  const pool = Pool.allocate(gpu, [plan], bench.name);
  const allocatedBytes = gpu.allocatedBytes - before;
  const plannedBytes = plan.poolBytes + plan.texelBytes.reduce((sum, bytes) => sum + bytes, 0);
  const executable = await Executable.create(gpu, plan, pool, (name) => ranges.get(name));
  let created = 0;
  const run = async () => {
    const count = gpu.allocationCount;
    await executable.run();
    await gpu.idle();
    created += gpu.allocationCount - count;
  };
  const read = async (name: string) => {
    const [values] = await gpu.read(executable.output(name));
    return values ?? new Float32Array();
  };
  return {
    plannedFlops: plan.passes.reduce((sum, { pass }) => sum + pass.flops, 0),
    run,
    result: async () => {
      await run();
      return read(bench.gradientsOf.length > 0 ? 'd.x' : 'out');
    },
    check: async () => {
      await run();
      const gradients = new Map<string, Float32Array>();
      for (const name of bench.gradientsOf) gradients.set(name, await read(`d.${name}`));
      return compare(bench, plain, await read('out'), gradients);
    },
    memory: () => ({ plannedBytes, allocatedBytes, allocationsInRuns: created }),
    release: () => {
      pool.release();
      for (const { buffer } of ranges.values()) gpu.release(buffer);
    },
  };
}

function compare(
  bench: BenchCase,
  plain: Pick<Graph, 'inputs' | 'nodes'>,
  out: Float32Array,
  gradients: ReadonlyMap<string, Float32Array>,
): Check[] {
  const at = (step: number) => {
    const moved = new Map<string, Float64Array>();
    for (const [name, values] of bench.inputs) {
      const direction = gradients.has(name) ? normalNumbers(`direction ${name}`, values.length) : null;
      moved.set(
        name,
        Float64Array.from(values, (value, i) => value + step * (direction?.[i] ?? 0)),
      );
    }
    return forwardInFloat64(plain, moved, bench.out);
  };
  const checks = [
    { what: 'out against float64', error: relativeError(out, at(0)), tolerance: FORWARD_TOLERANCE },
  ];
  if (gradients.size === 0) return checks;
  const loss = (values: Float64Array) =>
    values.reduce((sum, value) => sum + value * value, 0) / values.length;
  const wanted = (loss(at(STEP)) - loss(at(-STEP))) / (2 * STEP);
  let [along, square] = [0, 0];
  for (const [name, gradient] of gradients) {
    const direction = normalNumbers(`direction ${name}`, gradient.length);
    for (const [i, value] of gradient.entries()) {
      along += value * (direction[i] ?? 0);
      square += value * value;
    }
  }
  checks.push({
    what: `${gradients.size} gradients along a direction against differences in float64`,
    error: Math.abs(along - wanted) / Math.sqrt(square),
    tolerance: GRADIENT_TOLERANCE,
  });
  return checks;
}
