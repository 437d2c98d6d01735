/** Ops at the shapes that count, each checked at drawn places against float64 before it is timed. */
import { Random } from '../../../config/random.ts';
import type { BufferRange, Gpu } from '../../../gpu/gpu.ts';
import { Executable, Pool } from '../../../graph/executable.ts';
import { Graph, type Tensor } from '../../../graph/graph.ts';
import { planGraph } from '../../../graph/plan.ts';
import { sizeOf } from '../../../graph/shape.ts';
import { attention } from '../../../ops/attention/attention.ts';
import { layernorm } from '../../../ops/layernorm/layernorm.ts';
import { matmulBy, matmulOp } from '../../../ops/matmul/matmul.ts';
import { TILES } from '../../../ops/matmul/tiles.ts';
import { EPS } from '../peers/work.ts';
import type { Stopwatch } from './timing.ts';

/** An op at one shape. */
export interface KernelCase {
  readonly name: string;
  /** What every contender is said to have done. */
  readonly flops: number;
  /** What must at least be read and written. */
  readonly bytes: number;
  /** Whether it names its kernel, so that there is no other family to compare. */
  readonly isFixed?: boolean;
  readonly trace: (graph: Graph) => Tensor;
  /** The value at a place of the result, in float64, from the inputs by name. */
  readonly expected: (inputs: ReadonlyMap<string, Float32Array>, place: number) => number;
}

/** A case on one family of kernels. */
export interface KernelTime {
  readonly name: string;
  /** Shaders that ran, without repetitions. */
  readonly shaders: string;
  readonly microseconds: number;
  readonly gflops: number;
  readonly gbps: number;
  /** Largest at the places that were checked, relative to the largest value there. */
  readonly error: number;
}

export const TOLERANCE = 1e-4;
const PLACES = 64;

type Product = readonly [M: number, K: number, N: number];
type AttentionShape = readonly [windows: number, tokens: number, width: number, heads: number];
type Rows = readonly [rows: number, width: number];

/** Shapes of the embedded model and of SAM ViT-B at 1024², and a few that check the script. */
export const SHAPES: Readonly<
  Record<
    'full' | 'micro',
    {
      readonly products: readonly Product[];
      /** A weight's gradient: the first factor is stored transposed. */
      readonly gradients: readonly Product[];
      readonly attentions: readonly AttentionShape[];
      readonly rows: readonly Rows[];
    }
  >
> = {
  full: {
    products: [
      [4096, 3072, 768],
      [4096, 768, 3072],
      [4096, 768, 2304],
      [4096, 768, 768],
      [1024, 768, 192],
      [1024, 192, 768],
      [1024, 192, 192],
      [4096, 768, 8],
      [4096, 8, 768],
      [35, 256, 2048],
    ],
    gradients: [
      [768, 4096, 3072],
      [192, 1024, 768],
    ],
    attentions: [
      [1, 4096, 768, 12],
      [25, 196, 768, 12],
      [1, 1024, 192, 3],
    ],
    rows: [
      [4096, 768],
      [16384, 256],
      [1024, 192],
    ],
  },
  micro: {
    products: [
      [64, 32, 48],
      [35, 16, 8],
    ],
    gradients: [[16, 64, 32]],
    attentions: [
      [1, 64, 16, 2],
      [4, 9, 16, 2],
    ],
    rows: [[64, 16]],
  },
};

/** Tiles for GPUs that are timed on every shape beside the chosen one. */
const SHARED_TILES = ['wide', 'square', 'parts'] as const;

/** A product by the tile that is chosen for it, and by each of the others for GPUs. */
export function productCases(shape: Product, aT: boolean): KernelCase[] {
  return [productCase(shape, aT), ...SHARED_TILES.map((tile) => productCase(shape, aT, tile))];
}

function productCase(
  [M, K, N]: Product,
  aT: boolean,
  tile: (typeof SHARED_TILES)[number] | null = null,
): KernelCase {
  const op = tile ? matmulBy(TILES[tile]) : matmulOp;
  return {
    isFixed: tile !== null,
    name: aT ? `product [${K}, ${M}]ᵀ · [${K}, ${N}]` : `product [${M}, ${K}] · [${K}, ${N}]`,
    flops: 2 * M * K * N,
    bytes: 4 * (M * K + K * N + M * N),
    trace: (graph) =>
      graph.apply1(op, [graph.input('a', aT ? [K, M] : [M, K]), graph.input('b', [K, N])], { aT, bT: false }),
    expected: (inputs, place) => {
      const [a, b] = [valuesOf(inputs, 'a'), valuesOf(inputs, 'b')];
      const [m, n] = [Math.floor(place / N), place % N];
      let sum = 0;
      for (let k = 0; k < K; k++) sum += (a[aT ? k * M + m : m * K + k] ?? 0) * (b[k * N + n] ?? 0);
      return sum;
    },
  };
}

