import type { AdapterTraits } from '../gpu/traits.ts';
import type { Fusion, FusionContext, FusionRule } from '../graph/fuse.ts';
import type { Node, Tensor } from '../graph/graph.ts';
import { axis, rowsOf, sizeOf } from '../graph/shape.ts';
import { addOp } from './add/add.ts';
import { attentionOp } from './attention/attention.ts';
import { gateScaleBackwardOp, gateScaleOp } from './gate-scale/gate-scale.ts';
import { gatedOp } from './gated-add/gated-add.ts';
import { gatedPairBackwardOp, prependPairBackwardOp, prependPairOp } from './prepend-tokens/pair.ts';
import { prependTokensBackwardOp, prependTokensOp } from './prepend-tokens/prepend-tokens.ts';
import { isWhole, sampleDotOp } from './sample-dot/sample-dot.ts';
import { tokenGateBackwardOp, tokenGateOp } from './token-gate/token-gate.ts';

/** How what belongs to gates and to gated prefixes becomes fewer nodes. */
export function gateRules(traits: AdapterTraits): readonly FusionRule[] {
  return [
    gatesTogether,
    prefixesTogether,
    prefixGradientsTogether,
    gatedPrefixGradients,
    dotsTogether,
    (node, context) => dotThenGate(node, context, traits),
    gateGradientThenAdd,
  ];
}

/** Two gates that read the same. */
function gatesTogether(node: Node, { readersOf }: FusionContext): Fusion | null {
  const [u, ...own] = node.inputs;
  if (node.op !== tokenGateOp || !u || own[2]) return null;
  const second = readersOf(u).find(
    ({ op, phase, inputs }) => op === node.op && phase === node.phase && inputs[1] !== own[0] && !inputs[3],
  );
  if (!second) return null;
  return {
    replaces: [node, second],
    op: node.op,
    attrs: {},
    inputs: [u, ...own.slice(0, 2), ...second.inputs.slice(1, 3)],
    outputs: [...node.outputs, ...second.outputs],
  };
}

/** A prefix before its tokens, with the gate that scales it. */
interface Prefixed {
  readonly replaces: readonly Node[];
  readonly x: Tensor;
  /** [P, C] */
  readonly p: Tensor;
  readonly gate: Tensor | null;
  readonly out: Tensor;
}

function prefixed(
  tensor: Tensor | null | undefined,
  { producerOf, isPrivate }: FusionContext,
): Prefixed | null {
  const node = tensor && producerOf(tensor);
  const [x, front] = node?.inputs ?? [];
  const [out] = node?.outputs ?? [];
  if (node?.op !== prependTokensOp || !x || !front || !out) return null;
  const scaled = producerOf(front);
  const [p, gate] = scaled?.inputs ?? [];
  if (scaled?.op === gateScaleOp && p && gate && isPrivate(front))
    return {
      replaces: [scaled, node],
      x,
      p: p.view([axis(front.shape, 1), axis(front.shape, 2)]),
      gate,
      out,
    };
  if (axis(front.shape, 0) !== 1) return null;
  return { replaces: [node], x, p: front.view(front.shape.slice(1)), gate: null, out };
}

/** What attention gets as keys and as values, behind a prefix each: both in one go, scaled on the way. */
function prefixesTogether(node: Node, context: FusionContext): Fusion | null {
  const [, k, v] = node.op === attentionOp ? node.inputs : [];
  const [key, value] = [prefixed(k, context), prefixed(v, context)];
  if (!key || !value || key.out === value.out || key.gate?.root !== value.gate?.root) return null;
  if (sizeOf(key.p.shape) !== sizeOf(value.p.shape) || sizeOf(key.x.shape) !== sizeOf(value.x.shape))
    return null;
  return {
    replaces: [...key.replaces, ...value.replaces],
    op: prependPairOp,
    attrs: {},
    inputs: [key.x, value.x.view(key.x.shape), key.p, value.p, key.gate],
    outputs: [key.out, value.out],
  };
}

/** The gradients through both prefixes, which one node makes. */
function prefixGradientsTogether(node: Node, { producerOf, readersOf }: FusionContext): Fusion | null {
  const [dy] = node.inputs;
  const made = node.op === prependTokensBackwardOp && dy ? producerOf(dy) : null;
  if (!made || !dy) return null;
  for (const output of made.outputs) {
    const other = readersOf(output).find(
      ({ op, inputs }) => op === node.op && inputs[0]?.root === output.root,
    );
    const [dx] = other?.inputs ?? [];
    if (!other || !dx || other === node || JSON.stringify(other.attrs) !== JSON.stringify(node.attrs))
      continue;
    const [[backX, frontX], [backY, frontY]] = [other.outputs, node.outputs];
    if (!backX || !frontX || !backY || !frontY || sizeOf(dx.shape) !== sizeOf(dy.shape)) continue;
    return {
      replaces: [other, node],
      op: prependPairBackwardOp,
      attrs: node.attrs,
      inputs: [dx, dy],
      outputs: [backX, backY, frontX, frontY],
    };
  }
  return null;
}

