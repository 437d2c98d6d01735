/** Keyboard control of the image on the Segment page. `ShortcutsDialog` lists the keys. */
import { boxBetween, IDLE, type ToolState, type ToolStep } from '../../canvas/tools.ts';
import type { Point, Size } from '../../canvas/view.ts';
import {
  chooseCandidate,
  chooseCloseUp,
  choosePositive,
  chooseSide,
  chooseTool,
  clearPrompts,
  keepMask,
  promptWholeImage,
  redo,
  saveMask,
  undo,
  useSegment,
} from '../../stores/segment.ts';

/** What the keys can read and do. */
export interface KeyTarget {
  readonly image: Size;
  readonly crosshair: Point;
  readonly moveCrosshair: (point: Point) => void;
  readonly state: ToolState;
  readonly setState: (state: ToolState) => void;
  readonly applyStep: (step: ToolStep) => void;
  readonly zoom: (factor: number) => void;
  readonly fit: () => void;
}

type Key = Pick<KeyboardEvent, 'key' | 'code' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>;

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Whether the key was used. */
export function handleKey(event: Key, target: KeyTarget): boolean {
  const arrow = ARROWS[event.key];
  if (arrow) return moveBy(arrow, event.shiftKey ? 10 : 1, target);
  if (event.ctrlKey || event.metaKey) return handleUndo(event);
  if (event.altKey) return false;
  const digit = digitOf(event);
  if (digit !== null) {
    chooseCandidate(digit - 1);
    return true;
  }
  return handleLetter(event, target);
}

/** 1 … 4 by the character or by the key's position: a French keyboard's top row writes digits with Shift only. */
function digitOf({ key, code, shiftKey }: Key): number | null {
  const written = /^[1-4]$/.exec(key)?.[0];
  const placed = shiftKey ? undefined : /^Digit([1-4])$/.exec(code)?.[1];
  const digit = written ?? placed;
  return digit === undefined ? null : Number(digit);
}

function moveBy([dx, dy]: readonly [number, number], pixels: number, target: KeyTarget): boolean {
  const point = { x: target.crosshair.x + dx * pixels, y: target.crosshair.y + dy * pixels };
  target.moveCrosshair(point);
  if (target.state.mode === 'boxing') target.setState({ ...target.state, to: point });
  return true;
}

function handleUndo(event: Key): boolean {
  const key = event.key.toLowerCase();
  if (key === 'y' || (key === 'z' && event.shiftKey)) void redo();
  else if (key === 'z') void undo();
  else return false;
  return true;
}

function handleLetter(event: Key, target: KeyTarget): boolean {
  const store = useSegment.getState();
  // Caps Lock gives capital letters.
  switch (event.key.length === 1 ? event.key.toLowerCase() : event.key) {
    case 'Enter':
      enter(event.shiftKey, target);
      return true;
    case 'Escape':
      target.setState(IDLE);
      return true;
    case 'Delete':
    case 'Backspace':
      void clearPrompts();
      return true;
    case '+':
    case '=':
      target.zoom(1.25);
      return true;
    case '-':
      target.zoom(0.8);
      return true;
    case '0':
      target.fit();
      return true;
    case 'c':
      chooseTool('click');
      return true;
    case 'b':
      chooseTool('box');
      return true;
    case 'h':
      chooseTool('pan');
      return true;
    case 'x':
      choosePositive(!store.positive);
      return true;
    case 't':
      void chooseSide(store.side === 'base' ? 'tuned' : 'base');
      return true;
    case 'w':
      void promptWholeImage();
      return true;
    case 'v':
      void chooseCloseUp(!store.closeUp);
      return true;
    case 's':
      void saveMask();
      return true;
    case 'k':
      void keepMask();
      return true;
    default:
      return false;
  }
}

/** Clicks at the crosshair; with the box tool the first Enter sets one corner, the second the other. */
function enter(negative: boolean, target: KeyTarget): void {
  const { tool, positive } = useSegment.getState();
  const { crosshair, state } = target;
  if (tool !== 'box') {
    target.applyStep({
      state: IDLE,
      request: { kind: 'point', point: crosshair, positive: negative ? !positive : positive },
    });
  } else if (state.mode === 'boxing') {
    target.applyStep({ state: IDLE, request: { kind: 'box', box: boxBetween(state.from, crosshair) } });
  } else {
    target.setState({ mode: 'boxing', from: crosshair, to: crosshair });
  }
}
