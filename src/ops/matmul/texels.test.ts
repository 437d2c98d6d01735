import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/gpu.ts';
import { MOST_TEXEL_BYTES } from '../../gpu/texels.ts';
import type { AdapterTraits } from '../../gpu/traits.ts';
import { Executable, Pool } from '../../graph/executable.ts';
import { Graph } from '../../graph/graph.ts';
import { type Plan, planGraph } from '../../graph/plan.ts';
import type { Shape } from '../../graph/shape.ts';
import { openTestGpu } from '../../testing/device.ts';
import { normals } from '../../testing/random.ts';
import { type MatmulAttributes, matmulBy } from './matmul.ts';
import { TILES, type Tile, tileFor } from './tiles.ts';

const software: AdapterTraits = { isSoftware: true, hasSubgroups: true };

describe('the tiles of software adapters that sample textures', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu();
  });
  afterAll(() => gpu?.destroy());

  function planned(tile: Tile, shapes: readonly [Shape, Shape], attrs: MatmulAttributes): Plan {
    const graph = new Graph();
    const tensors = shapes.map((shape, i) => graph.input(`${i}`, shape));
    graph.output('out', graph.apply1(matmulBy(tile), tensors, attrs));
    return planGraph(graph, software);
  }

  /** a · b by a tile, after another plan has run in the same pool, on inputs that are no numbers. */
  async function product(plan: Plan, before: Plan): Promise<Float32Array> {
    const pool = Pool.allocate(gpu, [plan, before], 'product');
    const buffers: GPUBuffer[] = [];
    const run = async (own: Plan, isNumber: boolean) => {
      const ranges = new Map(
        [...own.inputs].map(([name, bytes], i) => {
          const values = Float32Array.from(normals(bytes / 4, i));
          return [name, gpu.upload(isNumber ? values : values.fill(Number.NaN), name)];
        }),
      );
      for (const { buffer } of ranges.values()) buffers.push(buffer);
      const executable = await Executable.create(gpu, own, pool, (name) => ranges.get(name));
      await executable.run();
      return gpu.read(executable.output('out'));
    };
    try {
      await run(before, false);
      const [out] = await run(plan, true);
      return out ?? new Float32Array();
    } finally {
      pool.release();
      for (const buffer of buffers) gpu.release(buffer);
    }
  }

  // Before each, the textures hold nothing that is a number, also past what a product copies.
  it.each([
    [
      'K no multiple of its step',
      [
        [2, 60, 36],
        [2, 124, 36],
      ],
      false,
      true,
    ],
    [
      'K no multiple of its step, b not transposed',
      [
        [2, 60, 36],
        [2, 36, 124],
      ],
      false,
      false,
    ],
    [
      'both transposed',
      [
        [1, 36, 64],
        [1, 124, 36],
      ],
      true,
      true,
    ],
    [
      'an odd K',
      [
        [1, 37, 60],
        [1, 37, 64],
      ],
      true,
      false,
    ],
    [
      'K shorter than a block',
      [
        [1, 3, 32],
        [1, 3, 64],
      ],
      true,
      false,
    ],
    [
      'few columns behind whole tiles',
      [
        [8, 96, 68],
        [8, 76, 68],
      ],
      false,
      true,
    ],
    [
      'K is split',
      [
        [1, 64, 520],
        [1, 64, 520],
      ],
      false,
      true,
    ],
  ] as const)('give the bits of the one that loads from buffers: %s', async (_what, shapes, aT, bT) => {
    const attrs = { aT, bT };
    const before = planned(
      TILES.large,
      [
        [1, 128, 64],
        [1, 128, 64],
      ],
      { aT: false, bT: true },
    );
    const loaded = await product(planned(TILES.register, shapes, attrs), before);
    expect(loaded.some((value) => value !== 0)).toBe(true);
    for (const tile of [TILES.large, TILES.quad, TILES.quadAlongM])
      expect(await product(planned(tile, shapes, attrs), before)).toEqual(loaded);
  });

  it('have the bytes of their textures planned, which a pool allocates and gives back', () => {
    const shapes = [
      [2, 60, 36],
      [2, 124, 36],
    ] as const;
    const plans = [TILES.large, TILES.register].map((tile) => planned(tile, shapes, { aT: false, bT: true }));
    const [own, other] = plans;
    // Rows of 16 KiB: 2 × 60 × 36 and 2 × 124 × 36 values.
    expect(own?.texelBytes).toEqual([2 * 16384, 3 * 16384]);
    expect(other?.texelBytes).toEqual([]);
    const before = gpu.allocatedBytes;
    const pool = Pool.allocate(gpu, plans, 'product');
    expect(gpu.allocatedBytes - before).toBe((own?.poolBytes ?? 0) + 5 * 16384);
    pool.release();
    expect(gpu.allocatedBytes).toBe(before);
  });

  it('are for operands that fit a texture', () => {
    const shaderOf = (batch: number) =>
      tileFor({ batch, M: 1024, N: 64, K: 1024, aT: false, bT: false }, software).shader;
    const most = MOST_TEXEL_BYTES / (4 * 1024 * 1024);
    expect(shaderOf(most)).toBe(TILES.large.shader);
    expect(shaderOf(most + 1)).toBe(TILES.register.shader);
  });
});