export function attentionCase([windows, tokens, width, heads]: AttentionShape): KernelCase {
  const D = width / heads;
  const shape = [windows, tokens, width];
  return {
    name: `attention ${windows > 1 ? `${windows} × ` : ''}${tokens} tokens × ${width}, ${heads} heads`,
    flops: 4 * windows * tokens * tokens * width,
    bytes: 4 * 4 * windows * tokens * width,
    trace: (graph) =>
      attention(
        graph.input('q', shape),
        graph.input('k', shape),
        graph.input('v', shape),
        {},
        {
          heads,
          prefix: 0,
          gridW: Math.round(Math.sqrt(tokens)),
        },
      ),
    expected: (inputs, place) => {
      const [q, k, v] = [valuesOf(inputs, 'q'), valuesOf(inputs, 'k'), valuesOf(inputs, 'v')];
      const channel = place % width;
      const query = Math.floor(place / width);
      const window = Math.floor(query / tokens) * tokens;
      const head = channel - (channel % D);
      const scores = Array.from({ length: tokens }, (_, token) => {
        let sum = 0;
        for (let d = 0; d < D; d++)
          sum += (q[query * width + head + d] ?? 0) * (k[(window + token) * width + head + d] ?? 0);
        return sum / Math.sqrt(D);
      });
      const most = scores.reduce((a, b) => Math.max(a, b));
      let [above, below] = [0, 0];
      scores.forEach((score, token) => {
        const weight = Math.exp(score - most);
        below += weight;
        above += weight * (v[(window + token) * width + channel] ?? 0);
      });
      return above / below;
    },
  };
}

export function layernormCase([rows, width]: Rows): KernelCase {
  return {
    name: `layernorm [${rows}, ${width}]`,
    flops: 8 * rows * width,
    bytes: 4 * 2 * rows * width,
    trace: (graph) =>
      layernorm(
        graph.input('x', [rows, width]),
        graph.input('weight', [width]),
        graph.input('bias', [width]),
        EPS,
      ),
    expected: (inputs, place) => {
      const column = place % width;
      const row = valuesOf(inputs, 'x').subarray(place - column, place - column + width);
      const mean = row.reduce((sum, value) => sum + value, 0) / width;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
      const scaled = ((row[column] ?? 0) - mean) / Math.sqrt(variance + EPS);
      return scaled * (valuesOf(inputs, 'weight')[column] ?? 0) + (valuesOf(inputs, 'bias')[column] ?? 0);
    },
  };
}

/** Checks a case and times it, on the family of kernels for GPUs or for software adapters. */
export async function timeKernel(
  watch: Stopwatch,
  { name, flops, bytes, trace, expected }: KernelCase,
  isSoftware: boolean,
): Promise<KernelTime> {
  const { gpu } = watch;
  const graph = new Graph();
  const out = trace(graph);
  graph.output('out', out);
  const plan = planGraph(graph, { ...gpu.traits, isSoftware });
  const values = new Map(
    [...graph.inputs].map(([input, { shape }]) => [input, uniformNumbers(input, sizeOf(shape))]),
  );
  const ranges = new Map<string, BufferRange>();
  const pool = Pool.allocate(gpu, [plan], name);
  try {
    for (const [input, numbers] of values) ranges.set(input, gpu.upload(numbers, input));
    const executable = await Executable.create(gpu, plan, pool, (input) => ranges.get(input));
    await executable.run();
    const error = await errorOf(gpu, executable.output('out'), (place) => expected(values, place));
    const microseconds = await watch.microseconds(executable.commands);
    return {
      name,
      shaders: [...new Set(plan.passes.map(({ pass }) => pass.shader))].join(' + '),
      microseconds,
      gflops: flops / microseconds / 1e3,
      gbps: bytes / microseconds / 1e3,
      error,
    };
  } finally {
    pool.release();
    for (const { buffer } of ranges.values()) gpu.release(buffer);
  }
}

async function errorOf(gpu: Gpu, out: BufferRange, expected: (place: number) => number): Promise<number> {
  const [values = new Float32Array()] = await gpu.read(out);
  const random = Random.fromSeed(2, 'places');
  let [worst, largest] = [0, 0];
  for (let i = 0; i < PLACES; i++) {
    const place = i === 0 ? values.length - 1 : random.integer(values.length);
    const wanted = expected(place);
    const difference = Math.abs((values[place] ?? Number.NaN) - wanted);
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
    largest = Math.max(largest, Math.abs(wanted));
  }
  return worst / largest;
}

/** In [-1, 1); drawn fast, since there are millions. */
function uniformNumbers(name: string, count: number): Float32Array {
  const random = Random.fromSeed(1, name);
  const some = Float32Array.from({ length: Math.min(count, 65_521) }, () => 2 * random.uniform() - 1);
  return Float32Array.from({ length: count }, (_, i) => some[i % some.length] ?? 0);
}

function valuesOf(inputs: ReadonlyMap<string, Float32Array>, name: string): Float32Array {
  const values = inputs.get(name);
  if (!values) throw new RangeError(`no input ${name}`);
  return values;
}
