import type { Box } from './types.ts';

/**
 * A rectangle of an image as it is looked at: first mirrored, then transposed. All eight ways in which an image can be
 * flipped and turned by quarters are of this form.
 */
export interface View {
  /** The rectangle's corner in the image, pixels. */
  readonly x0: number;
  readonly y0: number;
  /** The rectangle's size in the image, pixels. */
  readonly width: number;
  readonly height: number;
  readonly mirrorsX: boolean;
  readonly mirrorsY: boolean;
  /** Rows become columns. */
  readonly isTransposed: boolean;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A rectangle of an image, as it is. */
export function regionView([x0, y0, x1, y1]: Box): View {
  const size = { width: x1 - x0, height: y1 - y0 };
  return { x0, y0, ...size, mirrorsX: false, mirrorsY: false, isTransposed: false };
}

/** All of an image, as it is. */
export const wholeView = ({ width, height }: Size): View => regionView([0, 0, width, height]);

/** Mirrored along either axis, and then turned counter-clockwise by quarters. */
export function turnedView(view: View, flipsX: boolean, flipsY: boolean, quarterTurns: number): View {
  const turns = quarterTurns % 4;
  return {
    ...view,
    mirrorsX: flipsX !== (turns === 1 || turns === 2),
    mirrorsY: flipsY !== (turns === 2 || turns === 3),
    isTransposed: turns % 2 === 1,
  };
}

/** Width and height of what a view shows. */
export function sizeOfView({ width, height, isTransposed }: View): Size {
  return isTransposed ? { width: height, height: width } : { width, height };
}
