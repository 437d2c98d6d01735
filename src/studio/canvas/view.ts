/** Zoom and pan of the image on the canvas. Canvas positions are in CSS pixels. */
import type { ImageRegion } from '../../worker/protocol.ts';

export interface View {
  /** Canvas pixels per image pixel. */
  readonly scale: number;
  /** Canvas position of the image's outer corner. */
  readonly left: number;
  readonly top: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

const MIN_SCALE = 0.02;
const MAX_SCALE = 64;
const MARGIN = 12;

/** The whole image, centred, as large as the canvas allows. */
export function fitView(image: Size, canvas: Size): View {
  const scale = clamp(
    Math.min((canvas.width - 2 * MARGIN) / image.width, (canvas.height - 2 * MARGIN) / image.height),
    MIN_SCALE,
    MAX_SCALE,
  );
  return {
    scale,
    left: (canvas.width - image.width * scale) / 2,
    top: (canvas.height - image.height * scale) / 2,
  };
}

/** A part of an image, centred, as large as the canvas allows. */
export function regionView([x0, y0, x1, y1]: ImageRegion, canvas: Size): View {
  const scale = clamp(Math.min(canvas.width / (x1 - x0), canvas.height / (y1 - y0)), MIN_SCALE, MAX_SCALE);
  return {
    scale,
    left: (canvas.width - (x0 + x1) * scale) / 2,
    top: (canvas.height - (y0 + y1) * scale) / 2,
  };
}

/** Zooms by a factor; the image stays under `at` (canvas pixels). */
export function zoomView(view: View, factor: number, at: Point): View {
  const scale = clamp(view.scale * factor, MIN_SCALE, MAX_SCALE);
  const applied = scale / view.scale;
  return {
    scale,
    left: at.x - (at.x - view.left) * applied,
    top: at.y - (at.y - view.top) * applied,
  };
}

export function panView(view: View, dx: number, dy: number): View {
  return { ...view, left: view.left + dx, top: view.top + dy };
}

/** Canvas → image pixels; may lie outside the image. */
export function toImage(view: View, point: Point): Point {
  return { x: (point.x - view.left) / view.scale, y: (point.y - view.top) / view.scale };
}

export function toCanvas(view: View, point: Point): Point {
  return { x: view.left + point.x * view.scale, y: view.top + point.y * view.scale };
}

/** The nearest point within the image's outer edges. */
export function withinImage(point: Point, image: Size): Point {
  return { x: clamp(point.x, 0, image.width), y: clamp(point.y, 0, image.height) };
}

export function isInside(point: Point, image: Size): boolean {
  return point.x >= 0 && point.y >= 0 && point.x < image.width && point.y < image.height;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
