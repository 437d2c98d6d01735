import type { AdapterTraits } from '../gpu/traits.ts';
import type { Fusion, FusionContext } from '../graph/fuse.ts';
import type { Node } from '../graph/graph.ts';
import { attentionBackwardOp, attentionDeltaOp } from './attention/attention.ts';
import { makesRows } from './attention/passes.ts';
import { type AttentionProblem, problemOf } from './attention/problem.ts';
import type { AttentionAttributes } from './attention/sizes.ts';

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
