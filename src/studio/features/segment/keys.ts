/** Keyboard control of the image on the Segment page. */
import {
  closePolygon,
  type ToolName,
  type ToolState,
  type ToolStep,
  withoutCorner,
} from '../../canvas/tools.ts';
import type { Point } from '../../canvas/view.ts';
import { type Key, type KeyBinding, type KeyGroup, keyName, runKey } from '../../commands/key-binding.ts';
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
  raiseSelected,
  selectNext,
  smoothSelected,
  splitSelected,
} from '../../stores/objects.ts';
import { chooseCloseUp, clearPrompts, promptWholeImage, redo, undo } from '../../stores/prompts.ts';
import { chooseCandidate, chooseSide, isEmpty, shownAnswer, useSegment } from '../../stores/segment.ts';
import { choosePositive, chooseStretched, chooseTool, stepRadius, useTools } from '../../stores/tools.ts';
import { reviewKeysOfPage } from '../find/keys.ts';

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

const tool = (key: string, name: ToolName, help: string): KeyBinding<KeyTarget> => ({
  on: [key],
  list: [[key.toUpperCase(), help]],
  run: () => chooseTool(name),
});

const arrow = (key: string, dx: number, dy: number, list: KeyBinding<KeyTarget>['list'] = []) =>
  ({
    on: [key],
    list,
    repeats: true,
    run: (target, { shiftKey }) => {
      const pixels = shiftKey ? 10 : 1;
      target.moveCrosshair({ x: target.crosshair.x + dx * pixels, y: target.crosshair.y + dy * pixels });
    },
  }) satisfies KeyBinding<KeyTarget>;

/** The keys of the image, while it has the focus. */
export const SEGMENT_KEYS: readonly KeyGroup<KeyTarget>[] = [
  {
    title: 'Segment: tools',
    bindings: [
      arrow('ArrowLeft', -1, 0, [
        ['Arrows', 'move the crosshair while the image has the focus (with Shift, ten pixels)'],
      ]),
      arrow('ArrowRight', 1, 0),
      arrow('ArrowUp', 0, -1),
      arrow('ArrowDown', 0, 1),
      {
        on: [' '],
        list: [
          [
            'Space',
            'click at the crosshair; begin and end a box, a stroke or a cut; set a corner of a polygon',
          ],
          [
            'Shift + Space',
            'click with the opposite sign; a box for a further object; erase; choose one more',
          ],
        ],
        run: (target, { shiftKey }) => target.press(shiftKey),
      },
      tool('c', 'click', 'click'),
      tool('b', 'box', 'draw a box'),
      tool('p', 'brush', 'brush'),
      tool('e', 'eraser', 'eraser'),
      {
        on: ['['],
        list: [['[, ]', 'smaller or larger brush']],
        repeats: true,
        run: () => resizeBrush(false),
      },
      { on: [']'], list: [], repeats: true, run: () => resizeBrush(true) },
      tool('l', 'polygon', 'polygon (Enter closes it, Backspace takes the last corner back)'),
      tool('u', 'cut', 'cut objects along a line'),
      tool('a', 'select', 'select objects (with any tool: Alt + click)'),
      tool('h', 'pan', 'move the image'),
      {
        on: ['x'],
        list: [['X', 'switch clicks between + and −']],
        run: () => choosePositive(!useTools.getState().positive),
      },
      {
        on: ['Escape'],
        list: [['Escape', 'give up what is being drawn; let the chosen objects go']],
        run: (target) => (target.toolState.mode === 'idle' ? selectObjects([]) : target.cancel()),
      },
      {
        on: ['+', '='],
        list: [['+, −, 0', 'zoom in, zoom out, fit']],
        repeats: true,
        run: (target) => target.zoom(1.25),
      },
      { on: ['-'], list: [], repeats: true, run: (target) => target.zoom(0.8) },
      { on: ['0'], list: [], run: (target) => target.fit() },
    ],
  },
  {
    title: 'Segment: objects and images',
    bindings: [
      {
        on: ['1', '2', '3', '4', '5', '6', '7', '8', '9'],
        list: [
          ['1 … 4', 'choose among the masks that are offered'],
          ['1 … 9', 'class of the chosen objects and of the next one, while no masks are offered'],
        ],
        run: (_, event) => chooseByDigit(Number(keyName(event))),
      },
      { on: ['Enter'], list: [['Enter', 'add the mask as an object']], run: accept },
      {
        on: ['o'],
        list: [['O, Shift + O', 'choose the next or the previous object']],
        repeats: true,
        run: (_, { shiftKey }) => selectNext(shiftKey ? -1 : 1),
      },
      {
        on: ['j'],
        list: [['J', 'merge the chosen objects']],
        command: 'Merge the chosen objects',
        run: mergeSelected,
      },
      {
        on: ['i'],
        list: [['I', 'split them into their parts']],
        command: 'Split the chosen objects',
        run: splitSelected,
      },
      {
        on: ['d'],
        list: [['D', 'duplicate them']],
        command: 'Duplicate the chosen objects',
        run: duplicateSelected,
      },
      {
        on: ['q'],
        list: [['Q', 'bring them to the front']],
        command: 'Bring the chosen objects to the front',
        run: raiseSelected,
      },
      {
        on: ['f'],
        list: [['F', 'fill their holes']],
        command: 'Fill holes of the chosen objects',
        run: fillSelected,
      },
      {
        on: ['g'],
        list: [['G', 'smooth their edges']],
        command: 'Smooth the chosen objects',
        run: smoothSelected,
      },
      {
        on: ['Delete', 'Backspace'],
        list: [['Delete or Backspace', 'clear the prompts, or else delete the chosen objects']],
        run: takeBack,
      },
      {
        on: ['Ctrl+z'],
        list: [['Ctrl + Z', 'undo']],
        command: 'Undo',
        repeats: true,
        run: () => void undo(),
      },
      {
        on: ['Ctrl+y', 'Ctrl+Shift+z'],
        list: [['Ctrl + Y', 'redo']],
        command: 'Redo',
        repeats: true,
        run: () => void redo(),
      },
      {
        on: ['n'],
        list: [['N', 'done: go to the next image to label']],
        command: 'Done: next image to label',
        run: () => void doneAndNext(),
      },
      {
        on: ['PageDown'],
        list: [['Page Up, Page Down', 'the image before or after']],
        command: 'Image after this one',
        repeats: true,
        run: () => void openBeside(1),
      },
      {
        on: ['PageUp'],
        list: [],
        command: 'Image before this one',
        repeats: true,
        run: () => void openBeside(-1),
      },
    ],
  },
  {
    title: 'Segment: model',
    bindings: [
      {
        on: ['t'],
        list: [['T', 'switch between base and tuned']],
        command: 'Switch between base and tuned',
        run: () => void chooseSide(useSegment.getState().side === 'base' ? 'tuned' : 'base'),
      },
      {
        on: ['w'],
        list: [['W', 'segment the whole image']],
        command: 'Segment the whole image',
        run: () => void promptWholeImage(),
      },
      {
        on: ['v'],
        list: [['V', 'let the model look at the visible part, or always at the whole image']],
        command: 'Look at the visible part, or at the whole image',
        run: () => void chooseCloseUp(!useSegment.getState().closeUp),
      },
      {
        on: ['y'],
        list: [['Y', 'show dim images with their contrast stretched, or as they are']],
        command: 'Stretch the contrast of what is shown, or not',
        run: () => chooseStretched(!useTools.getState().isStretched),
      },
      {
        on: ['s'],
        list: [['S', 'save the mask as PNG']],
        command: 'Save the mask as PNG',
        run: () => void saveMask(),
      },
      {
        on: ['k'],
        list: [['K', 'keep the mask for Export']],
        command: 'Keep the mask for Export',
        run: () => void keepMask(),
      },
    ],
  },
];

