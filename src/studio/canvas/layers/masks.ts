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
}

/** How far an outline reaches into a mask, pixels of the screen. */
const OUTLINE = { thin: 1, wide: 2 } as const;
const FILL = { thin: 80, wide: 115 } as const;

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
  const reach = OUTLINE.wide;
  const stride = rect.width + 2 * reach;
  const rows = rect.height + 2 * reach;
  // Which mask is on top at each pixel, from 1, with what outlines need to know around the rectangle.
  const top = new Uint32Array(stride * rows);
  const originX = rect.x - reach;
  const originY = rect.y - reach;
  masks.forEach((mask, index) => {
    fill(top, stride, rows, originX, originY, mask, index + 1, image, view);
  });
  const pixels = new Uint32Array(rect.width * rect.height);
  for (let y = 0; y < rect.height; y++) {
    for (let x = 0; x < rect.width; x++) {
      const at = (y + reach) * stride + x + reach;
      const index = top[at];
      if (!index) continue;
      const mask = masks[index - 1];
      if (!mask) continue;
      const weight = mask.strong ? 'wide' : 'thin';
      let isEdge = false;
      for (let d = 1; d <= OUTLINE[weight] && !isEdge; d++) {
        isEdge =
          top[at - d] !== index ||
          top[at + d] !== index ||
          top[at - d * stride] !== index ||
          top[at + d * stride] !== index;
      }
      const [red, green, blue] = mask.colour;
      const alpha = isEdge ? 255 : FILL[weight];
      pixels[y * rect.width + x] = ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    }
  }
  return pixels;
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
