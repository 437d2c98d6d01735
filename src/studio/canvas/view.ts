/** Where the picture lies on the canvas: zoom and pan as plain numbers. Everything in CSS pixels and picture pixels. */

export interface View {
  /** Canvas pixels per picture pixel. */
  readonly scale: number;
  /** Canvas position of the picture's outer corner. */
  readonly left: number;
  readonly top: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Spot {
  readonly x: number;
  readonly y: number;
}

const LEAST_SCALE = 0.02;
const MOST_SCALE = 64;
const MARGIN = 12;

/** The whole picture, centred, as large as the canvas allows. */
export function fitView(picture: Size, canvas: Size): View {
  const scale = clamp(
    Math.min((canvas.width - 2 * MARGIN) / picture.width, (canvas.height - 2 * MARGIN) / picture.height),
    LEAST_SCALE,
    MOST_SCALE,
  );
  return {
    scale,
    left: (canvas.width - picture.width * scale) / 2,
    top: (canvas.height - picture.height * scale) / 2,
  };
}

/** Zooms by a factor; the picture stays under `at` (canvas pixels). */
export function zoomView(view: View, factor: number, at: Spot): View {
  const scale = clamp(view.scale * factor, LEAST_SCALE, MOST_SCALE);
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

/** Canvas → picture pixels, not cut to the picture. */
export function toPicture(view: View, spot: Spot): Spot {
  return { x: (spot.x - view.left) / view.scale, y: (spot.y - view.top) / view.scale };
}

export function toCanvas(view: View, spot: Spot): Spot {
  return { x: view.left + spot.x * view.scale, y: view.top + spot.y * view.scale };
}

/** Cut to the picture's outer edges. */
export function withinPicture(spot: Spot, picture: Size): Spot {
  return { x: clamp(spot.x, 0, picture.width), y: clamp(spot.y, 0, picture.height) };
}

export function isInside(spot: Spot, picture: Size): boolean {
  return spot.x >= 0 && spot.y >= 0 && spot.x < picture.width && spot.y < picture.height;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
