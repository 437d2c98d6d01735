/**
 * What pointer and keys do on the image, as a state machine without a canvas: (state, gesture) → next state and a
 * request. Points are in image pixels unless a name says otherwise.
 */
import type { ImageBox } from '../../worker/protocol.ts';
import type { Point } from './view.ts';

export const TOOLS = ['click', 'box', 'brush', 'eraser', 'polygon', 'cut', 'select', 'pan'] as const;
export type ToolName = (typeof TOOLS)[number];

export type ToolState =
  | { readonly mode: 'idle' }
  /** A click at `point` once the pointer is released. */
  | { readonly mode: 'pressing'; readonly point: Point; readonly positive: boolean }
  /** A box from `from` follows the pointer to `to`. */
  | { readonly mode: 'boxing'; readonly from: Point; readonly to: Point; readonly further: boolean }
  /** The image follows the pointer; `at` in canvas pixels. */
  | { readonly mode: 'panning'; readonly at: Point }
  /** Brush or eraser went to `at`. */
  | { readonly mode: 'painting'; readonly at: Point; readonly erases: boolean }
  /** A line that objects are cut along. */
  | { readonly mode: 'cutting'; readonly line: readonly Point[] }
  /** A polygon of at least one corner, of which the one at `moving` follows the pointer. */
  | { readonly mode: 'outlining'; readonly corners: readonly Point[]; readonly moving: number | null };

export type ToolRequest =
  | { readonly kind: 'point'; readonly point: Point; readonly positive: boolean }
  /** `further`: for an object of its own, after the one that is shown. */
  | { readonly kind: 'box'; readonly box: ImageBox; readonly further: boolean }
  | { readonly kind: 'select'; readonly point: Point; readonly adds: boolean }
  | { readonly kind: 'paint-start'; readonly at: Point; readonly erases: boolean }
  | { readonly kind: 'paint'; readonly from: Point; readonly to: Point }
  | { readonly kind: 'paint-end' }
  | { readonly kind: 'paint-cancel' }
  | { readonly kind: 'polygon'; readonly corners: readonly Point[] }
  | { readonly kind: 'cut'; readonly line: readonly Point[] }
  | { readonly kind: 'pan'; readonly dx: number; readonly dy: number };

export interface ToolStep {
  readonly state: ToolState;
  readonly request: ToolRequest | null;
}

export const IDLE: ToolState = { mode: 'idle' };

export interface PointerDown {
  readonly tool: ToolName;
  /** 0 left, 1 middle, 2 right, 5 a pen's eraser. */
  readonly button: number;
  readonly shift: boolean;
  readonly alt: boolean;
  /** The sign of a plain click. */
  readonly positive: boolean;
  readonly image: Point;
  readonly canvas: Point;
  /** Canvas pixels per image pixel. */
  readonly scale: number;
}

/** Canvas pixels within which a corner or an edge of a polygon is meant. */
const NEAR = 9;

/**
 * Left button: the tool; middle button: pan; with Alt: choose the object there. With Click and Box the right button
 * clicks with the other sign, as Shift does with Click; with Brush it erases, as a pen's other end does.
 */
export function pointerDown(state: ToolState, gesture: PointerDown): ToolStep {
  const { tool, button, image } = gesture;
  if (state.mode === 'outlining') return button === 0 ? outlineDown(state, gesture) : stay(state);
  if (state.mode !== 'idle') return stay(state);
  if (button === 1 || (tool === 'pan' && button === 0)) {
    return stay({ mode: 'panning', at: gesture.canvas });
  }
  if (button === 5) return paintStep(image, true);
  if (button !== 0 && button !== 2) return stay(state);
  if (gesture.alt || tool === 'select') {
    return { state, request: { kind: 'select', point: image, adds: gesture.shift } };
  }
  switch (tool) {
    case 'brush':
      return paintStep(image, button === 2 || gesture.shift);
    case 'eraser':
      return paintStep(image, true);
    case 'polygon':
      return stay({ mode: 'outlining', corners: [image], moving: 0 });
    case 'cut':
      return stay({ mode: 'cutting', line: [image] });
    case 'box':
      if (button === 0) return stay({ mode: 'boxing', from: image, to: image, further: gesture.shift });
      return stay({ mode: 'pressing', point: image, positive: !gesture.positive });
    default: {
      const isOther = button === 2 || gesture.shift;
      return stay({ mode: 'pressing', point: image, positive: gesture.positive !== isOther });
    }
  }
}

