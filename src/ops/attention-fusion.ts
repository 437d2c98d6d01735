import type { AdapterTraits } from '../gpu/traits.ts';
import type { Fusion, FusionContext } from '../graph/fuse.ts';
import type { Node, Tensor } from '../graph/graph.ts';
import { axis } from '../graph/shape.ts';
import { attentionBackwardOp, attentionDeltaOp, attentionOp } from './attention/attention.ts';
import { goesByProducts, makesRows } from './attention/passes.ts';
import { prefixedAttentionBackwardOp, prefixedAttentionOp } from './attention/prefixed.ts';
import { type AttentionProblem, problemOf } from './attention/problem.ts';
import type { AttentionAttributes } from './attention/sizes.ts';
import { prependPairBackwardOp, prependPairOp } from './prepend-tokens/pair.ts';

/** What attention's backward needs of every row, made by the kernel that first needs it. */
export function rowsThenGradients(
  node: Node,
  { producerOf, isPrivate }: FusionContext,
  traits: AdapterTraits,
): Fusion | null {
  const rows = node.op === attentionBackwardOp ? node.inputs[6] : null;
  const delta = rows && isPrivate(rows) ? producerOf(rows) : null;
  const [, out, lse, mass] = delta?.inputs ?? [];
  if (delta?.op !== attentionDeltaOp || mass || !out || !lse) return null;
  if (!makesRows(problemAt(node, traits))) return null;
  return {
    replaces: [delta, node],
    op: node.op,
    attrs: node.attrs,
    inputs: [...node.inputs.slice(0, 6), null, out, lse],
    outputs: node.outputs,
  };
}

function problemAt({ inputs, outputs, attrs }: Node, traits: AdapterTraits): AttentionProblem {
  return problemOf({
    inputs: inputs.map((tensor) => tensor?.shape ?? null),
    outputs: outputs.map(({ shape }) => shape),
    attrs: attrs as AttentionAttributes,
    traits,
  });
}

/**
 * What the keys and values of attention that goes by products are made of: they are laid out anew anyway, so the prefix need not be
 * put before them first. Null where anything else reads them, too.
 */
function prefixesOf(
  node: Node,
  { makerOf, readersOf }: FusionContext,
  traits: AdapterTraits,
): readonly (Tensor | null)[] | null {
  const [, k, v] = node.inputs;
  const pair = k && makerOf(k);
  if (!k || !v || pair?.op !== prependPairOp || !goesByProducts(problemAt(node, traits))) return null;
  const [keys, values] = pair.outputs;
  if (keys?.root !== k.root || values?.root !== v.root) return null;
  const isKnown = readersOf(k).every(({ op }) => op === attentionOp || op === attentionBackwardOp);
  return isKnown ? pair.inputs : null;
}

/** Attention behind prefixes. */
export function prefixesThenAttention(
  node: Node,
  context: FusionContext,
  traits: AdapterTraits,
): Fusion | null {
  const [q, , , relPos, mass, bias] = node.inputs;
  const pair = node.op === attentionOp && !mass ? prefixesOf(node, context, traits) : null;
  if (!pair || !q) return null;
  const [k = null, v = null, p = null, u = null, gate = null] = pair;
  return {
    replaces: [node],
    op: prefixedAttentionOp,
    attrs: node.attrs,
    inputs: [q, k, v, relPos ?? null, p, bias ?? null, u, gate],
    outputs: node.outputs,
  };
}

/** The gradients through attention and then through the prefixes of its keys and values. */
export function attentionGradientsThenPrefixes(
  node: Node,
  context: FusionContext,
  traits: AdapterTraits,
): Fusion | null {
  const [dk, dv] = node.inputs;
  const [backK, backV, frontK, frontV] = node.outputs;
  const made = node.op === prependPairBackwardOp && dk ? context.producerOf(dk) : null;
  if (made?.op !== attentionBackwardOp || !dk || !dv || !backK || !backV || !frontK || !frontV) return null;
  const pair = made.inputs[6] ? prefixesOf(made, context, traits) : null;
  const [dq, ofKeys, ofValues, ...drelPos] = made.outputs;
  if (!pair || !dq || ofKeys?.root !== dk.root || ofValues?.root !== dv.root) return null;
  const [k = null, v = null, p = null, u = null, gate = null] = pair;
  return {
    replaces: [made, node],
    op: prefixedAttentionBackwardOp,
    attrs: { ...made.attrs, groups: axis(frontK.shape, 0) },
    inputs: [made.inputs[0] ?? null, k, v, ...made.inputs.slice(3, 7), p, u, gate],
    outputs: [dq, backK, backV, ...drelPos, frontK, frontV],
  };
}
