import { defineOp, type OpCase, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

interface PointEmbedAttributes {
  /** Side of the model's square image in pixels; coordinates are divided by it. */
  readonly imageSize: number;
  /** Coordinates are already centres of pixels, as those of the dense grid are: SAM's +0.5 is left out. */
  readonly noOffset: boolean;
}

/** Rows of the table: not a point, background click, foreground click, first and second corner of a box. */
const ROWS = 5;

/**
 * SAM's prompt encoding of points and box corners: coords [N, T, 2] as (x, y) in model pixels, labels [N, T]
 * → [N, T, D].
 *
 * Positions are encoded by random Fourier features, `[sin, cos](2π · (2·(coords + 0.5)/imageSize − 1) · gaussian)`
 * with gaussian [2, D/2], and row `label + 1` of the table [5, D] is added. Labels: −1 no point (its row alone is
 * the encoding), 0 background, 1 foreground, 2 and 3 the corners of a box. Without labels and table, the position
 * alone is encoded.
 * Source: segment_anything, `PromptEncoder._embed_points`, `_embed_boxes` and `PositionEmbeddingRandom`.
 */
export const pointEmbedOp = defineOp({
  name: 'pointEmbed',
  inputs: ['coords', 'labels', 'gaussian', 'table'],
  optional: ['labels', 'table'],
  shapes: ([coords, labels, gaussian, table], _attrs: PointEmbedAttributes) => {
    const place = required(coords, 'pointEmbed: coords');
    const D = 2 * axis(required(gaussian, 'pointEmbed: gaussian'), 1);
    const [N, T] = [axis(place, 0), axis(place, 1)];
    expectShape(place.length === 3 && axis(place, 2) === 2, 'pointEmbed', () => `coords ${show(place)}`);
    expectShape(
      Boolean(labels) === Boolean(table),
      'pointEmbed',
      () => 'labels and table come together or not at all',
    );
    expectShape(!labels || sizeOf(labels) === N * T, 'pointEmbed', () => `labels ${show(labels ?? [])}`);
    expectShape(
      !table || sizeOf(table) === ROWS * D,
      'pointEmbed',
      () => `table ${show(table ?? [])} for ${D}`,
    );
    return [[N, T, D]];
  },
  passes: ({ inputs: [, labels, gaussian], outputs: [out], attrs }) => {
    const n = sizeOf(required(out, 'pointEmbed: out'));
    return [
      {
        shader: 'point-embed/forward',
        constants: {
          D: 2 * axis(required(gaussian, 'pointEmbed: gaussian'), 1),
          IMAGE_SIZE: attrs.imageSize,
          OFFSET: attrs.noOffset ? 0 : 0.5,
          HAS_LABELS: Number(Boolean(labels)),
        },
        // A shader must have every binding; without labels and table it gets others, which it then does not read.
        bindings: [
          { input: 0 },
          labels ? { input: 1 } : { input: 0 },
          { input: 2 },
          labels ? { input: 3 } : { input: 2 },
          { output: 0 },
        ],
        workgroups: workgroups1d(n),
        flops: 30 * n,
      },
    ];
  },
  backward: { coords: 'none', labels: 'none', gaussian: 'none', table: 'none' },
  reference: ([coords, labels, gaussian, table], [shape], { imageSize, noOffset }) => {
    const place = required(coords, 'pointEmbed: coords');
    const half = required(gaussian, 'pointEmbed: gaussian').length / 2;
    const points = sizeOf(required(shape, 'pointEmbed: coords')) / 2;
    const out = new Float64Array(points * 2 * half);
    const unit = (value: number) => (2 * (value + (noOffset ? 0 : 0.5))) / imageSize - 1;
    for (let i = 0; i < points; i++) {
      const label = labels?.[i] ?? 0;
      for (let f = 0; f < half; f++) {
        const turns =
          unit(place[2 * i] ?? 0) * (gaussian?.[f] ?? 0) +
          unit(place[2 * i + 1] ?? 0) * (gaussian?.[half + f] ?? 0);
        const isPoint = label >= 0;
        const row = (label + 1) * 2 * half;
        out[i * 2 * half + f] = (isPoint ? Math.sin(2 * Math.PI * turns) : 0) + (table?.[row + f] ?? 0);
        out[(i * 2 + 1) * half + f] =
          (isPoint ? Math.cos(2 * Math.PI * turns) : 0) + (table?.[row + half + f] ?? 0);
      }
    }
    return [out];
  },
  cases: [
    pointCase([1, 1], 1, { imageSize: 64, noOffset: false }),
    pointCase([3, 7], 13, { imageSize: 96, noOffset: false }),
    pointCase([5, 2], 128, { imageSize: 1024, noOffset: false }),
    {
      inputs: [[1, 35, 2], null, [2, 11], null],
      attrs: { imageSize: 96, noOffset: true },
      values: { 0: (shape) => pixels(shape, 96) },
      note: 'the dense grid: the place alone',
    },
  ],
});

/** Places spread over the image, its borders included. */
function pixels(shape: Shape, imageSize: number): Float64Array {
  return Float64Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 37.25) % (imageSize + 1)) - 0.5);
}

function pointCase(
  [N, T]: readonly [number, number],
  half: number,
  attrs: PointEmbedAttributes,
): OpCase<PointEmbedAttributes> {
  return {
    inputs: [
      [N, T, 2],
      [N, T],
      [2, half],
      [ROWS, 2 * half],
    ],
    attrs,
    values: {
      0: (shape) => pixels(shape, attrs.imageSize),
      1: (shape) => Float64Array.from({ length: sizeOf(shape) }, (_, i) => (i % ROWS) - 1),
    },
  };
}

/**
 * See {@link pointEmbedOp}.
 * @param options.noOffset leave out SAM's +0.5, for coordinates that are centres of pixels already; default false.
 */
export function pointEmbed(
  coords: Tensor,
  labels: Tensor | null,
  gaussian: Tensor,
  table: Tensor | null,
  imageSize: number,
  options: { readonly noOffset?: boolean } = {},
): Tensor {
  return coords.graph.apply1(pointEmbedOp, [coords, labels, gaussian, table], {
    imageSize,
    noOffset: options.noOffset ?? false,
  });
}
