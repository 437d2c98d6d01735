import type { AdapterTraits } from '../../gpu/traits.ts';
import { type BackwardContext, defineOp, type Tensor } from '../../graph/graph.ts';
import type { Binding, Pass } from '../../graph/pass.ts';
import { expectShape, lastOf, rowsOf, type Shape, sameShape, show, sizeOf } from '../../graph/shape.ts';
import {
  ACTIVATION_CODES,
  ACTIVATION_REFERENCES,
  type ActivationKind,
  NO_ACTIVATION,
} from '../activation/activation.ts';
import { workgroups1d } from '../dispatch.ts';
import { selectFamily } from '../select.ts';
import { type Reduction, reductionPasses, reductionScratch } from '../sum-leading/reduce.ts';
import { type WindowAttributes, windowsShape } from '../window-partition/window-partition.ts';

interface LayernormAttributes {
  /** Added to the variance; SAM uses 1e-6. */
  readonly eps: number;
  /** Gives its output after this too, where there is neither residual nor `after`; absent: none. */
  readonly activation?: ActivationKind;
  /** Of GPUs' kernel where {@link sharesRows}, without `after` and activation. */
  readonly windows?: LayernormWindows;
}

/** What comes in windows: the residual, or the output once more, as a last one. */
export interface LayernormWindows extends WindowAttributes {
  readonly at: 'residual' | 'output';
}

/**
 * LayerNorm over the last axis, then `· weight + bias`: x [.., C], weight [C], bias [C]. Saves mean and 1/std per row.
 * With a residual, of x's shape, that of x + residual, which it saves too. With `after` instead, of x's shape or a suffix
 * of it, it also gives its output + after; with an activation instead, the activation of its output.
 */
