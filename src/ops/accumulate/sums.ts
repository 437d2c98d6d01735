import type { AdapterTraits } from '../../gpu/traits.ts';
import { defineOp } from '../../graph/graph.ts';
import { expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';
import { selectFamily } from '../select.ts';

type Shapes = readonly (Shape | null | undefined)[];

/** A target with what is summed onto it: rows of `stride` values, of which it takes those from `first` on. */
interface Item {
  readonly target: number;
  readonly x: number;
  readonly size: number;
  readonly rows: number;
  readonly first: number;
  readonly stride: number;
}

/** The one to four items of the op's inputs. */
function itemsOf(inputs: Shapes): Item[] {
  const items: Item[] = [];
  for (let i = 0; i < 8 && inputs[i]; i += 2) {
    const isSecond = i % 4 === 2 && !inputs[i + 1];
    const x = isSecond ? i - 1 : i + 1;
    const size = sizeOf(required(inputs[i], 'accumulateSums'));
    const [target, other] = [inputs[i - 2], i % 4 === 0 && !inputs[i + 3] ? inputs[i + 2] : null];
    const first = isSecond ? sizeOf(target ?? []) : 0;
    const stride = first + size + (other ? sizeOf(other) : 0);
    const rows = sizeOf(required(inputs[x], 'accumulateSums')) / stride;
    items.push({ target: i, x, size, rows, first, stride });
  }
  return items;
}

/** Threads of a workgroup, and rows from which on several of them share a column. */
const THREADS = 256;
const MANY_ROWS = 16;

/**
 * Up to four accumulations at once, as many as eight bindings allow: `targetK += Σ over the rows of xK`, each of its own size,
 * xK [rows, size of targetK]. Where x1 (x3) is missing and target1 (target3) is not, x0 (x2) has the columns of both, one after
 * the other.
 */
export const accumulateSumsOp = defineOp({
  name: 'accumulateSums',
  inputs: ['target0', 'x0', 'target1', 'x1', 'target2', 'x2', 'target3', 'x3'],
  optional: ['target1', 'x1', 'target2', 'x2', 'target3', 'x3'],
  mutates: ['target0', 'target1', 'target2', 'target3'],
  shapes: (inputs) => {
    const items = itemsOf(inputs);
    const given = inputs.filter((shape, i) => shape && i % 2 === 0).length;
    expectShape(
      items.length === given && items.every(({ rows }) => Number.isInteger(rows) && rows > 0),
      'accumulateSums',
      () => inputs.map((shape) => show(shape ?? [])).join(' '),
    );
    return [];
  },
  // Stand for targets that are missing.
  scratch: ({ inputs }) => [2, 4, 6].filter((i) => !inputs[i]).map(() => [1]),
  passes: ({ inputs, traits }) => {
    const items = itemsOf(inputs);
    const lanes = lanesOf(items, traits);
    const [x, y] = workgroups1d(Math.max(...items.map(({ size }) => size)), THREADS / lanes);
    let unused = 0;
    return [
      {
        shader: 'accumulate/sums',
        constants: {
          LANES: lanes,
          SHARED_0: Number(Boolean(inputs[2] && !inputs[3])),
          SHARED_2: Number(Boolean(inputs[6] && !inputs[7])),
        },
        bindings: inputs.map((shape, input) => {
          if (shape) return { input };
          return input % 2 === 0 ? { scratch: unused++ } : { input: 1 };
        }),
        workgroups: [x, y, items.length],
        flops: items.reduce((sum, { size, rows }) => sum + size * rows, 0),
      },
    ];
  },
  backward: {
    target0: 'none',
    x0: 'none',
    target1: 'none',
    x1: 'none',
    target2: 'none',
    x2: 'none',
    target3: 'none',
    x3: 'none',
  },
  reference: (inputs, shapes) =>
    itemsOf(shapes).map(({ target, x, rows, first, stride }) =>
      required(inputs[target], 'accumulateSums').map((value, k) => {
        let sum = value;
        for (let row = 0; row < rows; row++) sum += inputs[x]?.[row * stride + first + k] ?? 0;
        return sum;
      }),
    ),
  cases: [
    { inputs: [[1], [1], null, null, null, null, null, null], attrs: {} },
    { inputs: [[1], [1], [7, 13], [91], [131], [131], [5], [5]], attrs: {}, note: 'one row each' },
    { inputs: [[3, 7], [5, 21], [131], [17, 131], [300], [2, 300], null, null], attrs: {} },
    {
      inputs: [[13], [67, 14], [1], null, [37], [37], [2], [131, 2]],
      attrs: {},
      note: 'columns of two targets',
    },
    { inputs: [[5], [9, 5], [3], [3], [40], [3, 80], [40], null], attrs: {}, note: 'those of the last two' },
  ],
});

/** Threads that share a column. */
function lanesOf(items: readonly Item[], traits: AdapterTraits): number {
  if (selectFamily('reduce', traits) === 'register') return 1;
  return items.some(({ rows }) => rows >= MANY_ROWS) ? 8 : 1;
}
