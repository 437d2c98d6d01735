import { defineOp, type OpCase, type Tensor } from '../../graph/graph.ts';
import { expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

/** Length of the tensor `hyper`, see {@link adamwHyper}. */
export const ADAMW_HYPER = 8;

/** Settings of one AdamW step. */
export interface AdamwSettings {
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** Number of this step, from 1. */
  readonly step: number;
  /** The gradient is multiplied by it first: the clip, or one over a count. */
  readonly gradScale: number;
}

/**
 * The tensor `hyper` of a step: lr, β1, β2, eps, weight decay, 1 − β1^t, 1 − β2^t, gradient scale.
 * The corrections are taken from the betas as f32 holds them: 1 − β2 of the kernel is off by 1e-5 otherwise.
 */
export function adamwHyper(settings: AdamwSettings): Float32Array {
  const { lr, beta1, beta2, eps, weightDecay, step, gradScale } = settings;
  const correction = (beta: number) => 1 - Math.fround(beta) ** step;
  return Float32Array.of(lr, beta1, beta2, eps, weightDecay, correction(beta1), correction(beta2), gradScale);
}

/**
 * One step of AdamW in place, PyTorch's arithmetic: decoupled decay, then the corrected moments.
 *
 * param, grad, m, v are of one size (any flat range); hyper [8] is {@link adamwHyper}'s.
 *   g = gradScale·grad; m = β1·m + (1 − β1)·g; v = β2·v + (1 − β2)·g²
 *   param = param·(1 − lr·decay) − lr · (m / (1 − β1^t)) / (√(v / (1 − β2^t)) + eps)
 */
export const adamwOp = defineOp({
  name: 'adamw',
  inputs: ['param', 'grad', 'm', 'v', 'hyper'],
  mutates: ['param', 'm', 'v'],
  shapes: ([param, grad, m, v, hyper]) => {
    const n = sizeOf(required(param, 'adamw: param'));
    for (const other of [grad, m, v]) {
      expectShape(
        sizeOf(required(other, 'adamw: grad, m or v')) === n,
        'adamw',
        () => `${show(other ?? [])} for ${n} values`,
      );
    }
    expectShape(
      sizeOf(required(hyper, 'adamw: hyper')) === ADAMW_HYPER,
      'adamw',
      () => `hyper ${show(hyper ?? [])}`,
    );
    return [];
  },
  passes: ({ inputs: [param] }) => {
    const n = sizeOf(required(param, 'adamw: param'));
    return [
      {
        shader: 'adamw/forward',
        constants: {},
        bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { input: 3 }, { input: 4 }],
        workgroups: workgroups1d(n),
        flops: 16 * n,
      },
    ];
  },
  backward: { param: 'none', grad: 'none', m: 'none', v: 'none', hyper: 'none' },
  reference: ([param, grad, m, v, hyper]) => {
    const [lr = 0, beta1 = 0, beta2 = 0, eps = 0, decay = 0, first = 1, second = 1, gradScale = 1] =
      hyper ?? [];
    const newM = required(m, 'adamw: m').map(
      (old, i) => beta1 * old + (1 - beta1) * gradScale * (grad?.[i] ?? 0),
    );
    const newV = required(v, 'adamw: v').map(
      (old, i) => beta2 * old + (1 - beta2) * (gradScale * (grad?.[i] ?? 0)) ** 2,
    );
    const newParam = required(param, 'adamw: param').map(
      (old, i) =>
        old * (1 - lr * decay) - (lr * ((newM[i] ?? 0) / first)) / (Math.sqrt((newV[i] ?? 0) / second) + eps),
    );
    return [newParam, newM, newV];
  },
  cases: [adamwCase(1, 1), adamwCase(67, 3), adamwCase(1031, 1000)],
});

function adamwCase(n: number, step: number): OpCase<object> {
  const hyper = adamwHyper({
    lr: 0.01,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    weightDecay: 0.1,
    step,
    gradScale: 0.5,
  });
  return {
    inputs: [[n], [n], [n], [n], [ADAMW_HYPER]],
    attrs: {},
    values: {
      // A mean of squares is never negative.
      3: (shape: Shape) =>
        Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.fround(((i * 13) % 31) / 8)),
      4: () => Float64Array.from(hyper),
    },
  };
}

export function adamw(param: Tensor, grad: Tensor, m: Tensor, v: Tensor, hyper: Tensor): void {
  param.graph.apply(adamwOp, [param, grad, m, v, hyper], {});
}