export const layernormOp = defineOp({
  name: 'layernorm',
  inputs: ['x', 'weight', 'bias', 'residual', 'after'],
  optional: ['residual', 'after'],
  shapes: ([x, weight, bias, residual, after], { activation, windows }: LayernormAttributes) => {
    if (!x || !weight || !bias) throw new RangeError('layernorm: x, weight and bias');
    const cut = windows && windowsShape(x, windows.window);
    const isResidualCut = cut && windows.at === 'residual';
    expectShape(
      sameShape(weight, [lastOf(x)]) &&
        sameShape(bias, weight) &&
        (isResidualCut ? sizeOf(residual ?? []) === sizeOf(cut) : !residual || sameShape(residual, x)),
      'layernorm',
      () =>
        `weight ${show(weight)}, bias ${show(bias)} and residual ${show(residual ?? [])} for x ${show(x)}`,
    );
    expectShape(
      [residual, after, activation].filter(Boolean).length <= 1 &&
        (!after || (lastOf(after) === lastOf(x) && sizeOf(x) % sizeOf(after) === 0)),
      'layernorm',
      () => `${show(after ?? [])} or ${activation} after ${show(x)}`,
    );
    const stats = [rowsOf(x), 2];
    const own = residual || after || activation ? [x, stats, x] : [x, stats];
    return cut && !isResidualCut ? [...own, cut] : own;
  },
  scratch: () => [UNUSED, UNUSED],
  passes: ({ inputs: [x, , , residual, after], outputs, attrs, traits }) => {
    if (!x) throw new RangeError('layernorm: x');
    const kernel = kernelFor(x, traits);
    const isShared = kernel === 'workgroup';
    const { windows } = attrs;
    if (windows && !isShared) throw new RangeError('layernorm: no windows on this adapter');
    const isCut = windows?.at === 'output';
    return [
      {
        shader: FORWARD[kernel],
        constants: {
          ...(isShared && { C: lastOf(x), EPS: attrs.eps }),
          HAS_RESIDUAL: Number(Boolean(residual)),
          HAS_AFTER: Number(Boolean(after)),
          KIND: attrs.activation ? ACTIVATION_CODES[attrs.activation] : NO_ACTIVATION,
          ...(isShared && {
            ...windowConstants(windows),
            FROM_WINDOWS: Number(windows?.at === 'residual'),
            TO_WINDOWS: Number(isCut),
          }),
        },
        ...(!isShared && { params: { width: lastOf(x), eps: attrs.eps } }),
        bindings: [
          { input: 0 },
          { input: 1 },
          { input: 2 },
          { input: residual ? 3 : after ? 4 : 0 },
          { output: 0 },
          { output: 1 },
          residual || after || attrs.activation ? { output: 2 } : { scratch: 0 },
          ...(isShared ? [isCut ? { output: outputs.length - 1 } : { scratch: 1 }] : []),
        ],
        workgroups: workgroupsOf(kernel, Math.max(rowsOf(x), windowRows(x, isCut ? windows : undefined))),
        flops: 8 * sizeOf(x),
      },
    ];
  },
  backward: {
    x: gradient,
    weight: (context) => paramGradients(context)[0],
    bias: (context) => paramGradients(context)[1],
    residual: gradient,
    after: 'none',
  },
  reference: ([given, weight, bias, residual, after], _shapes, { eps, activation }) => {
    if (!given || !weight || !bias) throw new RangeError('layernorm: x, weight and bias');
    const x = given.map((value, i) => value + (residual?.[i] ?? 0));
    const C = weight.length;
    const out = new Float64Array(x.length);
    const stats = new Float64Array((2 * x.length) / C);
    for (let row = 0; row < x.length / C; row++) {
      const values = x.subarray(row * C, (row + 1) * C);
      const mean = values.reduce((sum, value) => sum + value, 0) / C;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / C;
      const rstd = 1 / Math.sqrt(variance + eps);
      values.forEach((value, c) => {
        out[row * C + c] = (value - mean) * rstd * (weight[c] ?? 0) + (bias[c] ?? 0);
      });
      stats.set([mean, rstd], 2 * row);
    }
    if (after) return [out, stats, out.map((value, i) => value + (after[i % after.length] ?? 0))];
    if (activation) return [out, stats, out.map(ACTIVATION_REFERENCES[activation])];
    return residual ? [out, stats, x] : [out, stats];
  },
  cases: [
    { inputs: [[1, 1], [1], [1]], attrs: { eps: 1e-2 }, note: 'one feature: the output is the bias' },
    { inputs: [[2, 3, 7], [7], [7]], attrs: { eps: 1e-6 } },
    { inputs: [[67, 13], [13], [13]], attrs: { eps: 1e-5 } },
    { inputs: [[3, 131, 24], [24], [24]], attrs: { eps: 1e-6 }, note: 'rows in several slices' },
    { inputs: [[7, 1280], [1280], [1280]], attrs: { eps: 1e-6 }, note: 'the widest rows of a workgroup' },
    { inputs: [[3, 1284], [1284], [1284]], attrs: { eps: 1e-6 }, note: 'wider ones' },
    { inputs: [[5, 3, 7], [7], [7], [5, 3, 7]], attrs: { eps: 1e-6 }, note: 'a residual' },
    { inputs: [[9, 260], [260], [260], [9, 260]], attrs: { eps: 1e-6 } },
    { inputs: [[6, 3, 7], [7], [7], null, [3, 7]], attrs: { eps: 1e-6 }, note: 'positions after it' },
    { inputs: [[6, 20], [20], [20], null, [3, 20]], attrs: { eps: 1e-6 } },
    { inputs: [[5, 7], [7], [7]], attrs: { eps: 1e-6, activation: 'gelu' } },
    { inputs: [[5, 20], [20], [20]], attrs: { eps: 1e-6, activation: 'gelu' } },
    ...[33, 36].map((C) => ({
      inputs: [[5, C], [C], [C]],
      attrs: { eps: 1e-6 },
      values: {
        0: (shape: Shape) => Float64Array.from({ length: sizeOf(shape) }, (_, i) => 512 + Math.sin(i * i)),
      },
      note: 'a mean far above the deviation, where a one-pass variance fails; f32 spacing at 512 is 6e-5',
      tolerance: 2e-4,
    })),
  ],
});

