/** What of an image the model looks at; null is the whole image. */
import type { ImageBox, ImagePoint, ImageRegion } from '../../worker/protocol.ts';
import { type Size, toImage, type View } from './view.ts';

/** Fewest pixels along a side: with less, no object has surroundings. */
const MIN_SIDE = 64;
/** A region of this share of both sides is no closer look. */
const NEARLY_WHOLE = 0.8;
/** By how much the view may be closer or farther for the region of earlier prompts to stay. */
const SAME_ZOOM = 1.5;

/** The part of the image that the canvas shows; null where that is nearly all of it, or nothing. */
export function visibleRegion(view: View, canvas: Size, image: Size): ImageRegion | null {
  const from = toImage(view, { x: 0, y: 0 });
  const to = toImage(view, { x: canvas.width, y: canvas.height });
  const isShown = to.x > 0 && to.y > 0 && from.x < image.width && from.y < image.height;
  if (!isShown) return null;
  const [x0, x1] = within(from.x, to.x, image.width);
  const [y0, y1] = within(from.y, to.y, image.height);
  return unlessWhole([x0, y0, x1, y1], image);
}

/** Whole pixels of a range inside of 0 … limit, at least {@link MIN_SIDE} of them where there are as many. */
function within(from: number, to: number, limit: number): [start: number, end: number] {
  const start = Math.max(0, Math.floor(from));
  const end = Math.min(limit, Math.ceil(to));
  const length = Math.max(end - start, Math.min(MIN_SIDE, limit));
  const moved = Math.round((start + end - length) / 2);
  const first = Math.max(0, Math.min(moved, limit - length));
  return [first, first + length];
}

function unlessWhole(region: ImageRegion, image: Size): ImageRegion | null {
  const [x0, y0, x1, y1] = region;
  const isWhole = x1 - x0 >= NEARLY_WHOLE * image.width && y1 - y0 >= NEARLY_WHOLE * image.height;
  return isWhole ? null : region;
}

interface Prompts {
  readonly points: readonly ImagePoint[];
  readonly box: ImageBox | null;
}

/**
 * The region in which prompts are answered: that of the prompts before, as long as it holds all of them and the zoom is
 * about the same, so that an earlier mask can be refined; else what is visible, widened to hold them.
 * @param before the region of the prompts before; undefined where there were none.
 */
export function regionFor(
  prompts: Prompts,
  before: ImageRegion | null | undefined,
  visible: ImageRegion | null,
  image: Size,
): ImageRegion | null {
  const all: ImageRegion = [0, 0, image.width, image.height];
  const shown = visible ?? all;
  const extent = extentOf(prompts) ?? shown;
  if (before !== undefined) {
    const zoom = longerSide(before ?? all) / longerSide(shown);
    const isSameZoom = zoom < SAME_ZOOM && zoom > 1 / SAME_ZOOM;
    if (isSameZoom && holds(before ?? all, extent)) return before;
  }
  return holds(shown, extent) ? visible : unlessWhole(around(shown, extent), image);
}

const longerSide = ([x0, y0, x1, y1]: ImageRegion) => Math.max(x1 - x0, y1 - y0);

const holds = (outer: ImageRegion, [x0, y0, x1, y1]: ImageRegion) =>
  x0 >= outer[0] && y0 >= outer[1] && x1 <= outer[2] && y1 <= outer[3];

const around = (a: ImageRegion, b: ImageRegion): ImageRegion => [
  Math.min(a[0], b[0]),
  Math.min(a[1], b[1]),
  Math.max(a[2], b[2]),
  Math.max(a[3], b[3]),
];

/** The smallest region of whole pixels that holds all prompts; null without one. */
function extentOf({ points, box }: Prompts): ImageRegion | null {
  const xs = [...points.map(({ x }) => x), ...(box ? [box.x0, box.x1] : [])];
  const ys = [...points.map(({ y }) => y), ...(box ? [box.y0, box.y1] : [])];
  if (xs.length === 0) return null;
  return [
    Math.floor(Math.min(...xs)),
    Math.floor(Math.min(...ys)),
    Math.ceil(Math.max(...xs)),
    Math.ceil(Math.max(...ys)),
  ];
}
