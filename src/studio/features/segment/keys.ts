/** The keys of the picture in Segment. `KeysHelp` lists them. */
import type { KeyboardEvent } from 'react';
import { boxBetween, IDLE, type ToolState, type ToolStep } from '../../canvas/tools.ts';
import type { Size, Spot } from '../../canvas/view.ts';
import {
  askWhole,
  chooseCandidate,
  choosePositive,
  chooseSide,
  chooseTool,
  clearPrompts,
  keepMask,
  redo,
  saveMask,
  undo,
  useSegment,
} from '../../stores/segment.ts';

/** What the keys can reach of the stage. */
export interface KeyTarget {
  readonly image: Size;
  readonly cross: Spot;
  readonly moveCross: (spot: Spot) => void;
  readonly state: ToolState;
  readonly setState: (state: ToolState) => void;
  readonly take: (step: ToolStep) => void;
  readonly zoom: (factor: number) => void;
  readonly fit: () => void;
}

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** True when the key meant something. */
export function handleKey(event: KeyboardEvent, target: KeyTarget): boolean {
  const arrow = ARROWS[event.key];
  if (arrow) return moveBy(arrow, event.shiftKey ? 10 : 1, target);
  if (event.ctrlKey || event.metaKey) return handleUndo(event);
  if (event.altKey) return false;
  if (/^[1-4]$/.test(event.key)) {
    chooseCandidate(Number(event.key) - 1);
    return true;
  }
  return handleLetter(event, target);
}

function moveBy([dx, dy]: readonly [number, number], pixels: number, target: KeyTarget): boolean {
  const spot = { x: target.cross.x + dx * pixels, y: target.cross.y + dy * pixels };
  target.moveCross(spot);
  if (target.state.mode === 'boxing') target.setState({ ...target.state, to: spot });
  return true;
}

function handleUndo(event: KeyboardEvent): boolean {
  const key = event.key.toLowerCase();
  if (key === 'y' || (key === 'z' && event.shiftKey)) void redo();
  else if (key === 'z') void undo();
  else return false;
  return true;
}

function handleLetter(event: KeyboardEvent, target: KeyTarget): boolean {
  const store = useSegment.getState();
  switch (event.key) {
    case 'Enter':
      enter(event.shiftKey, target);
      return true;
    case 'Escape':
      target.setState(IDLE);
      return true;
    case 'Delete':
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
      void askWhole();
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

/** Click at the cross; with the box tool the first Enter sets one corner, the second the other. */
function enter(negative: boolean, target: KeyTarget): void {
  const { tool, positive } = useSegment.getState();
  const { cross, state } = target;
  if (tool !== 'box') {
    target.take({
      state: IDLE,
      request: { ask: 'point', spot: cross, positive: negative ? !positive : positive },
    });
  } else if (state.mode === 'boxing') {
    target.take({ state: IDLE, request: { ask: 'box', box: boxBetween(state.from, cross) } });
  } else {
    target.setState({ mode: 'boxing', from: cross, to: cross });
  }
}