/**
 * Gradient of {@link layernormOp} to x (or x + residual), from x, weight, the saved mean and 1/std, and dout; `more`, of
 * x's shape, is added to it. With a `second` dout that of their sum, on GPUs where {@link sharesRows}. With `params`, those to
 * weight and bias too; with `params` "sums" their sums over slices of rows, [slices, 2C], weight's before bias's. Without
 * `params` it may come in windows too, on the same GPUs.
 */
export const layernormBackwardOp = defineOp({
  name: 'layernormBackward',
  inputs: ['x', 'weight', 'stats', 'dout', 'more', 'second'],
  optional: ['more', 'second'],
  shapes: (
    [x, , , , more, second],
    { params, windows }: { readonly params: boolean | 'sums'; readonly windows?: WindowAttributes },
  ) => {
    if (!x) throw new RangeError('layernormBackward: x');
    expectShape(!more || sameShape(more, x), 'layernormBackward', () => `${show(more ?? [])} for ${show(x)}`);
    expectShape(
      !second || (sizeOf(second) === sizeOf(x) && sharesRows(x)),
      'layernormBackward',
      () => `a second gradient of ${show(second ?? [])} for ${show(x)}`,
    );
    if (windows) return [x, windowsShape(x, windows.window)];
    const { length, columns } = paramSums(x);
    if (params === 'sums') return [x, [length, columns]];
    return params ? [x, [lastOf(x)], [lastOf(x)]] : [x];
  },
  scratch: ({ inputs: [x], attrs: { params, windows }, traits }) => {
    const sums = paramSums(x);
    if (params === 'sums' || windows) return [];
    return params ? [[sums.length, sums.columns], ...reductionScratch(sums, traits)] : [UNUSED];
  },
  passes: ({ inputs: [x, , , , more, second], attrs: { params, windows }, traits }) => {
    if (!x) throw new RangeError('layernormBackward: x');
    const kernel = kernelFor(x, traits);
    const sums = paramSums(x);
    const partial: Binding = params === 'sums' || windows ? { output: 1 } : { scratch: 0 };
    const isShared = kernel === 'workgroup';
    if ((second || windows) && !isShared)
      throw new RangeError('layernormBackward: one gradient on this adapter');
    const pass: Pass = {
      shader: BACKWARD[kernel],
      constants: {
        ...(isShared && { C: lastOf(x) }),
        HAS_MORE: Number(Boolean(more)),
        ...(isShared && {
          HAS_PARAMS: Number(Boolean(params)),
          HAS_SECOND: Number(Boolean(second)),
          ...windowConstants(windows),
        }),
      },
      ...(!isShared && { params: { width: lastOf(x) } }),
      bindings: [
        { input: 0 },
        { input: 1 },
        { input: 2 },
        { input: 3 },
        { input: more ? 4 : 0 },
        { output: 0 },
        ...(isShared ? [partial, { input: second ? 5 : 3 }] : []),
      ],
      workgroups: workgroupsOf(
        kernel,
        isShared && params ? sums.length : Math.max(rowsOf(x), windowRows(x, windows)),
      ),
      flops: (params && isShared ? 17 : 12) * sizeOf(x),
    };
    if (!params) return [pass];
    const own = [pass, ...(isShared ? [] : [paramPass(x, sums, partial)])];
    if (params === 'sums') return own;
    return [
      ...own,
      ...reductionPasses(
        sums,
        { from: { scratch: 0 }, to: { output: 1 }, rest: { output: 2 }, scratch: 1 },
        traits,
      ),
    ];
  },
  backward: { x: 'none', weight: 'none', stats: 'none', dout: 'none', more: 'none', second: 'none' },
  reference: { checkedBy: 'layernorm' },
  cases: [],
});

/**
 * How threads share the rows. `workgroup`: 64 threads a row, which they hold; `rows`: a thread takes four rows;
 * `any`: a thread a row, for widths that the others do not take.
 */