/** Keys that a list, a button or the page itself needs, and that do something on the image only while it has the focus. */
const KEYS_OF_THE_FOCUSED_IMAGE: ReadonlySet<string> = new Set([
  ...['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'],
  ...[' ', 'Enter', 'Escape', 'PageUp', 'PageDown'],
]);

/**
 * {@link handleKey} for keys that were pressed elsewhere on the page, such as on a row of the list of objects. What is to be
 * reviewed has them first.
 * @param isTyping whether the key goes into a field.
 */
export function handlePageKey(event: Key, isTyping: boolean, target: KeyTarget): boolean {
  if (isTyping || KEYS_OF_THE_FOCUSED_IMAGE.has(event.key)) return false;
  const isOffered = Number(keyName(event)) <= (shownAnswer()?.prediction.candidates.length ?? 0);
  return runKey([...(isOffered ? [] : reviewKeysOfPage()), ...SEGMENT_KEYS], event, target);
}

/** Whether the key was used. */
export const handleKey = (event: Key, target: KeyTarget): boolean => runKey(SEGMENT_KEYS, event, target);

function resizeBrush(isLarger: boolean): void {
  stepRadius(isLarger);
  announce(`Brush of ${useTools.getState().radius * 2} pixels.`);
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

function accept(target: KeyTarget): void {
  const { toolState } = target;
  if (toolState.mode === 'outlining') target.apply(closePolygon(toolState));
  else if (!acceptCandidate() && shownAnswer() && !useLabels.getState().ref) announce(NOT_KEPT);
}

function takeBack(target: KeyTarget): void {
  const { toolState } = target;
  if (toolState.mode === 'outlining')
    target.apply({ state: withoutCorner(toolState.corners), request: null });
  else if (!isEmpty(useEdit.getState().prompts) || !deleteSelected()) clearPrompts();
}
