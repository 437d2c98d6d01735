import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/gpu.ts';
import type { AdapterTraits } from '../../gpu/traits.ts';
import { Executable, Pool } from '../../graph/executable.ts';
import { type AnyOp, Graph, type OpCase } from '../../graph/graph.ts';
import type { Pass } from '../../graph/pass.ts';
import { planGraph } from '../../graph/plan.ts';
import { checkOp } from '../../testing/check-op.ts';
import { openTestGpu } from '../../testing/device.ts';
import { normals } from '../../testing/random.ts';
import { linearOp } from '../linear/linear.ts';
import { accumulateProductOp, partialProductOp, productOp } from './fused.ts';
import { matmulPasses } from './kernels.ts';
import { matmulOp } from './matmul.ts';
import { linearPairOp } from './pair.ts';
import { TILES, type Tile, tileFor } from './tiles.ts';

const software: AdapterTraits = { isSoftware: true, hasSubgroups: false };
const hardware: AdapterTraits = { ...software, isSoftware: false };

/** The same device, planned for as if it were another adapter. */
function as(gpu: Gpu, traits: AdapterTraits): Gpu {
  return Object.create(gpu, { traits: { value: traits } });
}

// The registry's walk checks the families that this adapter chooses; here is the one that it does not.
describe('products by the family of other adapters', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu();
  });
  afterAll(() => gpu?.destroy());

  for (const op of [linearOp, matmulOp, productOp, accumulateProductOp, partialProductOp]) {
    for (const opCase of op.cases) {
      it(`${op.name} ${JSON.stringify(opCase.inputs)} ${JSON.stringify(opCase.attrs)}`, async () => {
        const other = gpu.traits.isSoftware ? hardware : software;
        const { findings } = await checkOp(as(gpu, other), op, opCase);
        for (const { what, error, tolerance } of findings) expect(error, what).toBeLessThanOrEqual(tolerance);
      });
    }
  }
});

/**
 * The op computed by a tile that only larger products get. Those of the cases have tiles of 32 × 32; every tile finds the
 * sizes by the buffers, so only the shader and the number of workgroups differ.
 */
function by(op: AnyOp, { shader, rows, columns }: Tile): AnyOp {
  const passes: AnyOp['passes'] = (context) =>
    op.passes(context).map((pass: Pass): Pass => {
      const [across, down, z] = pass.workgroups;
      expect(pass.shader).toBe(TILES.parts.shader);
      return {
        ...pass,
        shader,
        workgroups: [Math.ceil((across * 32) / columns), Math.ceil((down * 32) / rows), z],
      };
    });
  return { ...op, passes, backward: Object.fromEntries(op.inputs.map((name: string) => [name, 'none'])) };
}

/** Everything that an op gives and adds up in a case. */
async function valuesOf(gpu: Gpu, op: AnyOp, { inputs, attrs }: OpCase<unknown>): Promise<Float32Array[]> {
  const graph = new Graph();
  const tensors = inputs.map((shape, i) => shape && graph.input(op.inputs[i], shape));
  graph.apply(op, tensors, attrs).forEach((tensor, i) => {
    graph.output(`${i}`, tensor);
  });
  const plan = planGraph(graph, hardware);
  const pool = Pool.allocate(gpu, [plan], op.name);
  const ranges = new Map(
    [...plan.inputs].map(([name, bytes], i) => [
      name,
      gpu.upload(Float32Array.from(normals(bytes / 4, i)), name),
    ]),
  );
  try {
    const executable = await Executable.create(gpu, plan, pool, (name) => ranges.get(name));
    await executable.run();
    const written = [...plan.outputs.keys()].map((name) => executable.output(name));
    return await gpu.read(...written, ...ranges.values());
  } finally {
    pool.release();
    for (const { buffer } of ranges.values()) gpu.release(buffer);
  }
}

/** Every layout, and what is done with sums; they fill tiles of 64 and 128, but not quite. */
const LARGE_CASES = [matmulOp, productOp, accumulateProductOp].flatMap((op: AnyOp) =>
  op.cases
    .filter(({ inputs }: OpCase<unknown>) => inputs.some((shape) => shape?.includes(124)))
    .map((opCase: OpCase<unknown>) => ({ op, opCase })),
);

