import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BufferRange, Gpu } from '../../gpu/gpu.ts';
import type { AdapterTraits } from '../../gpu/traits.ts';
import { Executable, Pool } from '../../graph/executable.ts';
import { gradients } from '../../graph/grad.ts';
import { Graph } from '../../graph/graph.ts';
import { planGraph } from '../../graph/plan.ts';
import { sizeOf } from '../../graph/shape.ts';
import { openTestGpu } from '../../testing/device.ts';
import { normals } from '../../testing/random.ts';
import { add } from '../add/add.ts';
import { attention } from './attention.ts';
import { MOST_FLOPS, splitHeads } from './split-heads.ts';

interface Problem {
  readonly M: number;
  readonly heads: number;
  readonly C: number;
  readonly gridH: number;
  readonly gridW: number;
  readonly prefix: number;
}

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu?.destroy());

/** Runs attention forward and backward; every result by name. `mass` null: the same without the prefix columns. */
async function run(
  problem: Problem,
  mass: number | null,
  { traits = gpu.traits, mostFlops = MOST_FLOPS }: { traits?: AdapterTraits; mostFlops?: number } = {},
): Promise<Map<string, Float32Array>> {
  const { M, heads, C, gridH, gridW, prefix } = problem;
  const Nq = gridH * gridW;
  const columns = mass === null ? Nq : prefix + Nq;
  const values = new Map<string, Float64Array>();
  const graph = new Graph();
  const given = (name: string, shape: readonly number[], seed: number) => {
    values.set(name, normals(sizeOf(shape), seed));
    return graph.input(name, shape);
  };
  /** The main columns have the same values either way; the prefix stands before those of each window. */
  const withPrefix = (name: string, seed: number) => {
    const main = normals(M * Nq * C, seed);
    const front = normals(M * prefix * C, seed + 1);
    const all = new Float64Array(M * columns * C);
    for (let m = 0; m < M; m++) {
      const start = m * columns * C;
      if (mass !== null) all.set(front.subarray(m * prefix * C, (m + 1) * prefix * C), start);
      all.set(main.subarray(m * Nq * C, (m + 1) * Nq * C), start + (columns - Nq) * C);
    }
    values.set(name, all);
    return graph.input(name, [M, columns, C]);
  };
  const q = given('q', [M, Nq, C], 1);
  const k = withPrefix('k', 2);
  const v = withPrefix('v', 4);
  const relPos = given('relPos', [M, heads, Nq, gridH + gridW], 6);
  const weight = mass === null ? null : graph.input('mass', [1]);
  if (mass !== null) values.set('mass', Float64Array.of(mass));
  const attrs = { heads, prefix: mass === null ? 0 : prefix, gridW };
  const out = graph.output('out', attention(q, k, v, { relPos, mass: weight }, attrs));
  const seed = given('dout', out.shape, 7);
  const wrt = new Map([
    ['dq', q],
    ['dk', k],
    ['dv', v],
    ['drelPos', relPos],
    ...(weight ? ([['dmass', weight]] as const) : []),
  ]);
  const grads = gradients(graph, [{ tensor: out, seed }], [...wrt.values()], add);
  [...wrt.keys()].forEach((name, i) => {
    const gradient = grads[i];
    if (!gradient) throw new RangeError(`no gradient ${name}`);
    graph.output(name, gradient);
  });
  const whole = planGraph(graph, traits);
  const passes = whole.passes.flatMap((planned) =>
    splitHeads(planned.pass, mostFlops).map((pass) => ({ ...planned, pass })),
  );
  const plan = { ...whole, passes };
  const ranges = new Map<string, BufferRange>(
    [...values].map(([name, data]) => [name, gpu.upload(Float32Array.from(data), name)]),
  );
  const pool = Pool.allocate(gpu, [plan], 'attention');
  const executable = await Executable.create(gpu, plan, pool, (name) => ranges.get(name));
  await executable.run();
  const names = ['out', ...wrt.keys()];
  const read = await gpu.read(...names.map((name) => executable.output(name)));
  pool.release();
  for (const range of ranges.values()) gpu.release(range.buffer);
  return new Map(names.map((name, i) => [name, read[i] ?? new Float32Array()]));
}

/** The main columns of a gradient to k or v. */
function mainColumns(array: Float32Array | undefined, { M, C, gridH, gridW, prefix }: Problem): number[] {
  const row = (prefix + gridH * gridW) * C;
  return Array.from({ length: M }, (_, m) => [
    ...(array?.subarray(m * row + prefix * C, (m + 1) * row) ?? []),
  ]).flat();
}

const PROBLEMS: [string, Problem][] = [
  ['heads of 8', { M: 2, heads: 2, C: 16, gridH: 3, gridW: 7, prefix: 5 }],
  ['heads of 7', { M: 2, heads: 1, C: 7, gridH: 3, gridW: 5, prefix: 5 }],
];

describe.each(PROBLEMS)('attention with mass, %s', (_title, problem) => {
  it('is at mass 0 that without prefix, bit for bit, forward and backward', async () => {
    const closed = await run(problem, 0);
    const without = await run(problem, null);
    for (const name of ['out', 'dq', 'drelPos'])
      expect([...(closed.get(name) ?? [])], name).toEqual([...(without.get(name) ?? [])]);
    for (const name of ['dk', 'dv'])
      expect(mainColumns(closed.get(name), problem), name).toEqual([...(without.get(name) ?? [])]);
  });

  it('has a finite gradient to a mass of 0, and differs at another mass', async () => {
    const closed = await run(problem, 0);
    const [dmass] = closed.get('dmass') ?? [];
    expect(Number.isFinite(dmass)).toBe(true);
    expect(dmass).not.toBe(0);
    const open = await run(problem, 0.5);
    expect([...(open.get('out') ?? [])]).not.toEqual([...(closed.get('out') ?? [])]);
  });
});

describe('attention in several dispatches', () => {
  const problem = { M: 2, heads: 2, C: 16, gridH: 3, gridW: 7, prefix: 5 };

  it('gives the same, bit for bit', async () => {
    // A software adapter's kernels have no such dispatches.
    const traits = { isSoftware: false, hasSubgroups: false };
    const whole = await run(problem, 0.5, { traits });
    const split = await run(problem, 0.5, { traits, mostFlops: 1 });
    for (const [name, values] of whole) expect([...(split.get(name) ?? [])], name).toEqual([...values]);
  });

  it('covers every head once and keeps each dispatch short', () => {
    const pass = {
      shader: 's',
      constants: {},
      params: { firstHead: 0 },
      bindings: [],
      workgroups: [64, 12, 1] as const,
      flops: 5.2e10,
    };
    const passes = splitHeads(pass, 1e10);
    const covered = passes.flatMap(({ params, workgroups }) =>
      Array.from({ length: workgroups[1] }, (_, i) => (params?.firstHead ?? Number.NaN) + i),
    );
    expect(covered).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect(Math.max(...passes.map(({ flops }) => flops))).toBeLessThanOrEqual(1e10);
    expect(splitHeads(pass, 6e10)).toEqual([pass]);
  });
});
