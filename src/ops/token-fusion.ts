import type { Fusion, FusionContext, FusionRule } from '../graph/fuse.ts';
import type { Node, Tensor } from '../graph/graph.ts';
import { axis } from '../graph/shape.ts';
import { addOp } from './add/add.ts';
import { prependTokensBackwardOp, prependTokensOp } from './prepend-tokens/prepend-tokens.ts';
import { MOST_PIECES, placeTokensOp, splitTokensOp } from './slice-tokens/pieces.ts';
import { padTokensOp, sliceTokensOp } from './slice-tokens/slice-tokens.ts';

/** How cutting tokens apart and putting them together becomes one node for all pieces. */
export const TOKEN_RULES: readonly FusionRule[] = [
  slicesTogether,
  prependedTogether,
  prependedGradientsTogether,
  paddedTogether,
];

/** A range of tokens of a longer sequence. */
interface Piece {
  readonly tensor: Tensor;
  readonly start: number;
}

/** Ranges of one tensor. */
function slicesTogether(node: Node, { readersOf }: FusionContext): Fusion | null {
  const [x] = node.inputs;
  if (node.op !== sliceTokensOp || !x) return null;
  const slices = readersOf(x)
    .filter(
      ({ op, phase, inputs }) => op === sliceTokensOp && phase === node.phase && hasShapeOf(inputs[0], x),
    )
    .slice(0, MOST_PIECES);
  return slices.length < 2 ? null : split(slices, x, slices.flatMap(slicesOf));
}

function slicesOf({ op, attrs, outputs }: Node): Piece[] {
  const starts =
    op === splitTokensOp ? (attrs as { starts: number[] }).starts : [(attrs as { start: number }).start];
  return outputs.map((tensor, k) => ({ tensor, start: starts[k] ?? 0 }));
}

function split(replaces: readonly Node[], x: Tensor, pieces: readonly Piece[]): Fusion | null {
  if (pieces.length > MOST_PIECES) return null;
  return {
    replaces,
    op: splitTokensOp,
    attrs: {
      starts: pieces.map(({ start }) => start),
      lengths: pieces.map(({ tensor }) => axis(tensor.shape, 1)),
    },
    inputs: [x],
    outputs: pieces.map(({ tensor }) => tensor),
  };
}

function place(
  replaces: readonly Node[],
  pieces: readonly Piece[],
  total: number,
  out: Tensor,
): Fusion | null {
  if (pieces.length > MOST_PIECES) return null;
  const inputs = Array.from({ length: MOST_PIECES }, (_, k) => pieces[k]?.tensor ?? null);
  return {
    replaces,
    op: placeTokensOp,
    attrs: { starts: pieces.map(({ start }) => start), total },
    inputs,
    outputs: [out],
  };
}

/** The pieces that a node puts together, every sequence with its own; null where it does something else. */
function placedBy({ op, attrs, inputs }: Node): readonly Piece[] | null {
  const [x, p] = inputs;
  if (op === padTokensOp) return x ? [{ tensor: x, start: (attrs as { start: number }).start }] : null;
  if (op === placeTokensOp) {
    const { starts } = attrs as { starts: readonly number[] };
    return starts.flatMap((start, k) => (inputs[k] ? [{ tensor: inputs[k], start }] : []));
  }
  if (op !== prependTokensOp || !x || !p || axis(x.shape, 0) !== axis(p.shape, 0)) return null;
  return [
    { tensor: p, start: 0 },
    { tensor: x, start: axis(p.shape, 1) },
  ];
}

/** Tokens before others that stand before others in turn. */
function prependedTogether(node: Node, { producerOf, isPrivate }: FusionContext): Fusion | null {
  const [front, rest] = node.op === prependTokensOp ? (placedBy(node) ?? []) : [];
  const before = rest && isPrivate(rest.tensor) ? producerOf(rest.tensor) : null;
  const [out] = node.outputs;
  if (!front || !rest || !out || !before || !hasShapeOf(before.outputs[0], rest.tensor)) return null;
  const pieces = before.op === padTokensOp ? null : placedBy(before);
  if (!pieces) return null;
  const moved = pieces.map(({ tensor, start }) => ({ tensor, start: start + rest.start }));
  return place([before, node], [front, ...moved], axis(out.shape, 1), out);
}

/** The gradients of those. */
function prependedGradientsTogether(node: Node, { producerOf, isPrivate }: FusionContext): Fusion | null {
  const pieces = partsOf(node);
  const [dout] = node.inputs;
  const before = pieces && dout && isPrivate(dout) ? producerOf(dout) : null;
  const [x] = before?.inputs ?? [];
  const whole = before && (before.op === splitTokensOp ? slicesOf(before) : partsOf(before));
  const own = whole?.find(({ tensor }) => tensor.root === dout?.root);
  if (!pieces || !before || !x || !own || !hasShapeOf(dout, own.tensor)) return null;
  const others = whole?.filter((piece) => piece !== own) ?? [];
  const moved = pieces.map(({ tensor, start }) => ({ tensor, start: start + own.start }));
  return split([before, node], x, [...others, ...moved]);
}

/** The pieces of the gradient of tokens before others, every sequence with its own. */
function partsOf({ op, outputs }: Node): readonly Piece[] | null {
  const [dx, dp] = outputs;
  if (op !== prependTokensBackwardOp || !dx || !dp || axis(dx.shape, 0) !== axis(dp.shape, 0)) return null;
  return [
    { tensor: dp, start: 0 },
    { tensor: dx, start: axis(dp.shape, 1) },
  ];
}

/** The sum of pieces that do not overlap, with zeros around each. */
function paddedTogether(node: Node, { producerOf, isPrivate }: FusionContext): Fusion | null {
  const [out] = node.outputs;
  if (node.op !== addOp || !out) return null;
  const parts = node.inputs.map((tensor) => {
    const made = tensor && isPrivate(tensor) ? producerOf(tensor) : null;
    const pieces = made?.op === padTokensOp || made?.op === placeTokensOp ? placedBy(made) : null;
    return made && pieces ? { made, pieces } : null;
  });
  const [first, second] = parts;
  const whole = first?.made.outputs[0];
  if (!first || !second || !whole || !hasShapeOf(second.made.outputs[0], whole)) return null;
  const pieces = [...first.pieces, ...second.pieces];
  const ends = [...pieces].sort((a, b) => a.start - b.start);
  const overlaps = ends.some(
    ({ start, tensor }, k) => start + axis(tensor.shape, 1) > (ends[k + 1]?.start ?? Infinity),
  );
  return overlaps ? null : place([first.made, second.made, node], pieces, axis(whole.shape, 1), out);
}

function hasShapeOf(tensor: Tensor | null | undefined, other: Tensor): boolean {
  return tensor?.shape.join() === other.shape.join();
}