/** Tiles that sum in the same order. */
const EQUAL: readonly Tile[] = [TILES.wide, TILES.square, TILES.narrow];

describe('products by the tiles of large ones', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu({ defaultLimits: true });
  });
  afterAll(() => gpu?.destroy());

  it('are tried in every layout', () => {
    expect(LARGE_CASES.length).toBeGreaterThanOrEqual(8);
  });

  for (const { op, opCase } of LARGE_CASES) {
    const name = `${op.name} ${JSON.stringify(opCase.inputs)} ${JSON.stringify(opCase.attrs)}`;
    it.each(EQUAL)(`${name} by $shader`, async (tile) => {
      const { findings } = await checkOp(as(gpu, hardware), by(op, tile), opCase);
      expect(findings).not.toEqual([]);
      for (const { what, error, tolerance } of findings) expect(error, what).toBeLessThanOrEqual(tolerance);
    });

    // What a resumed run relies on, where the choice between the two was measured.
    it(`${name}: all give the same bits`, async () => {
      const [wide, ...others] = await Promise.all(EQUAL.map((tile) => valuesOf(gpu, by(op, tile), opCase)));
      expect(wide?.some((values) => values.some((value) => value !== 0))).toBe(true);
      for (const other of others) expect(other).toEqual(wide);
    });
  }

  it.each([
    ['matmul/pair-64', 64],
    ['matmul/pair-64-narrow', 64],
    ['matmul/pair-128', 128],
  ])('linearPair by %s', async (shader, side) => {
    const opCase = linearPairOp.cases.find(({ inputs }) => inputs[2]);
    if (!opCase) throw new RangeError('linearPair has a case with biases');
    const passes: AnyOp['passes'] = (context) =>
      linearPairOp.passes(context).map((pass): Pass => {
        const [across, down, z] = pass.workgroups;
        return {
          ...pass,
          shader,
          workgroups: [Math.ceil((across * 32) / side), Math.ceil((down * 32) / side), z],
        };
      });
    const { findings } = await checkOp(as(gpu, hardware), { ...linearPairOp, passes }, opCase);
    expect(findings).not.toEqual([]);
    for (const { what, error, tolerance } of findings) expect(error, what).toBeLessThanOrEqual(tolerance);
  });

  it('give the same bits over several tiles', async () => {
    const opCase = {
      inputs: [[260, 20], [132, 20], [132], null, null],
      attrs: LARGE_CASES.find(({ op }) => op === productOp)?.opCase.attrs,
    };
    const [wide, ...others] = await Promise.all(
      EQUAL.map((tile) => valuesOf(gpu, by(productOp, tile), opCase)),
    );
    for (const other of others) expect(other).toEqual(wide);
  });
});

const PLACES = { a: { input: 0 }, b: { input: 1 }, out: { output: 0 }, scratch: { from: 0 } } as const;