/** From the gradients of two tokens that one gate scales, all that of the gate and of the tokens. */
function gatedPrefixGradients(
  node: Node,
  { producerOf, readersOf, isPrivate }: FusionContext,
): Fusion | null {
  const [dgate] = node.outputs;
  if (node.op !== addOp || !dgate) return null;
  const parts = node.inputs.map((tensor) => {
    const dot = tensor && isPrivate(tensor) ? producerOf(tensor) : null;
    const [d, p] = dot?.inputs ?? [];
    if (dot?.op !== sampleDotOp || dot.inputs[2] || !d || !p) return null;
    const scaled = readersOf(d).find(({ op }) => op === gateScaleBackwardOp);
    const [gate, dp] = [scaled?.inputs[1], scaled?.outputs[0]];
    return scaled && gate && dp ? { dot, scaled, d, p, gate, dp } : null;
  });
  const [first, second] = parts;
  if (!first || !second || first.gate.root !== second.gate.root) return null;
  if (sizeOf(first.p.shape) !== sizeOf(second.p.shape)) return null;
  return {
    replaces: [first.dot, first.scaled, second.dot, second.scaled, node],
    op: gatedPairBackwardOp,
    attrs: {},
    inputs: [first.d, second.d, first.p, second.p.view(first.p.shape), first.gate, null, null],
    outputs: [dgate, first.dp, second.dp],
  };
}

/** The gradient of a gate that serves two layers. */
function dotsTogether(node: Node, { producerOf, isPrivate }: FusionContext): Fusion | null {
  const [dgate] = node.outputs;
  if (node.op !== addOp || !dgate) return null;
  const dots = node.inputs.map((tensor) => {
    const dot = tensor && isPrivate(tensor) ? producerOf(tensor) : null;
    return dot?.op === sampleDotOp && !dot.inputs[2] ? dot : null;
  });
  const [first, second] = dots;
  if (!first || !second) return null;
  return {
    replaces: [first, second, node],
    op: sampleDotOp,
    attrs: first.attrs,
    inputs: [...first.inputs.slice(0, 2), ...second.inputs.slice(0, 2)],
    outputs: [dgate],
  };
}

/** The gradient of a gate, beside that of what it multiplies. */
function dotThenGate(node: Node, { readersOf }: FusionContext, traits: AdapterTraits): Fusion | null {
  const [d, gate] = node.op === gatedOp ? node.inputs : [];
  const [out] = node.outputs;
  if (!d || !gate || !out) return null;
  const samples = sizeOf(gate.shape);
  const dot = readersOf(d).find(
    ({ op, phase, attrs, inputs }) =>
      op === sampleDotOp &&
      phase === node.phase &&
      (attrs as { samples: number }).samples === samples &&
      inputs[0]?.root === d.root &&
      !inputs[2] &&
      !inputs[4],
  );
  const [a, v] = dot?.inputs ?? [];
  if (!dot || !a || !v || isWhole([a.shape], samples, traits)) return null;
  return {
    replaces: [dot, node],
    op: sampleDotOp,
    attrs: dot.attrs,
    inputs: [a, v, null, null, gate],
    outputs: [...dot.outputs, out],
  };
}

/** The gradient of a gate to what it reads + another one, which may be that of a second gate with its own. */
function gateGradientThenAdd(node: Node, { producerOf, isPrivate }: FusionContext): Fusion | null {
  const [x, y] = node.inputs;
  const [out] = node.outputs;
  if (node.op !== addOp || !x || !y || !out || sizeOf(x.shape) !== sizeOf(y.shape)) return null;
  const gradientOf = (tensor: Tensor) => {
    const made = isPrivate(tensor) ? producerOf(tensor) : null;
    return made?.op === tokenGateBackwardOp ? made : null;
  };
  for (const [value, other] of [
    [y, x],
    [x, y],
  ] as const) {
    const own = gradientOf(value);
    if (!own || own.inputs[3] || own.inputs[6]) continue;
    const gate = own.inputs.slice(0, 3);
    const open = gate[1];
    const before = gradientOf(other);
    const isSecond = before && !before.inputs[3] && before.inputs[1] && open && fits(before.inputs[1], open);
    return {
      replaces: isSecond ? [before, own, node] : [own, node],
      op: tokenGateBackwardOp,
      attrs: {},
      inputs: isSecond
        ? [...before.inputs.slice(0, 3), ...gate, before.inputs[6] ?? null]
        : [...gate, null, null, null, other],
      outputs: [out],
    };
  }
  return null;
}

function fits(a: Tensor, b: Tensor): boolean {
  return sizeOf(a.shape) === sizeOf(b.shape) && rowsOf(a.shape) === rowsOf(b.shape);
}
