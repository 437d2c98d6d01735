import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/gpu.ts';
import { MOST_TEXEL_BYTES } from '../../gpu/texels.ts';
import type { AdapterTraits } from '../../gpu/traits.ts';
import { Executable, Pool } from '../../graph/executable.ts';
import { Graph } from '../../graph/graph.ts';
import { planGraph } from '../../graph/plan.ts';
import type { Shape } from '../../graph/shape.ts';
import { openTestGpu } from '../../testing/device.ts';
import { normals } from '../../testing/random.ts';
import { type MatmulAttributes, matmulBy } from './matmul.ts';
import { TILES, type Tile, tileFor } from './tiles.ts';

const software: AdapterTraits = { isSoftware: true, hasSubgroups: true, hasF16: false };

describe('the large tile of software adapters', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu();
  });
  afterAll(() => gpu?.destroy());

  /** a · b by a tile, of random values or of one. */
  async function product(
    tile: Tile,
    shapes: readonly [Shape, Shape],
    attrs: MatmulAttributes,
    value?: number,
  ): Promise<Float32Array> {
    const graph = new Graph();
    const tensors = shapes.map((shape, i) => graph.input(`${i}`, shape));
    graph.output('out', graph.apply1(matmulBy(tile), tensors, attrs));
    const plan = planGraph(graph, software);
    const pool = Pool.allocate(gpu, [plan], 'product');
    const ranges = new Map(
      [...plan.inputs].map(([name, bytes], i) => {
        const values = Float32Array.from(normals(bytes / 4, i));
        return [name, gpu.upload(value === undefined ? values : values.fill(value), name)];
      }),
    );
    try {
      const executable = await Executable.create(gpu, plan, pool, (name) => ranges.get(name));
      await executable.run();
      const [out] = await gpu.read(executable.output('out'));
      return out ?? new Float32Array();
    } finally {
      pool.release();
      for (const { buffer } of ranges.values()) gpu.release(buffer);
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
      'K is split',
      [
        [1, 64, 520],
        [1, 64, 520],
      ],
      false,
      true,
    ],
  ] as const)('gives the bits of the small one: %s', async (_what, shapes, aT, bT) => {
    const attrs = { aT, bT };
    await product(
      TILES.large,
      [
        [1, 128, 64],
        [1, 128, 64],
      ],
      { aT: false, bT: true },
      Number.NaN,
    );
    const large = await product(TILES.large, shapes, attrs);
    const small = await product(TILES.quad, shapes, attrs);
    expect(large.some((value) => value !== 0)).toBe(true);
    expect(large).toEqual(small);
  });

  it('is for operands that fit a texture', () => {
    const shaderOf = (batch: number) =>
      tileFor({ batch, M: 1024, N: 64, K: 1024, aT: false, bT: false }, software).shader;
    const most = MOST_TEXEL_BYTES / (4 * 1024 * 1024);
    expect(shaderOf(most)).toBe(TILES.large.shader);
    expect(shaderOf(most + 1)).toBe(TILES.quad.shader);
  });
});
