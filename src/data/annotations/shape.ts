import type { ObjectOrigin, Runs } from '../labels/types.ts';
import type { RunOrder } from '../reading/reading.ts';

/**
 * What an annotation says of where an object is, in pixels of its image: pixel (x, y) covers [x, x + 1) × [y, y + 1),
 * its centre is at x + 0.5, y + 0.5.
 */
export type Shape =
  | {
      readonly kind: 'polygon';
      /** Rings of x, y, x, y, …, filled together by the even–odd rule. */
      readonly rings: readonly Float64Array[];
    }
  | { readonly kind: 'union'; readonly shapes: readonly Shape[] }
  | {
      readonly kind: 'ellipse';
      readonly x: number;
      readonly y: number;
      readonly radiusX: number;
      readonly radiusY: number;
      /** Clockwise on the screen, in radians. */
      readonly angle: number;
    }
  | {
      readonly kind: 'stroke';
      /** x, y, x, y, … of a line with round ends and joints. */
      readonly points: Float64Array;
      readonly width: number;
    }
  | {
      readonly kind: 'runs';
      /** Lengths of background, object, background, … pixels; what is missing at the end is background. */
      readonly counts: Int32Array;
      readonly order: RunOrder;
      /** Where the pixels lie that the lengths are counted over. */
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
    };

/** Runs that are counted over all pixels of an image, of which their file says neither the size nor the order. */
export interface OpenRuns {
  readonly kind: 'open-runs';
  readonly runs: Runs;
}

/** An object of an annotation file. */
export interface AnnotatedObject {
  readonly shape: Shape | OpenRuns;
  readonly className?: string;
  /** Its pixels take no part, unless an object lies on them. */
  readonly isIgnored?: boolean;
  /** Who made it, where its file says so as ours do. */
  readonly origin?: ObjectOrigin;
  /** Whether it was drawn as a rectangle. */
  readonly isBox?: boolean;
  /** Whether it is a mask of all that is of its class: pixels of it that touch are one object. */
  readonly isMask?: boolean;
}

/** An object whose place in the image is known. */
export interface PlacedObject extends AnnotatedObject {
  readonly shape: Shape;
}

/** A polygon of one ring. */
export const polygon = (ring: Float64Array): Shape => ({ kind: 'polygon', rings: [ring] });

/** One shape of several. */
export function union(shapes: readonly Shape[]): Shape {
  const [only] = shapes;
  return only && shapes.length === 1 ? only : { kind: 'union', shapes };
}

/** The rectangle between two opposite corners. */
export function rectangle(x0: number, y0: number, x1: number, y1: number): Shape {
  return polygon(Float64Array.of(x0, y0, x1, y0, x1, y1, x0, y1));
}

/** A rectangle turned clockwise on the screen around one of its points. @param angle radians. */
export function turnedRectangle(
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
  angle: number,
  around: { x: number; y: number },
): Shape {
  const corners = [x, y, x + width, y, x + width, y + height, x, y + height];
  const turned = new Float64Array(8);
  for (let i = 0; i < 8; i += 2) {
    const dx = (corners[i] as number) - around.x;
    const dy = (corners[i + 1] as number) - around.y;
    turned[i] = around.x + dx * Math.cos(angle) - dy * Math.sin(angle);
    turned[i + 1] = around.y + dx * Math.sin(angle) + dy * Math.cos(angle);
  }
  return polygon(turned);
}

/** A shape in an image of another size. */
export function scaledShape(shape: Shape, sx: number, sy: number): Shape {
  const scaled = (points: Float64Array) => points.map((value, i) => value * (i % 2 === 0 ? sx : sy));
  switch (shape.kind) {
    case 'polygon':
      return { kind: 'polygon', rings: shape.rings.map(scaled) };
    case 'union':
      return { kind: 'union', shapes: shape.shapes.map((part) => scaledShape(part, sx, sy)) };
    case 'ellipse': {
      const { x, y, radiusX, radiusY, angle } = shape;
      return { kind: 'ellipse', x: x * sx, y: y * sy, radiusX: radiusX * sx, radiusY: radiusY * sy, angle };
    }
    case 'stroke':
      return { kind: 'stroke', points: scaled(shape.points), width: shape.width * Math.sqrt(sx * sy) };
    case 'runs':
      return scaledRuns(shape, sx, sy);
  }
}

type RunShape = Extract<Shape, { kind: 'runs' }>;

/** Every pixel of the new size takes the value of the old one that its centre falls on. */
function scaledRuns(shape: RunShape, sx: number, sy: number): RunShape {
  const { x, y, width, height } = shape;
  const bits = bitmapOfRuns(shape);
  const x0 = Math.round(x * sx);
  const y0 = Math.round(y * sy);
  const newWidth = Math.round((x + width) * sx) - x0;
  const newHeight = Math.round((y + height) * sy) - y0;
  const at = (i: number, from: number, start: number, scale: number, length: number) =>
    Math.min(length - 1, Math.max(0, Math.floor((start + i + 0.5) / scale - from)));
  const counts = new RunCounter();
  for (let row = 0; row < newHeight; row++) {
    const source = at(row, y, y0, sy, height) * width;
    for (let column = 0; column < newWidth; column++) {
      counts.add(bits[source + at(column, x, x0, sx, width)] as number);
    }
  }
  return {
    kind: 'runs',
    counts: counts.finish(),
    order: 'rows',
    x: x0,
    y: y0,
    width: newWidth,
    height: newHeight,
  };
}

/** One byte a pixel, 0 or 1, rows first. */
function bitmapOfRuns({ counts, order, width, height }: RunShape): Uint8Array {
  const bits = new Uint8Array(width * height);
  let at = 0;
  for (let i = 0; i < counts.length; i++) {
    const end = at + (counts[i] as number);
    if (i % 2 === 1) {
      if (order === 'rows') bits.fill(1, at, end);
      else for (let k = at; k < end; k++) bits[(k % height) * width + Math.floor(k / height)] = 1;
    }
    at = end;
  }
  return bits;
}

/** Counts runs of 0 and 1 as they come. */
export class RunCounter {
  private readonly counts: number[] = [0];
  private last = 0;

  /** @param length how many pixels of this value follow. */
  add(value: number, length = 1): void {
    const bit = value ? 1 : 0;
    if (bit !== this.last) {
      this.counts.push(0);
      this.last = bit;
    }
    this.counts[this.counts.length - 1] = (this.counts[this.counts.length - 1] as number) + length;
  }

  finish(): Int32Array {
    return Int32Array.from(this.counts);
  }
}
