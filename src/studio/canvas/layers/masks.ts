/**
 * Masks as a screen shows them: painted from their runs, pixel of the screen by pixel of the screen, so that the work
 * depends on the part of the screen that is painted and not on the size of the image.
 */
import type { Rect } from '../rect.ts';
import type { Size, View } from '../view.ts';

export type Rgb = readonly [red: number, green: number, blue: number];

/** Pixels of the image, x1 and y1 outside. */
export type Extent = readonly [x0: number, y0: number, x1: number, y1: number];

export interface PaintedMask {
  readonly id: string;
  /** Start and length alternate; see `Runs` in src/data/labels. */
  readonly runs: Uint32Array;
  /** Of the runs. */
  readonly extent: Extent;
  readonly colour: Rgb;
  /** A wide outline and a stronger colour, for what is chosen. */
  readonly strong: boolean;
  /** Stripes inside, for what is not an object of the image yet: told apart by form, since colours may be alike. */
  readonly striped?: boolean;
}

/** How far a wide outline reaches into a mask, pixels of the screen; a thin one is one pixel wide. */
const WIDE = 2;
/** Opacity inside, 0..255. */
const FILL = { thin: 80, wide: 115 } as const;
/** How much more opaque stripes are, since there is nothing between them. */
const STRIPED = 70;
/** Pixels of the screen from one stripe to the next, a power of two; each is half as wide. */
const STRIPES = 8;

/**
 * Paints masks, later ones above, as ABGR words (every machine that runs a browser is little-endian).
 * @param view of the screen, in its own pixels.
 * @param rect the part of the screen to paint.
 * @returns [height, width] of the rectangle.
 */
export function paintMasks(
  masks: readonly PaintedMask[],
  image: Size,
  view: View,
  rect: Rect,
): Uint32Array<ArrayBuffer> {
  const reach = WIDE;
  const stride = rect.width + 2 * reach;
  const rows = rect.height + 2 * reach;
  // Which mask is on top at each pixel, from 1, with what outlines need to know around the rectangle.
  const top = new Uint32Array(stride * rows);
  const originX = rect.x - reach;
  const originY = rect.y - reach;
  masks.forEach((mask, index) => {
    fill(top, stride, rows, originX, originY, mask, index + 1, image, view);
  });
  // By the number of the mask, from 1.
  const insides = Uint32Array.from([
    0,
    ...masks.map(({ colour, strong, striped }) =>
      word(colour, (strong ? FILL.wide : FILL.thin) + (striped ? STRIPED : 0)),
    ),
  ]);
  const edges = Uint32Array.from([0, ...masks.map((mask) => word(mask.colour, 255))]);
  const isWide = Uint8Array.from([0, ...masks.map(({ strong }) => (strong ? 1 : 0))]);
  const isStriped = Uint8Array.from([0, ...masks.map(({ striped }) => (striped ? 1 : 0))]);
  // Stripes move with the image, so that what was painted can be moved.
  const phase = rect.x + rect.y - Math.round(view.left) - Math.round(view.top);
  const pixels = new Uint32Array(rect.width * rect.height);
  for (let y = 0; y < rect.height; y++) {
    const to = y * rect.width;
    const at = (y + reach) * stride + reach;
    for (let x = 0; x < rect.width; ) {
      const index = top[at + x] as number;
      const start = x++;
      if (index === 0) continue;
      while (x < rect.width && top[at + x] === index) x++;
      const edge = edges[index] as number;
      const thickness = isWide[index] === 1 ? WIDE : 1;
      if (isStriped[index] === 0) pixels.fill(insides[index] as number, to + start, to + x);
      else
        for (let i = start; i < x; i++)
          if (((i + y + phase) & (STRIPES - 1)) < STRIPES / 2) pixels[to + i] = insides[index] as number;
      // A stretch of one mask has its outline at both ends, and wherever the rows above or below differ.
      for (let i = start; i < Math.min(x, start + thickness); i++)
        if (isOutline(top, at + i, index, thickness)) pixels[to + i] = edge;
      for (let i = Math.max(start, x - thickness); i < x; i++)
        if (isOutline(top, at + i, index, thickness)) pixels[to + i] = edge;
      for (let distance = 1; distance <= thickness; distance++) {
        const above = at - distance * stride;
        const below = at + distance * stride;
        for (let i = start; i < x; i++)
          if (top[above + i] !== index || top[below + i] !== index) pixels[to + i] = edge;
      }
    }
  }
  return pixels;
}

const word = ([red, green, blue]: Rgb, alpha: number): number =>
  ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;

/** Whether a pixel to either side, within a distance, belongs to another mask or to none. */
function isOutline(top: Uint32Array, at: number, index: number, distance: number): boolean {
  for (let d = 1; d <= distance; d++) if (top[at - d] !== index || top[at + d] !== index) return true;
  return false;
}

/** Writes `value` wherever the middle of a screen's pixel lies in the mask. */
function fill(
  top: Uint32Array,
  stride: number,
  rows: number,
  originX: number,
  originY: number,
  { runs, extent }: PaintedMask,
  value: number,
  { width }: Size,
  { scale, left, top: viewTop }: View,
): void {
  const [x0, y0, x1, y1] = extent;
  const column = (x: number): number =>
    Math.max(0, Math.min(stride, Math.ceil(left + x * scale - 0.5) - originX));
  const row = (y: number): number =>
    Math.max(0, Math.min(rows, Math.ceil(viewTop + y * scale - 0.5) - originY));
  if (column(x0) >= column(x1)) return;
  let run = -1;
  let imageRow = -1;
  for (let y = row(y0), to = row(y1); y < to; y++) {
    const now = Math.floor((y + originY + 0.5 - viewTop) / scale);
    if (run < 0 || now !== imageRow) run = firstRunAt(runs, now * width, Math.max(0, run));
    imageRow = now;
    const rowStart = now * width;
    const rowEnd = rowStart + width;
    for (let i = run; i < runs.length; i += 2) {
      const start = runs[i] as number;
      if (start >= rowEnd) break;
      const from = column(Math.max(start, rowStart) - rowStart);
      const end = column(Math.min(start + (runs[i + 1] as number), rowEnd) - rowStart);
      if (from < end) top.fill(value, y * stride + from, y * stride + end);
    }
  }
}

/** Where the first run begins in `runs` that ends after a pixel, at or after `from`. */
function firstRunAt(runs: Uint32Array, pixel: number, from: number): number {
  let low = from / 2;
  let high = runs.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((runs[2 * middle] as number) + (runs[2 * middle + 1] as number) > pixel) high = middle;
    else low = middle + 1;
  }
  return 2 * low;
}
