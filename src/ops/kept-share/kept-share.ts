import { type BackwardContext, defineOp, type Tensor } from '../../graph/graph.ts';
import type { Binding, Pass } from '../../graph/pass.ts';
import { expectShape, sameShape, show } from '../../graph/shape.ts';
import { STRETCH, TEMPERATURE } from '../hard-gate/hard-gate.ts';

/** P(gate ≠ 0) = σ(α + SHIFT) of a hard gate. */
const SHIFT = -TEMPERATURE * Math.log(-STRETCH.low / STRETCH.high);

interface KeptShareAttributes {
  /** The module's part of all parameters. */
  readonly share: number;
}

/** `before + share · P(gate ≠ 0)`, all [1]: a sum over modules is a chain of these; without `before` it begins. */
export const keptShareOp = defineOp({
  name: 'keptShare',
  inputs: ['alpha', 'before'],
  optional: ['before'],
  shapes: ([alpha, before], _attrs: KeptShareAttributes) => {
    if (!alpha) throw new RangeError('keptShare: alpha');
    expectShape(
      sameShape(alpha, [1]) && (!before || sameShape(before, [1])),
      'keptShare',
      () => `${show(before ?? [])} and ${show(alpha)}`,
    );
    return [alpha];
  },
  passes: ({ inputs: [, before], attrs: { share } }) => [
    pass('kept-share/forward', { SHARE: share, SHIFT, HAS_BEFORE: Number(Boolean(before)) }, [
      { input: 0 },
      { input: before ? 1 : 0 },
      { output: 0 },
    ]),
  ],
  backward: {
    alpha: ({ graph, input, dout, attrs }) => graph.apply1(keptShareBackwardOp, [input(0), dout], attrs),
    before: ({ dout }) => dout,
  },
  reference: ([alpha, before], _shapes, { share }) => {
    if (!alpha) throw new RangeError('keptShare: alpha');
    return [alpha.map((value, i) => (before?.[i] ?? 0) + share / (1 + Math.exp(-value - SHIFT)))];
  },
  cases: [
    { inputs: [[1], [1]], attrs: { share: 0.25 } },
    { inputs: [[1], null], attrs: { share: 1 } },
    {
      inputs: [[1], [1]],
      attrs: { share: 0.5 },
      values: { 0: () => Float64Array.of(-3) },
      note: 'mostly closed',
    },
  ],
});

/** Gradient of {@link keptShareOp} to alpha. */
export const keptShareBackwardOp = defineOp({
  name: 'keptShareBackward',
  inputs: ['alpha', 'dout'],
  shapes: ([alpha], _attrs: KeptShareAttributes) => {
    if (!alpha) throw new RangeError('keptShareBackward: alpha');
    return [alpha];
  },
  passes: ({ attrs: { share } }) => [
    pass('kept-share/backward', { SHARE: share, SHIFT }, [{ input: 0 }, { input: 1 }, { output: 0 }]),
  ],
  backward: { alpha: 'none', dout: 'none' },
  reference: { checkedBy: 'keptShare' },
  cases: [],
});

/** `λ₁ over + λ₂ over²`, where `over = max(0, kept − budget)`; kept and budget [1], multipliers [2] → [1]. */
export const budgetPriceOp = defineOp({
  name: 'budgetPrice',
  inputs: ['kept', 'budget', 'multipliers'],
  shapes: ([kept, budget, multipliers]) => {
    if (!kept || !budget || !multipliers) throw new RangeError('budgetPrice: kept, budget and multipliers');
    expectShape(
      sameShape(kept, [1]) && sameShape(budget, [1]) && sameShape(multipliers, [2]),
      'budgetPrice',
      () => `${show(kept)}, ${show(budget)} and ${show(multipliers)}`,
    );
    return [kept];
  },
  passes: () => [pass('kept-share/price', {}, [{ input: 0 }, { input: 1 }, { input: 2 }, { output: 0 }])],
  backward: {
    kept: (context) => priceGradients(context)[0],
    budget: 'none',
    multipliers: (context) => priceGradients(context)[1],
  },
  reference: ([kept, budget, multipliers]) => {
    const over = Math.max(0, (kept?.[0] ?? 0) - (budget?.[0] ?? 0));
    return [Float64Array.of((multipliers?.[0] ?? 0) * over + (multipliers?.[1] ?? 0) * over * over)];
  },
  cases: [
    {
      inputs: [[1], [1], [2]],
      attrs: {},
      values: { 0: () => Float64Array.of(0.75), 1: () => Float64Array.of(0.5) },
      note: 'above the budget',
    },
    {
      inputs: [[1], [1], [2]],
      attrs: {},
      values: { 0: () => Float64Array.of(0.25), 1: () => Float64Array.of(0.5) },
      note: 'below the budget',
    },
  ],
});

/** Gradients of {@link budgetPriceOp} to kept and to the multipliers. */
export const budgetPriceBackwardOp = defineOp({
  name: 'budgetPriceBackward',
  inputs: ['kept', 'budget', 'multipliers', 'dout'],
  shapes: () => [[1], [2]],
  passes: () => [
    pass('kept-share/price-backward', {}, [
      { input: 0 },
      { input: 1 },
      { input: 2 },
      { input: 3 },
      { output: 0 },
      { output: 1 },
    ]),
  ],
  backward: { kept: 'none', budget: 'none', multipliers: 'none', dout: 'none' },
  reference: { checkedBy: 'budgetPrice' },
  cases: [],
});

function priceGradients({ graph, input, dout }: BackwardContext<object>): [Tensor, Tensor] {
  const inputs = [input(0), input(1), input(2), dout];
  const [dkept, dmultipliers] = graph.apply(budgetPriceBackwardOp, inputs, {});
  if (!dkept || !dmultipliers) throw new RangeError('budgetPriceBackward: two outputs');
  return [dkept, dmultipliers];
}

function pass(shader: string, constants: Pass['constants'], bindings: readonly Binding[]): Pass {
  return { shader, constants, bindings, workgroups: [1, 1, 1], flops: 8 };
}

/** The expected share of the parameters that hard gates keep, [1]. @param modules their alphas [1] and parts of all parameters. */
export function keptShare(modules: readonly { readonly alpha: Tensor; readonly share: number }[]): Tensor {
  const [first, ...others] = modules;
  if (!first) throw new RangeError('keptShare: no module');
  const add = (before: Tensor | null, { alpha, share }: (typeof modules)[number]) =>
    alpha.graph.apply1(keptShareOp, [alpha, before], { share });
  return others.reduce(add, add(null, first));
}

/** What it costs to keep more than the budget, [1]. */
export function budgetPrice(kept: Tensor, budget: Tensor, multipliers: Tensor): Tensor {
  return kept.graph.apply1(budgetPriceOp, [kept, budget, multipliers], {});
}
