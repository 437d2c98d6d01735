/**
 * What pointer and keys do on the image, as a state machine without a canvas: (state, gesture) → next state and a
 * request. Points are in image pixels unless a name says otherwise.
 */
import type { ImageBox } from '../../worker/protocol.ts';
import type { Point } from './view.ts';

export type ToolState =
  | { readonly mode: 'idle' }
  /** A box from `from` follows the pointer to `to`. */
  | { readonly mode: 'boxing'; readonly from: Point; readonly to: Point }
  /** The image follows the pointer; `at` in canvas pixels. */
  | { readonly mode: 'panning'; readonly at: Point };

export type ToolRequest =
  | { readonly kind: 'point'; readonly point: Point; readonly positive: boolean }
  | { readonly kind: 'box'; readonly box: ImageBox }
  | { readonly kind: 'pan'; readonly dx: number; readonly dy: number };

export interface ToolStep {
  readonly state: ToolState;
  readonly request: ToolRequest | null;
}

export const IDLE: ToolState = { mode: 'idle' };

export interface PointerDown {
  readonly tool: 'click' | 'box' | 'pan';
  /** 0 left, 1 middle, 2 right. */
  readonly button: number;
  readonly shift: boolean;
  /** The sign of a plain click. */
  readonly positive: boolean;
  readonly image: Point;
  readonly canvas: Point;
}

/** Left button: the tool; right button or Shift: a click of the other sign; middle button: pan. */
export function pointerDown(state: ToolState, gesture: PointerDown): ToolStep {
  if (state.mode !== 'idle') return { state, request: null };
  if (gesture.button === 1 || (gesture.tool === 'pan' && gesture.button === 0)) {
    return { state: { mode: 'panning', at: gesture.canvas }, request: null };
  }
  if (gesture.button === 2) return clickStep(gesture, !gesture.positive);
  if (gesture.button !== 0) return { state, request: null };
  if (gesture.tool === 'box') {
    return { state: { mode: 'boxing', from: gesture.image, to: gesture.image }, request: null };
  }
  return clickStep(gesture, gesture.shift ? !gesture.positive : gesture.positive);
}

function clickStep(gesture: PointerDown, positive: boolean): ToolStep {
  return { state: IDLE, request: { kind: 'point', point: gesture.image, positive } };
}

export function pointerMove(state: ToolState, image: Point, canvas: Point): ToolStep {
  switch (state.mode) {
    case 'idle':
      return { state, request: null };
    case 'boxing':
      return { state: { ...state, to: image }, request: null };
    case 'panning':
      return {
        state: { mode: 'panning', at: canvas },
        request: { kind: 'pan', dx: canvas.x - state.at.x, dy: canvas.y - state.at.y },
      };
  }
}

/** Image pixels; a thinner box counts as accidental. */
const MIN_SIDE = 2;

export function pointerUp(state: ToolState): ToolStep {
  if (state.mode !== 'boxing') return { state: IDLE, request: null };
  const box = boxBetween(state.from, state.to);
  const large = box.x1 - box.x0 >= MIN_SIDE && box.y1 - box.y0 >= MIN_SIDE;
  return { state: IDLE, request: large ? { kind: 'box', box } : null };
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