describe('the tile of a product', () => {
  const shaderOf = (M: number, N: number, K: number, traits = hardware, layout = { aT: false, bT: true }) =>
    tileFor({ batch: 1, M, N, K, ...layout }, traits).shader;
  const measured = (wideProductsFrom: number) => ({ ...hardware, kernels: { wideProductsFrom } });

  it('follows from the shape', () => {
    expect(shaderOf(4096, 3072, 768)).toBe('matmul/tile-128');
    expect(shaderOf(3072, 192, 768)).toBe('matmul/tile-64');
    expect(shaderOf(4096, 192, 768), 'a third of the wide tiles would be empty').toBe('matmul/tile-64');
    expect(shaderOf(1024, 192, 192), 'few tiles').toBe('matmul/tile-32');
    expect(shaderOf(35, 2048, 256), 'few rows').toBe('matmul/tile-32');
    expect(shaderOf(16_384, 8, 768), 'a narrow out').toBe('matmul/tile-32');
    expect(shaderOf(16_384, 768, 7), 'nothing in fours').toBe('matmul/tile-32-any');
  });

  it('is one of equal order where it was measured', () => {
    for (const [M, N] of [
      [1024, 1024],
      [4096, 3072],
      [1024, 192],
      [35, 2048],
      [16_384, 8],
    ] as const) {
      const shaders = [0, 4096, Number.MAX_SAFE_INTEGER].map((from) => shaderOf(M, N, 768, measured(from)));
      const isLarge = M > 1000 && N > 1000;
      expect(new Set(shaders)).toEqual(
        new Set(isLarge ? ['matmul/tile-128', 'matmul/tile-64'] : ['matmul/tile-32']),
      );
    }
    expect(shaderOf(4096, 3072, 768, { ...measured(0), isSoftware: true })).toBe('matmul/register');
  });

  it('holds half the sums a thread where a GPU has few registers', () => {
    const few = { ...measured(0), hasFewRegisters: true } as const;
    expect(shaderOf(4096, 3072, 768, few)).toBe('matmul/tile-64-narrow');
    expect(shaderOf(1024, 192, 192, few)).toBe('matmul/tile-32');
    expect(shaderOf(4096, 3072, 768, { ...few, isSoftware: true })).toBe('matmul/register');
  });

  it('lies along m on a software adapter where an out is narrow, and has rows enough', () => {
    const isAlongM = (M: number, N: number, K: number) =>
      tileFor({ batch: 4, M, N, K, aT: false, bT: true }, software).constants.ALONG_M === 1;
    expect(isAlongM(4096, 8, 192)).toBe(true);
    expect(isAlongM(64, 68, 64)).toBe(true);
    expect(isAlongM(8, 16, 4096)).toBe(false);
    expect(isAlongM(1024, 192, 64)).toBe(false);
  });

  it('is followed by another on a software adapter for few columns behind whole large tiles', () => {
    const traits = { ...software, hasSubgroups: true };
    const shadersOf = (N: number, M = 1024) =>
      matmulPasses({ batch: 3, M, N, K: 64, aT: false, bT: true }, PLACES, {}, traits).map(
        ({ shader, constants, workgroups }) => [shader, constants.IS_REST, workgroups],
      );
    expect(shadersOf(1036)).toEqual([
      ['matmul/large', undefined, [16, 32, 3]],
      ['matmul/quad', 1, [16, 2, 3]],
    ]);
    expect(shadersOf(76)).toEqual([
      ['matmul/large', undefined, [1, 32, 3]],
      ['matmul/quad', 1, [16, 2, 3]],
    ]);
    expect(shadersOf(1024)).toEqual([['matmul/large', undefined, [16, 32, 3]]]);
    expect(shadersOf(208, 196), 'rows that fill large tiles little less than small ones').toEqual([
      ['matmul/large', undefined, [3, 7, 3]],
      ['matmul/quad', 1, [4, 2, 3]],
    ]);
    expect(shadersOf(1052)).toEqual([['matmul/large', undefined, [17, 32, 3]]]);
    expect(shadersOf(76, 64), 'too little for a pipeline of its own').toEqual([
      ['matmul/quad', 0, [3, 4, 3]],
    ]);
  });

  it('runs within default limits', () => {
    for (const { threads, bytes } of Object.values(TILES)) {
      expect(threads).toBeLessThanOrEqual(256);
      expect(bytes).toBeLessThanOrEqual(16_384);
    }
  });
});

describe('the dispatches of a product', () => {
  it('use one pipeline for every size of a layout', () => {
    const sizes = [
      { batch: 1, M: 1024, N: 192, K: 192 },
      { batch: 5, M: 64, N: 768, K: 256 },
    ];
    const made = sizes.map((size) => matmulPasses({ ...size, aT: false, bT: true }, PLACES, {}, software));
    expect(made[0]?.[0]?.constants).toEqual(made[1]?.[0]?.constants);
    expect(made[0]?.[0]?.shader).toBe(made[1]?.[0]?.shader);
  });

  it('stay within 65,535 workgroups a dimension at a million rows', () => {
    for (const traits of [software, { ...software, hasSubgroups: true }, hardware]) {
      const problem = { batch: 1, M: 2 ** 20, N: 8, K: 64, aT: false, bT: true };
      for (const { workgroups } of matmulPasses(problem, PLACES, {}, traits))
        expect(Math.max(...workgroups)).toBeLessThanOrEqual(65535);
    }
  });
});
