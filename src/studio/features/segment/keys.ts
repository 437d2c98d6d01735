/** Keyboard control of the image on the Segment page. `ShortcutsDialog` lists the keys. */
import {
  closePolygon,
  type ToolName,
  type ToolState,
  type ToolStep,
  withoutCorner,
} from '../../canvas/tools.ts';
import type { Point } from '../../canvas/view.ts';
import { useEdit } from '../../stores/edit-history.ts';
import { keepMask, saveMask } from '../../stores/kept-masks.ts';
import { doneAndNext, openBeside } from '../../stores/label-queue.ts';
import { selectObjects, useLabels } from '../../stores/labels.ts';
import { announce } from '../../stores/notices.ts';
import {
  acceptCandidate,
  chooseClass,
  deleteSelected,
  duplicateSelected,
  fillSelected,
  mergeSelected,
  NOT_KEPT,
  selectNext,
  smoothSelected,
  splitSelected,
} from '../../stores/objects.ts';
import { chooseCloseUp, clearPrompts, promptWholeImage, redo, undo } from '../../stores/prompts.ts';
import { chooseCandidate, chooseSide, isEmpty, shownAnswer, useSegment } from '../../stores/segment.ts';
import { choosePositive, chooseTool, stepRadius, useTools } from '../../stores/tools.ts';

/** What the keys can read and do. */
export interface KeyTarget {
  readonly crosshair: Point;
  moveCrosshair(point: Point): void;
  readonly toolState: ToolState;
  apply(step: ToolStep): void;
  /** What the left button does, at the crosshair. */
  press(shift: boolean): void;
  cancel(): void;
  zoom(factor: number): void;
  fit(): void;
}

type Key = Pick<KeyboardEvent, 'key' | 'code' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>;

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const TOOLS: Readonly<Record<string, ToolName>> = {
  c: 'click',
  b: 'box',
  p: 'brush',
  e: 'eraser',
  l: 'polygon',
  u: 'cut',
  a: 'select',
  h: 'pan',
};

/** Keys that a list, a button or the page itself needs, and that do something on the image only while it has the focus. */
const KEYS_OF_THE_FOCUSED_IMAGE: ReadonlySet<string> = new Set([
  ...Object.keys(ARROWS),
  ...[' ', 'Enter', 'Escape', 'PageUp', 'PageDown'],
]);

/**
 * {@link handleKey} for keys that were pressed elsewhere on the page, such as on a row of the list of objects.
 * @param isTyping whether the key goes into a field.
 */
export function handlePageKey(event: Key, isTyping: boolean, target: KeyTarget): boolean {
  return !isTyping && !KEYS_OF_THE_FOCUSED_IMAGE.has(event.key) && handleKey(event, target);
}

/** Whether the key was used. */
export function handleKey(event: Key, target: KeyTarget): boolean {
  const arrow = ARROWS[event.key];
  if (arrow) return moveBy(arrow, event.shiftKey ? 10 : 1, target);
  // Many keyboards write brackets with AltGr, which comes as Ctrl with Alt.
  if (event.key === '[' || event.key === ']') {
    stepRadius(event.key === ']');
    announce(`Brush of ${useTools.getState().radius * 2} pixels.`);
    return true;
  }
  if (event.ctrlKey || event.metaKey) return handleUndo(event);
  if (event.altKey) return false;
  const digit = digitOf(event);
  if (digit !== null) {
    chooseByDigit(digit);
    return true;
  }
  const letter = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const tool = TOOLS[letter];
  if (tool) chooseTool(tool);
  return (
    tool !== undefined ||
    handleDrawing(event, target) ||
    handleObjects(letter, event.shiftKey) ||
    handleModel(letter)
  );
}

/** While masks are offered for prompts, their digits choose among them; otherwise digits choose a class. */
function chooseByDigit(digit: number): void {
  const candidates = shownAnswer()?.prediction.candidates.length ?? 0;
  if (digit <= candidates) {
    chooseCandidate(digit - 1);
    return;
  }
  const entry = useLabels.getState().classes[digit - 1];
  if (entry) chooseClass(entry.value);
}

/** 1 … 9 by the character or by the key's position: a French keyboard's top row writes digits with Shift only. */
function digitOf({ key, code, shiftKey }: Key): number | null {
  const written = /^[1-9]$/.exec(key)?.[0];
  const placed = shiftKey ? undefined : /^Digit([1-9])$/.exec(code)?.[1];
  const digit = written ?? placed;
  return digit === undefined ? null : Number(digit);
}

function moveBy([dx, dy]: readonly [number, number], pixels: number, target: KeyTarget): boolean {
  target.moveCrosshair({ x: target.crosshair.x + dx * pixels, y: target.crosshair.y + dy * pixels });
  return true;
}

function handleUndo(event: Key): boolean {
  const key = event.key.toLowerCase();
  if (key === 'y' || (key === 'z' && event.shiftKey)) void redo();
  else if (key === 'z') void undo();
  else return false;
  return true;
}

/** Keys about what is being drawn or asked, and the view. */
function handleDrawing({ key, shiftKey }: Key, target: KeyTarget): boolean {
  const { toolState } = target;
  switch (key) {
    case ' ':
      target.press(shiftKey);
      return true;
    case 'Enter':
      if (toolState.mode === 'outlining') target.apply(closePolygon(toolState));
      else if (!acceptCandidate()) sayWhyNotAccepted();
      return true;
    case 'Escape':
      if (toolState.mode === 'idle') selectObjects([]);
      else target.cancel();
      return true;
    case 'Delete':
    case 'Backspace':
      if (toolState.mode === 'outlining')
        target.apply({ state: withoutCorner(toolState.corners), request: null });
      else if (!isEmpty(useEdit.getState().prompts) || !deleteSelected()) clearPrompts();
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
    default:
      return false;
  }
}

function sayWhyNotAccepted(): void {
  if (shownAnswer() && !useLabels.getState().ref) {
    announce(NOT_KEPT);
  }
}

/** Keys about objects and the queue of images. */
function handleObjects(letter: string, isShift: boolean): boolean {
  switch (letter) {
    case 'n':
      void doneAndNext();
      return true;
    case 'PageDown':
      void openBeside(1);
      return true;
    case 'PageUp':
      void openBeside(-1);
      return true;
    case 'o':
      selectNext(isShift ? -1 : 1);
      return true;
    case 'j':
      mergeSelected();
      return true;
    case 'i':
      splitSelected();
      return true;
    case 'd':
      duplicateSelected();
      return true;
    case 'f':
      fillSelected();
      return true;
    case 'g':
      smoothSelected();
      return true;
    default:
      return false;
  }
}

/** Keys about the model and its answer. */
function handleModel(letter: string): boolean {
  switch (letter) {
    case 'x':
      choosePositive(!useTools.getState().positive);
      return true;
    case 't':
      void chooseSide(useSegment.getState().side === 'base' ? 'tuned' : 'base');
      return true;
    case 'w':
      void promptWholeImage();
      return true;
    case 'v':
      void chooseCloseUp(!useSegment.getState().closeUp);
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
