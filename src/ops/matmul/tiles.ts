/** The kernels of a product, and which of them computes a given one. */
import { MOST_TEXEL_BYTES } from '../../gpu/texels.ts';
import type { AdapterTraits } from '../../gpu/traits.ts';
import { selectFamily } from '../select.ts';

/** One product `op(a) · op(b)`, `batch` times; `aT`: a is stored [K, M], `bT`: b is stored [N, K]. */
export interface MatmulProblem {
  readonly batch: number;
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly aT: boolean;
  readonly bT: boolean;
}

/** A kernel; all run within WebGPU's default limits (256 threads, 16 KiB). */
export interface Tile {
  readonly shader: string;
  /** Rows and columns of out that one workgroup computes. */
  readonly rows: number;
  readonly columns: number;
  readonly threads: number;
  /** Of workgroup memory. */
  readonly bytes: number;
  /** `fours`: the innermost axes of a, b and out are multiples of 4. `texels`: a and b as textures too. */
  readonly needs: readonly ('fours' | 'subgroups' | 'texels')[];
  /** Of the shader, besides those that every product has. */
  readonly constants: Readonly<Record<string, number>>;
  /** K is cut into ranges of at least `shortest` where fewer workgroups than `enough` would run. */
  readonly enough: number;
  readonly shortest: number;
}

/** A GPU has enough to do, and K is never cut. */
const WHOLE = { enough: 0, shortest: Number.POSITIVE_INFINITY } as const;

const SHARED = { threads: 256, bytes: 16_384, constants: {} } as const;
/** Workgroups of 256 threads, whose four parts share a range of K. */
const PARTS = { ...SHARED, rows: 32, columns: 32, enough: 256, shortest: 512 } as const;

const SOFTWARE = { threads: 4, bytes: 0, enough: 16, shortest: 128 } as const;
/** The four threads of a workgroup lie side by side along n, or along m for a narrow out. */
const ALONG_N = { ...SOFTWARE, rows: 16, columns: 32, constants: { ALONG_M: 0 } } as const;
const ALONG_M = { ...SOFTWARE, rows: 64, columns: 8, constants: { ALONG_M: 1 } } as const;
const QUAD = { shader: 'matmul/quad', needs: ['fours', 'subgroups', 'texels'] } as const;

/** Every kernel. `wide`, `square` and `narrow` sum in the same order, each of their values along all of K. */
export const TILES = {
  wide: { ...SHARED, ...WHOLE, shader: 'matmul/tile-128', rows: 128, columns: 128, needs: ['fours'] },
  square: {
    ...WHOLE,
    shader: 'matmul/tile-64',
    rows: 64,
    columns: 64,
    threads: 64,
    bytes: 4096,
    needs: ['fours'],
    constants: {},
  },
  /** Half the sums a thread. */
  narrow: {
    ...WHOLE,
    shader: 'matmul/tile-64-narrow',
    rows: 64,
    columns: 64,
    threads: 128,
    bytes: 8192,
    needs: ['fours'],
    constants: {},
  },
  parts: { ...PARTS, shader: 'matmul/tile-32', needs: ['fours'] },
  partsAny: { ...PARTS, shader: 'matmul/tile-32-any', needs: [] },
  large: {
    ...SOFTWARE,
    shader: 'matmul/large',
    rows: 32,
    columns: 64,
    needs: ['fours', 'subgroups', 'texels'],
    constants: {},
  },
  quad: { ...ALONG_N, ...QUAD, constants: { ALONG_M: 0, IS_REST: 0 } },
  quadAlongM: { ...ALONG_M, ...QUAD, constants: { ALONG_M: 1, IS_REST: 0 } },
  /** For the columns that the whole tiles of `large` leave. */
  rest: { ...ALONG_M, ...QUAD, constants: { ALONG_M: 1, IS_REST: 1 } },
  register: { ...ALONG_N, shader: 'matmul/register', needs: ['fours'] },
  registerAlongM: { ...ALONG_M, shader: 'matmul/register', needs: ['fours'] },
  any: { ...ALONG_N, shader: 'matmul/any', needs: [] },
  anyAlongM: { ...ALONG_M, shader: 'matmul/any', needs: [] },
} as const satisfies Readonly<Record<string, Tile>>;

/**
 * The kernel for a product, by the adapter's traits and the product's shape alone.
 */
export function tileFor(problem: MatmulProblem, traits: AdapterTraits): Tile {
  switch (selectFamily('matmul', traits)) {
    case 'workgroup':
      return sharedTile(problem, traits);
    case 'register':
      return softwareTile(problem, traits);
  }
}

/**
 * What computes the last columns where `tile` takes whole tiles alone: those few that would leave most of a large tile empty. Null
 * where `tile` takes all of them.
 */
