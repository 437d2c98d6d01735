import { defineOp } from '../../graph/graph.ts';
import { axis, expectShape, lastOf, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

/** Pieces that a node may have: with the whole, seven bindings. */
export const MOST_PIECES = 6;

type Shapes = readonly (Shape | null | undefined)[];

/** The shader's sizes for pieces of [N, total, C]; a piece that is not there has no length. */
function paramsOf(total: number, C: number, starts: readonly number[], pieces: Shapes) {
  const params: Record<string, number> = { tokens: total, features: C };
  for (let k = 0; k < MOST_PIECES; k++) {
    const shape = pieces[k];
    params[`start${k}`] = starts[k] ?? 0;
    params[`length${k}`] = shape ? axis(shape, 1) : 0;
  }
  return params;
}

/** Several ranges of tokens of every sequence at once: x [N, T, C] → [N, length, C] from each start on. */
export const splitTokensOp = defineOp({
  name: 'splitTokens',
  inputs: ['x'],
  shapes: (
    [given],
    { starts, lengths }: { readonly starts: readonly number[]; readonly lengths: readonly number[] },
  ) => {
    const x = required(given, 'splitTokens: x');
    expectShape(
      x.length === 3 &&
        starts.length === lengths.length &&
        starts.length <= MOST_PIECES &&
        starts.every((start, k) => start >= 0 && start + (lengths[k] ?? 0) <= axis(x, 1)),
      'splitTokens',
      () => `${lengths.join(', ')} tokens from ${starts.join(', ')} of ${show(x)}`,
    );
    return lengths.map((length) => [axis(x, 0), length, axis(x, 2)]);
  },
  // Stand for pieces that are missing.
  scratch: ({ outputs }) => Array.from({ length: MOST_PIECES - outputs.length }, () => [1]),
  passes: ({ inputs: [x], outputs, attrs: { starts } }) => [
    {
      shader: 'slice-tokens/split',
      constants: {},
      params: paramsOf(axis(x ?? [], 1), lastOf(x ?? []), starts, outputs),
      bindings: [
        { input: 0 },
        ...Array.from({ length: MOST_PIECES }, (_, k) =>
          k < outputs.length ? { output: k } : { scratch: k - outputs.length },
        ),
      ],
      workgroups: workgroups1d(sizeOf(x ?? [])),
      flops: 0,
    },
  ],
  backward: { x: 'none' },
  reference: ([x], [shape], { starts, lengths }) => {
    const [N, T, C] = [axis(shape ?? [], 0), axis(shape ?? [], 1), axis(shape ?? [], 2)];
    return starts.map((start, k) => {
      const each = (lengths[k] ?? 0) * C;
      return Float64Array.from({ length: N * each }, (_, i) => {
        const at = Math.floor(i / each) * T * C + start * C + (i % each);
        return x?.[at] ?? 0;
      });
    });
  },
  cases: [
    { inputs: [[1, 1, 1]], attrs: { starts: [0], lengths: [1] } },
    { inputs: [[3, 7, 5]], attrs: { starts: [0, 4, 1], lengths: [1, 3, 2] } },
    {
      inputs: [[2, 13, 12]],
      attrs: { starts: [5, 4, 3, 2, 1, 0], lengths: [8, 1, 1, 1, 1, 1] },
      note: 'as many pieces as there can be',
    },
  ],
});

const PIECES = ['x0', 'x1', 'x2', 'x3', 'x4', 'x5'] as const;

/** Tokens [N, length, C] of several tensors side by side, each from a start on, zeros where there are none → [N, total, C]. */
export const placeTokensOp = defineOp({
  name: 'placeTokens',
  inputs: PIECES,
  optional: PIECES.slice(1),
  shapes: (inputs, { starts, total }: { readonly starts: readonly number[]; readonly total: number }) => {
    const first = required(inputs[0], 'placeTokens');
    const pieces = starts.map((_, k) => required(inputs[k], 'placeTokens'));
    expectShape(
      pieces.every(
        (piece, k) =>
          piece.length === 3 &&
          axis(piece, 0) === axis(first, 0) &&
          axis(piece, 2) === axis(first, 2) &&
          (starts[k] ?? 0) + axis(piece, 1) <= total,
      ),
      'placeTokens',
      () => `${pieces.map(show).join(' ')} at ${starts.join(', ')} of ${total}`,
    );
    return [[axis(first, 0), total, axis(first, 2)]];
  },
  passes: ({ inputs, outputs: [out], attrs: { starts, total } }) => [
    {
      shader: 'slice-tokens/place',
      constants: {},
      // Not from out, which may be there under another shape.
      params: paramsOf(total, lastOf(inputs[0] ?? []), starts, inputs),
      bindings: [...inputs.map((piece, k) => ({ input: piece ? k : 0 })), { output: 0 }],
      workgroups: workgroups1d(sizeOf(out ?? [])),
      flops: 0,
    },
  ],
  backward: { x0: 'none', x1: 'none', x2: 'none', x3: 'none', x4: 'none', x5: 'none' },
  reference: (inputs, shapes, { starts, total }) => {
    const [N, C] = [axis(shapes[0] ?? [], 0), axis(shapes[0] ?? [], 2)];
    const out = new Float64Array(N * total * C);
    starts.forEach((start, k) => {
      const each = axis(shapes[k] ?? [], 1) * C;
      inputs[k]?.forEach((value, i) => {
        out[Math.floor(i / each) * total * C + start * C + (i % each)] = value;
      });
    });
    return [out];
  },
  cases: [
    { inputs: [[1, 1, 1], null, null, null, null, null], attrs: { starts: [0], total: 1 } },
    {
      inputs: [[3, 2, 5], [3, 1, 5], [3, 1, 5], null, null, null],
      attrs: { starts: [4, 0, 2], total: 7 },
      note: 'zeros in between',
    },
    {
      inputs: [
        [2, 1, 12],
        [2, 1, 12],
        [2, 1, 12],
        [2, 1, 12],
        [2, 2, 12],
        [2, 3, 12],
      ],
      attrs: { starts: [0, 1, 2, 3, 4, 6], total: 9 },
    },
  ],
});
