import { defineOp, type OpCase, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

/** Length of a row of the tensor `draw`, see {@link clickDraw}. */
export const CLICK_DRAW = 4;

interface ClickAttributes {
  /** Side of a cell of the masks in model pixels. */
  readonly cell: number;
}

/**
 * A row of the tensor `draw`.
 * @param valid the cells that show the image: columns below `width` and rows below `height`.
 * @param word 32 random bits.
 */
export function clickDraw({ width, height }: { width: number; height: number }, word: number): number[] {
  // In two halves: a float holds no 32 bits.
  return [width, height, word >>> 16, word & 0xffff];
}

/** The sizes of N objects with M masks of side × side cells and T tokens. */
function sizesOf(masks: Shape | null | undefined, coords: Shape | null | undefined) {
  const [shape, tokens] = [
    required(masks, 'correctiveClick: masks'),
    required(coords, 'correctiveClick: coords'),
  ];
  expectShape(shape.length === 4, 'correctiveClick', () => `masks ${show(shape)} are not [N, M, side, side]`);
  return {
    N: axis(shape, 0),
    M: axis(shape, 1),
    side: axis(shape, 3),
    P: axis(shape, 2) * axis(shape, 3),
    T: axis(tokens, 1),
  };
}

/**
 * The prompt of the next round: a corrective click for each object, and the mask that it corrects.
 *
 * masks [N, M, side, side] are logits, iou [N, M] what the decoder thinks of them. mode [N] says which one answers the prompt: 0:
 * mask 0; 1: of the masks 1 … M − 1 the first with the highest iou. target [N, side · side] is 0, 1 or -1 (ignored).
 * The click is a cell of the larger of the two errors (missed, or marked too much; missed where they are equal), or of the target
 * when there is no error, or the first cell when there is no target either; padding and ignored cells are never clicked. Of n
 * such cells in rows it is that of number `word mod n`, draw [N, 4] being {@link clickDraw}'s rows.
 * coords [N, T, 2] and labels [N, T] are the tokens of the prompt so far: points, then the padding point (label -1) or the two
 * corners of a box. The new point stands behind the others in nextCoords [N, T + 1, 2] and nextLabels [N, T + 1], and the mask
 * in mask [N, side · side]. Constants for the losses: no gradient passes.
 */
export const correctiveClickOp = defineOp({
  name: 'correctiveClick',
  inputs: ['masks', 'iou', 'mode', 'target', 'draw', 'coords', 'labels', 'mask', 'nextCoords', 'nextLabels'],
  mutates: ['mask', 'nextCoords', 'nextLabels'],
  shapes: (
    [masks, iou, mode, target, draw, coords, labels, mask, nextCoords, nextLabels],
    _: ClickAttributes,
  ) => {
    const { N, M, P, T } = sizesOf(masks, coords);
    const sizes = {
      iou: N * M,
      mode: N,
      target: N * P,
      draw: N * CLICK_DRAW,
      coords: 2 * N * T,
      labels: N * T,
    };
    const written = { mask: N * P, nextCoords: 2 * N * (T + 1), nextLabels: N * (T + 1) };
    const given = { iou, mode, target, draw, coords, labels, mask, nextCoords, nextLabels };
    for (const [name, size] of Object.entries({ ...sizes, ...written })) {
      const shape = given[name as keyof typeof given] ?? [];
      expectShape(sizeOf(shape) === size, 'correctiveClick', () => `${name} ${show(shape)} for ${N} objects`);
    }
    return [];
  },
  scratch: ({ inputs: [masks, , , , , coords] }) => {
    const { N, P, side } = sizesOf(masks, coords);
    return [[N, P / side, 3]];
  },
  passes: ({ inputs: [masks, , , , , coords], attrs: { cell } }) => {
    const { N, M, P, side, T } = sizesOf(masks, coords);
    const rows = P / side;
    return [
      {
        shader: 'corrective-click/rows',
        constants: { M, ROWS: rows, SIDE: side },
        bindings: [
          { input: 0 },
          { input: 1 },
          { input: 2 },
          { input: 3 },
          { input: 4 },
          { input: 7 },
          { scratch: 0 },
        ],
        workgroups: workgroups1d(N * rows),
        flops: 3 * N * P,
      },
      {
        shader: 'corrective-click/pick',
        constants: { ROWS: rows, SIDE: side, T, CELL: cell },
        bindings: [
          { input: 7 },
          { input: 3 },
          { input: 4 },
          { scratch: 0 },
          { input: 5 },
          { input: 6 },
          { input: 8 },
          { input: 9 },
        ],
        workgroups: workgroups1d(N),
        flops: N * (4 * rows + side),
      },
    ];
  },
  backward: {
    masks: 'none',
    iou: 'none',
    mode: 'none',
    target: 'none',
    draw: 'none',
    coords: 'none',
    labels: 'none',
    mask: 'none',
    nextCoords: 'none',
    nextLabels: 'none',
  },
  reference: ([masks, iou, mode, target, draw, coords, labels], [shape, , , , , tokens], { cell }) => {
    const { N, M, P, side, T } = sizesOf(shape, tokens);
    const [mask, nextCoords, nextLabels] = [N * P, 2 * N * (T + 1), N * (T + 1)].map(
      (n) => new Float64Array(n),
    ) as [Float64Array, Float64Array, Float64Array];
    for (let n = 0; n < N; n++) {
      let token = 0;
      if ((mode?.[n] ?? 0) > 0.5) {
        token = 1;
        for (let m = 2; m < M; m++) if ((iou?.[n * M + m] ?? 0) > (iou?.[n * M + token] ?? 0)) token = m;
      }
      const logits = required(masks, 'correctiveClick: masks').subarray(
        (n * M + token) * P,
        (n * M + token + 1) * P,
      );
      mask.set(logits, n * P);
      const [width = 0, height = 0, high = 0, low = 0] = draw?.subarray(n * CLICK_DRAW) ?? [];
      const { at, positive } = clickedCell(
        logits,
        target?.subarray(n * P) ?? [],
        { side, width, height },
        high * 65536 + low,
      );
      const points = T - ((labels?.[n * T + T - 1] ?? 0) < 0 ? 1 : 2);
      for (let t = 0; t <= T; t++) {
        const from = n * T + (t > points ? t - 1 : t);
        const to = n * (T + 1) + t;
        const [x, y] =
          t === points
            ? [(at % side) + 0.5, Math.floor(at / side) + 0.5].map((v) => v * cell)
            : [coords?.[2 * from], coords?.[2 * from + 1]];
        nextCoords.set([x ?? 0, y ?? 0], 2 * to);
        nextLabels[to] = t === points ? Number(positive) : (labels?.[from] ?? 0);
      }
    }
    return [mask, nextCoords, nextLabels];
  },
  cases: [
    clickCase({ N: 1, M: 2, side: 1, T: 2 }),
    clickCase({ N: 5, M: 4, side: 7, T: 2 }),
    clickCase({ N: 6, M: 3, side: 67, T: 4 }),
    {
      ...clickCase({ N: 3, M: 4, side: 5, T: 3 }),
      values: {
        ...clickCase({ N: 3, M: 4, side: 5, T: 3 }).values,
        0: (shape) => new Float64Array(sizeOf(shape)).fill(-1),
      },
      note: 'nothing is marked',
    },
  ],
});

/** The cell that is clicked, of all in rows, and whether it belongs to the object. */
function clickedCell(
  logits: Float64Array,
  target: ArrayLike<number>,
  { side, width, height }: { readonly side: number; readonly width: number; readonly height: number },
  word: number,
): { readonly at: number; readonly positive: boolean } {
  const cells = { missed: [] as number[], extra: [] as number[], target: [] as number[] };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * side + x;
      const wanted = target[at] ?? 0;
      if (wanted < 0) continue;
      const isSet = (logits[at] ?? 0) > 0;
      if (wanted > 0.5) cells.target.push(at);
      if (wanted > 0.5 && !isSet) cells.missed.push(at);
      if (wanted <= 0.5 && isSet) cells.extra.push(at);
    }
  }
  const positive = cells.missed.length >= cells.extra.length;
  const wrong = positive ? cells.missed : cells.extra;
  const from = wrong.length > 0 ? wrong : cells.target;
  return { at: from[word % Math.max(1, from.length)] ?? 0, positive };
}