export function restTileFor(problem: MatmulProblem, tile: Tile): Tile | null {
  return tile.shader === TILES.large.shader && leavesRest(problem) && splitsOf(problem, tile) === 1
    ? TILES.rest
    : null;
}

/** Workgroups of a tile, without ranges of K. */
export function workgroupsOf({ batch, M, N }: MatmulProblem, { rows, columns }: Tile): number {
  return batch * Math.ceil(M / rows) * Math.ceil(N / columns);
}

/** Ranges that K is cut into: a power of four, so that few pipelines serve every size. */
export function splitsOf(problem: MatmulProblem, tile: Tile): number {
  const { enough, shortest } = tile;
  const wanted = Math.min(enough / workgroupsOf(problem, tile), problem.K / shortest);
  return wanted < 2 ? 1 : 4 ** Math.max(1, Math.floor(Math.log2(wanted) / 2));
}

/** Tiles of 64 × 64 with which a GPU has enough to do; with fewer, smaller ones with several threads for each sum. */
const ENOUGH_SQUARES = 64;
/** Tiles of 64 × 64 from which those of 128 × 128 are taken where it was not measured: 128 of them, two for each of
 * 64 multiprocessors. */
const WIDE_FROM = 512;

/**
 * The order of sums is decided by the shape alone; what was measured only chooses between tiles of equal order. What a tile leaves
 * empty counts as work.
 */
function sharedTile(problem: MatmulProblem, { kernels, hasFewRegisters }: AdapterTraits): Tile {
  if (!isInFours(problem)) return TILES.partsAny;
  const squares = workgroupsOf(problem, TILES.square);
  if (squares < ENOUGH_SQUARES || areaOf(problem, TILES.square) > 1.5 * areaOf(problem, TILES.parts))
    return TILES.parts;
  if (hasFewRegisters) return TILES.narrow;
  const isWide = squares >= (kernels?.wideProductsFrom ?? WIDE_FROM);
  return isWide && areaOf(problem, TILES.wide) <= 1.125 * areaOf(problem, TILES.square)
    ? TILES.wide
    : TILES.square;
}

/** Multiply-adds below which a narrow product is over sooner than a pipeline of its own would be compiled. */
const LEAST_ALONG_M = 2 ** 20;
/** Columns behind whole large tiles that are a product of their own: a quarter of a tile. */
const MOST_REST = TILES.large.columns / 4;
/** Multiply-adds of those from which a pipeline of their own is worth it. */
const LEAST_REST = 2 ** 19;

function softwareTile(problem: MatmulProblem, { hasSubgroups }: AdapterTraits): Tile {
  const { batch, M, N, K } = problem;
  const isAlongM = batch * M * N * K >= LEAST_ALONG_M && isNarrow(problem);
  if (!isInFours(problem)) return isAlongM ? TILES.anyAlongM : TILES.any;
  if (hasSubgroups && fitsTexels(problem)) {
    if (isLarge(problem)) return TILES.large;
    return isAlongM ? TILES.quadAlongM : TILES.quad;
  }
  return isAlongM ? TILES.registerAlongM : TILES.register;
}

/** Whether threads that lie side by side along n would have so little work that they lie along m instead. */
function isNarrow(problem: MatmulProblem): boolean {
  return areaOf(problem, TILES.quadAlongM) * 1.25 < areaOf(problem, TILES.quad);
}

/** Whether both operands fit textures. */
function fitsTexels({ batch, M, N, K }: MatmulProblem): boolean {
  return 4 * batch * K * Math.max(M, N) <= MOST_TEXEL_BYTES;
}

/**
 * Whether the large tile is the faster one, with the columns left computed apart: it is where it is filled well enough, as each
 * value that it has room for takes it less time.
 */
function isLarge(problem: MatmulProblem): boolean {
  const { N } = problem;
  const small = Math.min(areaOf(problem, TILES.quad), areaOf(problem, TILES.quadAlongM));
  const rest = leavesRest(problem) ? N % TILES.large.columns : 0;
  const large =
    areaOf({ ...problem, N: N - rest }, TILES.large) + (rest && areaOf({ ...problem, N: rest }, TILES.rest));
  return large <= 1.2 * small;
}

/** Whether so few columns are left behind whole large tiles, and so many rows of them, that they are a product of their own. */
function leavesRest({ batch, M, N, K }: MatmulProblem): boolean {
  const rest = N % TILES.large.columns;
  return N > rest && rest > 0 && rest <= MOST_REST && batch * M * rest * K >= LEAST_REST;
}

/** Values that the tiles of a product have room for. */
function areaOf(problem: MatmulProblem, tile: Tile): number {
  return workgroupsOf(problem, tile) * tile.rows * tile.columns;
}

function isInFours({ M, N, K, aT, bT }: MatmulProblem): boolean {
  return N % 4 === 0 && (aT ? M : K) % 4 === 0 && (!bT || K % 4 === 0);
}
