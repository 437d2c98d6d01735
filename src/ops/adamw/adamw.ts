import { defineOp, type OpCase, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

/** Length of the tensor `hyper`, see {@link adamwHyper}. */
export const ADAMW_HYPER = 6;
/** Length of a row of the tensor `ranges`, see {@link adamwRanges}. */
export const ADAMW_RANGE = 3;
/** A range starts at a multiple of this many values. */
const BLOCK = 64;

/** Settings of one AdamW step that hold for all values. */
export interface AdamwSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Number of this step, from 1. */
  readonly step: number;
  /** Gradients of a larger norm are scaled down to it; 0: none are. */
  readonly clip: number;
}

/** What one AdamW step does to the values from `start` on, up to the next range. */
export interface AdamwRange {
  /** A multiple of 64; 0 for the first range. */
  readonly start: number;
  readonly lr: number;
  readonly weightDecay: number;
}

/**
 * The tensor `hyper` of a step: β1, β2, eps, 1 − β1^t, 1 − β2^t, clip.
 * The corrections are taken from the betas as f32 holds them: 1 − β2 of the kernel is off by 1e-5 otherwise.
 */
export function adamwHyper({ beta1, beta2, eps, step, clip }: AdamwSettings): Float32Array {
  const correction = (beta: number) => 1 - Math.fround(beta) ** step;
  return Float32Array.of(beta1, beta2, eps, correction(beta1), correction(beta2), clip);
}

/** The tensor `ranges` of a step: a row of start / 64, lr and weight decay for each, ascending by start. */
export function adamwRanges(ranges: readonly AdamwRange[]): Float32Array {
  return Float32Array.from(ranges.flatMap(({ start, lr, weightDecay }) => [start / BLOCK, lr, weightDecay]));
}

/**
 * One step of AdamW in place over ranges with a learning rate and a decay of their own, PyTorch's arithmetic: clip by
 * the norm, decoupled decay, then the corrected moments.
 *
 * param, grad, m, v [n], n a multiple of 64; hyper [6] is {@link adamwHyper}'s; ranges [R, 3] {@link adamwRanges}';
 * squaredNorm [1] is that of all gradients. Where it is not finite, the step changes nothing.
 *   scale = min(1, clip / (√squaredNorm + 1e-6)), 1 where clip is 0
 *   g = scale·grad; m = β1·m + (1 − β1)·g; v = β2·v + (1 − β2)·g²
 *   param = param·(1 − lr·decay) − lr · (m / (1 − β1^t)) / (√(v / (1 − β2^t)) + eps)
 */
