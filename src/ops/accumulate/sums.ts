import type { AdapterTraits } from '../../gpu/traits.ts';
import { defineOp } from '../../graph/graph.ts';
import { expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';
import { selectFamily } from '../select.ts';

type Shapes = readonly (Shape | null | undefined)[];

const X = ['x0', 'x1', 'x2', 'x3'] as const;
const TARGETS = ['t0', 't1', 't2', 't3', 't4', 't5'] as const;

/** The kernels, each with the inputs that it has room for: eight bindings. */
const KERNELS = [
  { shader: 'accumulate/sums', xs: 4, targets: 4 },
  { shader: 'accumulate/columns', xs: 2, targets: 6 },
] as const;

function kernelFor(counts: readonly number[]) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return KERNELS.find(({ xs, targets }) => counts.length <= xs && total <= targets) ?? null;
}

/** Whether one node has room for so many targets of each x. */
export function fitsOneNode(counts: readonly number[]): boolean {
  return kernelFor(counts) !== null;
}

/** A target with what is summed onto it: rows of `stride` values, of which it takes those from `first` on. */
interface Item {
  readonly target: number;
  readonly x: number;
  readonly size: number;
  readonly rows: number;
  readonly first: number;
  readonly stride: number;
}

/** The items of the op's inputs, a target each. */
function itemsOf(inputs: Shapes, counts: readonly number[]): Item[] {
  let next = X.length;
  return counts.flatMap((count, x) => {
    const targets = Array.from({ length: count }, () => next++);
    const sizes = targets.map((target) => sizeOf(required(inputs[target], 'accumulateSums')));
    const stride = sizes.reduce((sum, size) => sum + size, 0);
    const rows = sizeOf(required(inputs[x], 'accumulateSums')) / stride;
    let first = 0;
    return targets.map((target, i) => {
      const size = sizes[i] ?? 0;
      first += size;
      return { target, x, size, rows, first: first - size, stride };
    });
  });
}

/** Threads of a workgroup, and rows from which on several of them share a column. */
const THREADS = 256;
const MANY_ROWS = 16;

interface SumsAttributes {
  /** Targets of each x. */
  readonly targets: readonly number[];
}

/**
 * Several accumulations at once: x0 … x3 are rows whose columns are those of its targets, one after the other, and every target
 * gets `+= Σ over the rows`. `targets` says how many of t0 … t5 each x has: up to four of up to four x, or six of two, as eight
 * bindings allow.
 */
export const accumulateSumsOp = defineOp({
  name: 'accumulateSums',
  inputs: [...X, ...TARGETS],
  optional: [...X.slice(1), ...TARGETS.slice(1)],
  mutates: TARGETS,
  shapes: (inputs, { targets }: SumsAttributes) => {
    const items = itemsOf(inputs, targets);
    const given = TARGETS.filter((_, i) => inputs[X.length + i]).length;
    expectShape(
      fitsOneNode(targets) &&
        items.length === given &&
        items.every(({ rows }) => Number.isInteger(rows) && rows > 0),
      'accumulateSums',
      () => inputs.map((shape) => show(shape ?? [])).join(' '),
    );
    return [];
  },
  // Stand for targets that are missing.
  scratch: ({ attrs: { targets } }) => {
    const total = targets.reduce((sum, count) => sum + count, 0);
    return Array.from({ length: Math.max(0, (kernelFor(targets)?.targets ?? 0) - total) }, () => [1]);
  },
  passes: ({ inputs, attrs: { targets }, traits }) => {
    const items = itemsOf(inputs, targets);
    const { shader, xs, targets: room } = required(kernelFor(targets), 'accumulateSums');
    const lanes = lanesOf(items, traits);
    const [x, y] = workgroups1d(Math.max(...items.map(({ size }) => size)), THREADS / lanes);
    return [
      {
        shader,
        // What is missing counts one, so that few pipelines serve every number.
        constants: {
          LANES: lanes,
          ...Object.fromEntries(Array.from({ length: xs }, (_, i) => [`COUNT_${i}`, targets[i] ?? 1])),
        },
        bindings: [
          ...Array.from({ length: xs }, (_, i) => ({ input: inputs[i] ? i : 0 })),
          ...Array.from({ length: room }, (_, i) =>
            i < items.length ? { input: X.length + i } : { scratch: i - items.length },
          ),
        ],
        workgroups: [x, y, items.length],
        flops: items.reduce((sum, { size, rows }) => sum + size * rows, 0),
      },
    ];
  },
  backward: {
    x0: 'none',
    x1: 'none',
    x2: 'none',
    x3: 'none',
    t0: 'none',
    t1: 'none',
    t2: 'none',
    t3: 'none',
    t4: 'none',
    t5: 'none',
  },
  reference: (inputs, shapes, { targets }) =>
    itemsOf(shapes, targets).map(({ target, x, rows, first, stride }) =>
      required(inputs[target], 'accumulateSums').map((value, k) => {
        let sum = value;
        for (let row = 0; row < rows; row++) sum += inputs[x]?.[row * stride + first + k] ?? 0;
        return sum;
      }),
    ),
  cases: (
    [
      [[[1]], [[[1]]], ''],
      [[[1], [91], [131], [5]], [[[1]], [[7, 13]], [[131]], [[5]]], 'one row each'],
      [
        [
          [5, 21],
          [17, 131],
          [2, 300],
        ],
        [[[3, 7]], [[131]], [[300]]],
        '',
      ],
      [[[67, 14], [37], [131, 2]], [[[13], [1]], [[37]], [[2]]], 'columns of two targets'],
      [
        [
          [9, 8],
          [3, 80],
        ],
        [
          [[5], [3]],
          [[40], [40]],
        ],
        'twice',
      ],
      [[[19, 82]], [[[2, 20], [1], [40], [1]]], 'columns of four'],
      [
        [
          [4, 56],
          [4, 18],
        ],
        [
          [[5], [3], [40], [8]],
          [[17], [1]],
        ],
        'six targets',
      ],
      [
        [
          [19, 49],
          [33, 3],
        ],
        [
          [[5], [3], [41]],
          [[1], [2]],
        ],
        'five, of many rows',
      ],
    ] as const
  ).map(([xs, of, note]) => ({
    inputs: [...pad(xs, X.length), ...pad(of.flat(), TARGETS.length)],
    attrs: { targets: of.map((targets) => targets.length) },
    note,
  })),
});

function pad(shapes: readonly Shape[], length: number): (Shape | null)[] {
  return Array.from({ length }, (_, i) => shapes[i] ?? null);
}

/** Threads that share a column. */
function lanesOf(items: readonly Item[], traits: AdapterTraits): number {
  if (selectFamily('reduce', traits) === 'register') return 1;
  return items.some(({ rows }) => rows >= MANY_ROWS) ? 8 : 1;
}