/** Objects of either mode, some with a box, ignored cells and padding; the last without a target. */
function clickCase({
  N,
  M,
  side,
  T,
}: {
  N: number;
  M: number;
  side: number;
  T: number;
}): OpCase<ClickAttributes> {
  const P = side * side;
  return {
    inputs: [
      [N, M, side, side],
      [N, M],
      [N],
      [N, P],
      [N, CLICK_DRAW],
      [N, T, 2],
      [N, T],
      [N, P],
      [N, T + 1, 2],
      [N, T + 1],
    ],
    attrs: { cell: 4 },
    values: {
      2: () => Float64Array.from({ length: N }, (_, n) => n % 2),
      3: (shape) =>
        Float64Array.from({ length: sizeOf(shape) }, (_, i) => {
          const n = Math.floor(i / P);
          if (n === N - 1 && N > 1) return 0;
          return (i * i + 3 * i) % 11 < 2 ? -1 : (i * 7 + n) % 5 < 2 ? 1 : 0;
        }),
      4: () =>
        Float64Array.from(
          Array.from({ length: N }, (_, n) =>
            clickDraw(
              { width: Math.max(1, side - n), height: Math.max(1, side - 2 * n) },
              (n * 0x9e3779b9 + 0xdeadbeef) >>> 0,
            ),
          ).flat(),
        ),
      6: () =>
        Float64Array.from({ length: N * T }, (_, i) =>
          i % T < T - 2 ? i % 2 : Math.floor(i / T) % 3 === 0 ? (i % T) - T + 4 : i % T === T - 1 ? -1 : 1,
        ),
    },
  };
}

/** What {@link correctiveClick} reads and writes. */
export interface ClickTensors {
  readonly masks: Tensor;
  readonly iou: Tensor;
  readonly mode: Tensor;
  readonly target: Tensor;
  readonly draw: Tensor;
  readonly coords: Tensor;
  readonly labels: Tensor;
  readonly mask: Tensor;
  readonly nextCoords: Tensor;
  readonly nextLabels: Tensor;
}

export function correctiveClick(tensors: ClickTensors, cell: number): void {
  const { masks, iou, mode, target, draw, coords, labels, mask, nextCoords, nextLabels } = tensors;
  const inputs = [masks, iou, mode, target, draw, coords, labels, mask, nextCoords, nextLabels];
  masks.graph.apply(correctiveClickOp, inputs, { cell });
}
