import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BufferRange, Gpu } from '../../gpu/gpu.ts';
import { Executable, Pool } from '../../graph/executable.ts';
import { type AnyOp, defineOp, Graph } from '../../graph/graph.ts';
import type { PassContext } from '../../graph/pass.ts';
import { planGraph } from '../../graph/plan.ts';
import { sizeOf } from '../../graph/shape.ts';
import { openTestGpu } from '../../testing/device.ts';
import { normals } from '../../testing/random.ts';
import { attentionBackwardOp, attentionOp } from './attention.ts';
import { problemOf } from './problem.ts';
import { backwardProducts, backwardScratch, forwardProducts, forwardScratch } from './products.ts';
import type { AttentionAttributes } from './sizes.ts';

/** An op with its scores written out for one head at a time. */
const forwardByHead = defineOp({
  ...attentionOp,
  scratch: (context: PassContext<AttentionAttributes>) => forwardScratch(problemOf(context), 1),
  passes: (context: PassContext<AttentionAttributes>) => forwardProducts(problemOf(context), null, 1),
});
const backwardByHead = defineOp({
  ...attentionBackwardOp,
  scratch: (context: PassContext<AttentionAttributes>) => backwardScratch(problemOf(context), 1),
  passes: (context: PassContext<AttentionAttributes>) => backwardProducts(problemOf(context), 1),
});

const [M, heads, Nq, C, prefix] = [2, 3, 12, 24, 5] as const;
const attrs = { heads, prefix, gridW: 4 };
const q = [M, Nq, C];
const k = [M, prefix + Nq, C];
const relPos = [M, heads, Nq, 3 + 4];
const forward = { inputs: { q, k, v: k, relPos, mass: null }, outputs: 2 };
const backward = { inputs: { q, k, v: k, relPos, dout: q, bias: null, rows: [M, heads, Nq, 3] }, outputs: 4 };

describe('attention with few heads at a time', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu();
  });
  afterAll(() => gpu?.destroy());

  /** All outputs of an op, on seeded inputs. */
  async function run(op: AnyOp, { inputs, outputs }: typeof forward | typeof backward): Promise<number[][]> {
    const graph = new Graph();
    const ranges = new Map<string, BufferRange>();
    const tensors = Object.entries(inputs).map(([name, shape], i) => {
      if (!shape) return null;
      ranges.set(name, gpu.upload(Float32Array.from(normals(sizeOf(shape), i)), name));
      return graph.input(name, shape);
    });
    graph.apply(op, tensors, attrs).forEach((tensor, i) => {
      graph.output(String(i), tensor);
    });
    const plan = planGraph(graph, { ...gpu.traits, isSoftware: true });
    const pool = Pool.allocate(gpu, [plan], op.name);
    const executable = await Executable.create(gpu, plan, pool, (name) => ranges.get(name));
    await executable.run();
    const read = await gpu.read(...Array.from({ length: outputs }, (_, i) => executable.output(String(i))));
    pool.release();
    for (const range of ranges.values()) gpu.release(range.buffer);
    return read.map((values) => [...values]);
  }

  it('gives the same forward, bit for bit', async () => {
    const whole = await run(attentionOp, forward);
    expect(await run(forwardByHead, forward)).toEqual(whole);
    expect(whole.flat().every(Number.isFinite)).toBe(true);
  });

  it('gives the same backward, bit for bit', async () => {
    const whole = await run(attentionBackwardOp, backward);
    expect(await run(backwardByHead, backward)).toEqual(whole);
    expect(whole.flat().some((value) => value !== 0)).toBe(true);
  });

  it('writes out no more scores at a time than it may', () => {
    const traits = { isSoftware: true, hasSubgroups: false };
    const problem = {
      sizes: { M: 1, Nq: 4096, Nk: 4112, C: 768, D: 64 },
      attrs: { heads: 12, prefix: 16, gridW: 64 },
      hasRel: true,
      hasBias: false,
      traits,
    };
    const most = 5 * 4096 * 4112;
    const sizes = backwardScratch(problem, most).map(sizeOf);
    expect(Math.max(...sizes)).toBe(4 * 4096 * 4112);
  });
});