type Kernel = 'workgroup' | 'rows' | 'any';

const FORWARD: Readonly<Record<Kernel, string>> = {
  workgroup: 'layernorm/forward-workgroup',
  rows: 'layernorm/forward-rows',
  any: 'layernorm/forward-any',
};
const BACKWARD: Readonly<Record<Kernel, string>> = {
  workgroup: 'layernorm/backward-workgroup',
  rows: 'layernorm/backward-rows',
  any: 'layernorm/backward-any',
};

/** Stands for a tensor that a kernel binds and does not write: one vector of four. */
const UNUSED: Shape = [4];

/** Widest row that 64 threads hold (lib/row). */
const WIDEST = 1280;

/** Whether the threads of a workgroup share a row of such a tensor on GPUs. */
export function sharesRows(x: Shape): boolean {
  return lastOf(x) % 4 === 0 && lastOf(x) <= WIDEST;
}

function kernelFor(x: Shape, traits: AdapterTraits): Kernel {
  const C = lastOf(x);
  if (C % 4 !== 0) return 'any';
  if (selectFamily('layernorm', traits) === 'register') return 'rows';
  return sharesRows(x) ? 'workgroup' : 'any';
}

function workgroupsOf(kernel: Kernel, rows: number): [number, number, number] {
  switch (kernel) {
    case 'workgroup':
      return workgroups1d(rows, 1);
    case 'rows':
      return workgroups1d(rows, 16);
    case 'any':
      return workgroups1d(rows);
  }
}

/** What lib/windows needs to know; nothing is cut where WINDOW is 0. */
function windowConstants(windows: WindowAttributes | undefined) {
  const { window = 0, height = 0, width = 0 } = windows ?? {};
  return { WINDOW: window, GRID_H: height, GRID_W: width };
}

/** Rows of the windows of x, those of padding among them. */
function windowRows(x: Shape, windows: WindowAttributes | undefined): number {
  return windows ? rowsOf(windowsShape(x, windows.window)) : 0;
}

/** The sums over slices of rows of what weight and bias get, [slices, 2C]. */
function paramSums(x: Shape | null | undefined): Reduction {
  return { batch: 1, length: Math.min(256, rowsOf(x ?? [])), columns: 2 * lastOf(x ?? []) };
}

/** What weight and bias get from every slice of rows, where the pass for dx does not give it. */
function paramPass(x: Shape, { length }: Reduction, partial: Binding): Pass {
  return {
    shader: 'layernorm/params',
    constants: {},
    params: { width: lastOf(x) },
    bindings: [{ input: 0 }, { input: 2 }, { input: 3 }, partial],
    workgroups: workgroups1d(length * lastOf(x)),
    flops: 5 * sizeOf(x),
  };
}

type Context = BackwardContext<LayernormAttributes>;

/** What was normalised: x, or x + residual. */
function normalised({ input, output, hasInput }: Context): Tensor {
  return hasInput(3) ? output(2) : input(0);
}

function backwardOf(context: Context, params: boolean): readonly Tensor[] {
  const { graph, input, output, dout } = context;
  const inputs = [normalised(context), input(1), output(1), dout, null];
  return graph.apply(layernormBackwardOp, inputs, { params });
}

/** The gradient to x and to the residual, with those to weight and bias where these are needed too. */
function gradient(context: Context): Tensor {
  const [dx] = backwardOf(context, context.isNeeded(1) || context.isNeeded(2));
  if (!dx) throw new RangeError('layernormBackward: one output at least');
  return dx;
}

function paramGradients(context: Context): [Tensor, Tensor] {
  const [, dweight, dbias] = backwardOf(context, true);
  if (!dweight || !dbias) throw new RangeError('layernormBackward: three outputs');
  return [dweight, dbias];
}

/** LayerNorm over the last axis of `x`. */
export function layernorm(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
  return x.graph.apply1(layernormOp, [x, weight, bias, null], { eps });
}
