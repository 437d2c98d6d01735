import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/gpu.ts';
import { Executable, Pool } from '../../graph/executable.ts';
import { gradients } from '../../graph/grad.ts';
import { Graph, type Tensor } from '../../graph/graph.ts';
import { planGraph } from '../../graph/plan.ts';
import { sizeOf } from '../../graph/shape.ts';
import { openTestGpu } from '../../testing/device.ts';
import { normals } from '../../testing/random.ts';
import { add } from '../add/add.ts';
import { layernorm, layernormBackwardOp, layernormOp } from './layernorm.ts';

const EPS = 1e-6;
const NAMES = ['sum', 'out', 'dx'] as const;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu({ defaultLimits: true });
});
afterAll(() => gpu?.destroy());

type Inputs = Readonly<Record<'x' | 'residual' | 'weight' | 'bias' | 'dout' | 'more', Tensor>>;

/** Two additions around a normalisation and its backward, as a graph has them. */
function apart({ x, residual, weight, bias, dout, more }: Inputs): Tensor[] {
  const sum = add(x, residual);
  const { graph } = x;
  const [out, stats] = graph.apply(layernormOp, [sum, weight, bias, null], { eps: EPS });
  if (!out || !stats) throw new RangeError('layernorm: two outputs');
  const dx = graph.apply1(layernormBackwardOp, [sum, weight, stats, dout, null], { params: false });
  return [sum, out, add(dx, more)];
}

/** The same within the normalisation. */
function together({ x, residual, weight, bias, dout, more }: Inputs): Tensor[] {
  const { graph } = x;
  const [out, stats, sum] = graph.apply(layernormOp, [x, weight, bias, residual], { eps: EPS });
  if (!out || !stats || !sum) throw new RangeError('layernorm: three outputs');
  return [sum, out, graph.apply1(layernormBackwardOp, [sum, weight, stats, dout, more], { params: false })];
}

async function run(trace: typeof apart, C: number, isSoftware: boolean): Promise<Float32Array[]> {
  const graph = new Graph();
  const shapes = { x: [9, C], residual: [9, C], weight: [C], bias: [C], dout: [9, C], more: [9, C] };
  const entries = Object.entries(shapes);
  const inputs = Object.fromEntries(entries.map(([name, shape]) => [name, graph.input(name, shape)]));
  trace(inputs as unknown as Inputs).forEach((tensor, i) => {
    graph.output(NAMES[i] ?? '', tensor);
  });
  const plan = planGraph(graph, { ...gpu.traits, isSoftware });
  const ranges = new Map(
    entries.map(([name, shape], i) => [name, gpu.upload(Float32Array.from(normals(sizeOf(shape), i)), name)]),
  );
  const pool = Pool.allocate(gpu, [plan], 'layernorm');
  const executable = await Executable.create(gpu, plan, pool, (name) => ranges.get(name));
  await executable.run();
  const read = await gpu.read(...NAMES.map((name) => executable.output(name)));
  pool.release();
  for (const { buffer } of ranges.values()) gpu.release(buffer);
  return read;
}

describe('layernorm with the additions around it', () => {
  const kernels = [
    ['four rows a thread', 36, true],
    ['64 threads a row', 36, false],
    ['a thread a row', 7, true],
  ] as const;
  it.each(kernels)('gives what additions of their own give: %s', async (_title, C, isSoftware) => {
    const [fused, plain] = [await run(together, C, isSoftware), await run(apart, C, isSoftware)];
    expect(fused.length).toBe(3);
    fused.forEach((values, i) => {
      expect(values.every(Number.isFinite), NAMES[i]).toBe(true);
      values.forEach((value, k) => {
        expect(value, NAMES[i]).toBeCloseTo(plain[i]?.[k] ?? Number.NaN, 5);
      });
    });
  });
});

describe('the gradients of layernorm', () => {
  it('are one node for all that are needed', () => {
    const graph = new Graph();
    const inputs = [graph.input('x', [5, 8]), graph.input('weight', [8]), graph.input('bias', [8])] as const;
    const out = layernorm(...inputs, EPS);
    gradients(graph, [{ tensor: out, seed: graph.input('dout', [5, 8]) }], inputs, add);
    expect(graph.nodes.map(({ op }) => op.name)).toEqual(['layernorm', 'layernormBackward']);
  });
});