export const adamwOp = defineOp({
  name: 'adamw',
  inputs: ['param', 'grad', 'm', 'v', 'hyper', 'ranges', 'squaredNorm'],
  mutates: ['param', 'm', 'v'],
  shapes: ([param, grad, m, v, hyper, ranges, squaredNorm]) => {
    const n = sizeOf(required(param, 'adamw: param'));
    expectShape(n % BLOCK === 0, 'adamw', () => `${n} values are no multiple of ${BLOCK}`);
    for (const other of [grad, m, v]) {
      expectShape(
        sizeOf(required(other, 'adamw: grad, m or v')) === n,
        'adamw',
        () => `${show(other ?? [])} for ${n} values`,
      );
    }
    expectShape(
      sizeOf(required(hyper, 'adamw: hyper')) === ADAMW_HYPER &&
        axis(required(ranges, 'adamw: ranges'), 1) === ADAMW_RANGE &&
        sizeOf(required(squaredNorm, 'adamw: squaredNorm')) === 1,
      'adamw',
      () => `hyper ${show(hyper ?? [])}, ranges ${show(ranges ?? [])}, norm ${show(squaredNorm ?? [])}`,
    );
    return [];
  },
  passes: ({ inputs: [param] }) => {
    const n = sizeOf(required(param, 'adamw: param'));
    return [
      {
        shader: 'adamw/forward',
        constants: {},
        bindings: [0, 1, 2, 3, 4, 5, 6].map((input) => ({ input })),
        workgroups: workgroups1d(n / 4),
        flops: 16 * n,
      },
    ];
  },
  backward: {
    param: 'none',
    grad: 'none',
    m: 'none',
    v: 'none',
    hyper: 'none',
    ranges: 'none',
    squaredNorm: 'none',
  },
  reference: ([param, grad, m, v, hyper, ranges, squaredNorm]) => {
    const old = [param, m, v].map((values) => required(values, 'adamw: param, m or v').slice());
    const [beta1 = 0, beta2 = 0, eps = 0, first = 1, second = 1, clip = 0] = hyper ?? [];
    const squared = squaredNorm?.[0] ?? 0;
    if (!Number.isFinite(squared)) return old;
    const scale = clip > 0 ? Math.min(1, clip / (Math.sqrt(squared) + 1e-6)) : 1;
    const [newParam, newM, newV] = old;
    let row = 0;
    for (let i = 0; i < (param?.length ?? 0); i++) {
      while (BLOCK * (ranges?.[row + ADAMW_RANGE] ?? Number.POSITIVE_INFINITY) <= i) row += ADAMW_RANGE;
      const [lr, decay] = [ranges?.[row + 1] ?? 0, ranges?.[row + 2] ?? 0];
      const g = scale * (grad?.[i] ?? 0);
      const mean = beta1 * (m?.[i] ?? 0) + (1 - beta1) * g;
      const square = beta2 * (v?.[i] ?? 0) + (1 - beta2) * g * g;
      const step = mean / first / (Math.sqrt(square / second) + eps);
      newM?.fill(mean, i, i + 1);
      newV?.fill(square, i, i + 1);
      newParam?.fill((param?.[i] ?? 0) * (1 - lr * decay) - lr * step, i, i + 1);
    }
    return old;
  },
  cases: [
    adamwCase(64, { step: 1 }),
    adamwCase(192, { step: 3, clip: 0.5, squaredNorm: 7, starts: [0, 128] }),
    adamwCase(192, { step: 3, clip: 3, squaredNorm: 7, starts: [0, 64] }),
    {
      ...adamwCase(64, { step: 2, clip: 1, squaredNorm: Number.NaN }),
      note: 'no finite norm: nothing changes',
    },
    { ...adamwCase(64, { step: 2, squaredNorm: Number.POSITIVE_INFINITY }), note: 'nor an infinite one' },
    adamwCase(64 * 17, { step: 1000, starts: [0, 64, 64 * 5, 64 * 16] }),
  ],
});

function adamwCase(
  n: number,
  {
    step,
    clip = 0,
    squaredNorm = 4,
    starts = [0],
  }: {
    readonly step: number;
    readonly clip?: number;
    readonly squaredNorm?: number;
    readonly starts?: readonly number[];
  },
): OpCase<object> {
  const hyper = adamwHyper({ beta1: 0.9, beta2: 0.999, eps: 1e-8, step, clip });
  const ranges = adamwRanges(
    starts.map((start, i) => ({ start, lr: 0.01 / (1 + i), weightDecay: i % 2 === 0 ? 0.1 : 0 })),
  );
  return {
    inputs: [[n], [n], [n], [n], [ADAMW_HYPER], [starts.length, ADAMW_RANGE], [1]],
    attrs: {},
    values: {
      // A mean of squares is never negative.
      3: (shape: Shape) =>
        Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.fround(((i * 13) % 31) / 8)),
      4: () => Float64Array.from(hyper),
      5: () => Float64Array.from(ranges),
      6: () => Float64Array.of(squaredNorm),
    },
  };
}

/** What {@link adamw} changes and reads. */
export interface AdamwTensors {
  readonly param: Tensor;
  readonly grad: Tensor;
  readonly m: Tensor;
  readonly v: Tensor;
  readonly hyper: Tensor;
  readonly ranges: Tensor;
  readonly squaredNorm: Tensor;
}

export function adamw({ param, grad, m, v, hyper, ranges, squaredNorm }: AdamwTensors): void {
  param.graph.apply(adamwOp, [param, grad, m, v, hyper, ranges, squaredNorm], {});
}