const stay = (state: ToolState): ToolStep => ({ state, request: null });

function paintStep(at: Point, erases: boolean): ToolStep {
  return { state: { mode: 'painting', at, erases }, request: { kind: 'paint-start', at, erases } };
}

/** Takes up the corner or the edge at the pointer, else adds a corner; the first corner closes the polygon. */
function outlineDown(
  state: Extract<ToolState, { mode: 'outlining' }>,
  { image, scale, alt }: PointerDown,
): ToolStep {
  const { corners } = state;
  const near = NEAR / scale;
  const corner = corners.findIndex((point) => distance(point, image) <= near);
  if (corner >= 0 && alt) return stay(withoutCorner(corners, corner));
  if (corner === 0 && corners.length >= 3 && state.moving === null) {
    return { state: IDLE, request: { kind: 'polygon', corners } };
  }
  if (corner >= 0) return stay({ ...state, moving: corner });
  const edge = corners.findIndex((from, index) => {
    const to = corners[index + 1];
    return to !== undefined && distanceToEdge(image, from, to) <= near;
  });
  const place = edge >= 0 ? edge + 1 : corners.length;
  return stay({ ...state, corners: corners.toSpliced(place, 0, image), moving: place });
}

/** The polygon without a corner, by default the last; nothing is left without any. */
export function withoutCorner(corners: readonly Point[], index = corners.length - 1): ToolState {
  const left = corners.toSpliced(index, 1);
  return left.length === 0 ? IDLE : { mode: 'outlining', corners: left, moving: null };
}

export function pointerMove(state: ToolState, image: Point, canvas: Point): ToolStep {
  switch (state.mode) {
    case 'idle':
    case 'pressing':
      return stay(state);
    case 'boxing':
      return stay({ ...state, to: image });
    case 'panning':
      return {
        state: { mode: 'panning', at: canvas },
        request: { kind: 'pan', dx: canvas.x - state.at.x, dy: canvas.y - state.at.y },
      };
    case 'painting':
      return { state: { ...state, at: image }, request: { kind: 'paint', from: state.at, to: image } };
    case 'cutting':
      return stay({ mode: 'cutting', line: [...state.line, image] });
    case 'outlining':
      if (state.moving === null) return stay(state);
      return stay({ ...state, corners: state.corners.with(state.moving, image) });
  }
}

/** Image pixels; a thinner box counts as accidental. */
const MIN_SIDE = 2;

export function pointerUp(state: ToolState): ToolStep {
  switch (state.mode) {
    case 'idle':
    case 'panning':
      return stay(IDLE);
    case 'pressing':
      return { state: IDLE, request: { kind: 'point', point: state.point, positive: state.positive } };
    case 'boxing': {
      const box = boxBetween(state.from, state.to);
      const large = box.x1 - box.x0 >= MIN_SIDE && box.y1 - box.y0 >= MIN_SIDE;
      return { state: IDLE, request: large ? { kind: 'box', box, further: state.further } : null };
    }
    case 'painting':
      return { state: IDLE, request: { kind: 'paint-end' } };
    case 'cutting':
      return { state: IDLE, request: state.line.length > 1 ? { kind: 'cut', line: state.line } : null };
    case 'outlining':
      return stay({ ...state, moving: null });
  }
}

/** Gives up what is being drawn: Escape, another tool, or a second finger. */
export function cancelled(state: ToolState): ToolStep {
  return { state: IDLE, request: state.mode === 'painting' ? { kind: 'paint-cancel' } : null };
}

/** Enter with a polygon: an object of at least three corners. */
export function closePolygon({ corners }: Extract<ToolState, { mode: 'outlining' }>): ToolStep {
  return { state: IDLE, request: corners.length >= 3 ? { kind: 'polygon', corners } : null };
}

/** The box with these two corners, in any order. */
export function boxBetween(a: Point, b: Point): ImageBox {
  return {
    x0: Math.min(a.x, b.x),
    y0: Math.min(a.y, b.y),
    x1: Math.max(a.x, b.x),
    y1: Math.max(a.y, b.y),
  };
}

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

function distanceToEdge(point: Point, from: Point, to: Point): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : ((point.x - from.x) * dx + (point.y - from.y) * dy) / length;
  const share = Math.min(1, Math.max(0, along));
  return distance(point, { x: from.x + share * dx, y: from.y + share * dy });
}
