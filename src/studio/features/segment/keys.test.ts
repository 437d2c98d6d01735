import { beforeEach, expect, test } from 'vitest';
import type { LabelObject } from '../../../data/labels/types.ts';
import { maskObject } from '../../../data/mask-runs.ts';
import { IDLE, type ToolRequest, type ToolState } from '../../canvas/tools.ts';
import { newPrompts, resetEdit, useEdit } from '../../stores/edit-history.ts';
import { linkEngine } from '../../stores/engine-link.ts';
import { useFind } from '../../stores/find-state.ts';
import { showLabels, useLabels } from '../../stores/labels.ts';
import { shownAnswer, useSegment } from '../../stores/segment.ts';
import { useTools } from '../../stores/tools.ts';
import { fakeEngine } from '../../testing/fake-engine.ts';
import { handleKey, handlePageKey, type KeyTarget, SEGMENT_KEYS } from './keys.ts';

let zoomed: number[] = [];
let requests: (ToolRequest | null)[] = [];
let state: ToolState = IDLE;
const target: KeyTarget = {
  crosshair: { x: 4, y: 4 },
  moveCrosshair: () => undefined,
  get toolState() {
    return state;
  },
  apply: (step) => {
    state = step.state;
    requests.push(step.request);
  },
  press: () => undefined,
  cancel: () => {
    state = IDLE;
  },
  zoom: (factor) => void zoomed.push(factor),
  fit: () => undefined,
};
const none = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false };
const press = (key: string, code: string, held: Partial<typeof none> = {}): boolean =>
  handleKey({ ...none, ...held, key, code }, target);
const candidate = (): number | undefined => shownAnswer()?.candidate;
const prompts = newPrompts({ points: [{ x: 1, y: 1, positive: true }], box: null, region: null });
const CLASSES = ['cell', 'nucleus', 'debris', 'other'].map((name, i) => ({
  value: i + 1,
  name,
  colour: '#009e73',
}));
const objects = (): readonly LabelObject[] => useEdit.getState().objects;

beforeEach(() => {
  zoomed = [];
  requests = [];
  state = IDLE;
  linkEngine(fakeEngine());
  const mask = new Uint8Array(64);
  mask.fill(1, 9, 13);
  const candidates = [1, 2, 3].map((token) => ({ mask, predictedIou: 0.9, token, area: 4 }));
  useTools.setState(useTools.getInitialState());
  useSegment.setState({
    ...useSegment.getInitialState(),
    image: { imageId: 'image', name: 'a.png', width: 8, height: 8, bitmap: {} as ImageBitmap },
    answers: {
      [`base · ${prompts.id}`]: {
        prediction: { predictionId: 'p', candidates, milliseconds: 1 },
        candidate: 0,
      },
    },
  });
  showLabels({ datasetId: 'cells', sampleId: 'a' }, null);
  resetEdit();
  useEdit.setState({ prompts });
  useLabels.setState({ classes: CLASSES, classValue: 1 });
});

test.each([
  ['of the top row', '2', 'Digit2', {}],
  ['of a French top row', 'é', 'Digit2', {}],
  ['of a French top row with Shift', '2', 'Digit2', { shiftKey: true }],
  ['of the number pad', '2', 'Numpad2', {}],
])('a digit %s chooses a candidate', (_, key, code, held) => {
  expect(press(key, code, held)).toBe(true);
  expect(candidate()).toBe(1);
});

test('what Shift writes on a digit key is that character', () => {
  expect(press('+', 'Digit1', { shiftKey: true })).toBe(true);
  expect(zoomed).toEqual([1.25]);
  expect(candidate()).toBe(0);
});

test('letters work under Caps Lock', () => {
  expect(press('B', 'KeyB')).toBe(true);
  expect(useTools.getState().tool).toBe('box');
  press('X', 'KeyX');
  expect(useTools.getState().positive).toBe(false);
});

test.each(['Delete', 'Backspace'])('%s starts again without prompts', (key) => {
  expect(press(key, key)).toBe(true);
  expect(useEdit.getState().prompts.points).toEqual([]);
});

test('Enter adds the mask as an object, whose class digits then choose', () => {
  press('2', 'Digit2');
  expect(candidate()).toBe(1);
  press('Enter', 'Enter');
  expect(objects()).toMatchObject([
    { classValue: 1, runs: Uint32Array.of(9, 4), origin: { kind: 'clicked' } },
  ]);
  expect(useEdit.getState().prompts.points).toEqual([]);
  press('2', 'Digit2');
  expect(objects()[0]?.classValue).toBe(2);
  expect(useLabels.getState().classValue).toBe(2);
  press('7', 'Digit7');
  expect(objects()[0]?.classValue).toBe(2);
});

test('a digit beyond the masks that are offered chooses a class', () => {
  press('4', 'Digit4');
  expect([candidate(), useLabels.getState().classValue]).toEqual([0, 4]);
});

test('Delete takes prompts first, then what is chosen, and Escape lets it go', () => {
  press('Enter', 'Enter');
  useEdit.setState({ prompts });
  press('Delete', 'Delete');
  expect(objects()).toHaveLength(1);
  press('Escape', 'Escape');
  expect(useLabels.getState().selected).toEqual([]);
  press('Delete', 'Delete');
  expect(objects()).toHaveLength(1);
  press('o', 'KeyO');
  press('Delete', 'Delete');
  expect(objects()).toHaveLength(0);
  press('z', 'KeyZ', { ctrlKey: true });
  expect(objects()).toHaveLength(1);
});

test('brackets change the brush, written with AltGr too', () => {
  const { radius } = useTools.getState();
  press(']', 'Digit9', { ctrlKey: true, altKey: true });
  expect(useTools.getState().radius).toBeGreaterThan(radius);
  press('[', 'BracketLeft');
  press('[', 'BracketLeft');
  expect(useTools.getState().radius).toBeLessThan(radius);
});

test('a polygon loses its last corner by Backspace, and Enter closes it', () => {
  const corners = [1, 2, 3, 4].map((x) => ({ x, y: x % 2 }));
  state = { mode: 'outlining', corners, moving: null };
  press('Backspace', 'Backspace');
  press('Enter', 'Enter');
  expect(requests.at(-1)).toEqual({ kind: 'polygon', corners: corners.slice(0, 3) });
});

test('keys work elsewhere on the page, but not those that a button or a list needs, nor in a field', () => {
  const pageKey = (key: string, isTyping = false): boolean =>
    handlePageKey({ ...none, key, code: '' }, isTyping, target);
  expect(pageKey('e')).toBe(true);
  expect(useTools.getState().tool).toBe('eraser');
  expect(pageKey('p', true)).toBe(false);
  for (const key of [' ', 'Enter', 'Escape', 'ArrowDown', 'PageUp']) expect(pageKey(key)).toBe(false);
  expect(useTools.getState().tool).toBe('eraser');
  expect(candidate()).toBe(0);
});

test('no key of the image means two things', () => {
  const keys = SEGMENT_KEYS.flatMap(({ bindings }) => bindings.flatMap(({ on }) => on));
  expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
});

test('while found objects wait for an answer, the page has the keys of the review, the image its own', async () => {
  const pressOnPage = (key: string) =>
    handlePageKey({ ...none, key, code: `Key${key.toUpperCase()}` }, false, target);
  const object = {
    ...maskObject(Uint32Array.of(1, 2), 8),
    predictedIou: 0.9,
    stability: 0.9,
    point: [1, 0] as const,
  };
  useFind.setState({
    objects: [object, { ...object, predictedIou: 0.8 }],
    chosen: 0,
    isSearched: true,
    passing: 2,
  });
  const tool = () => useTools.getState().tool;
  pressOnPage('n');
  expect(useFind.getState().chosen).toBe(1);
  pressOnPage('r');
  expect(useFind.getState().objects).toEqual([object]);
  expect(tool()).not.toBe('select');
  press('a', 'KeyA');
  expect(tool(), 'the image has the focus').toBe('select');
  // Masks are offered for a click: their digits choose among them.
  handlePageKey({ ...none, key: '2', code: 'Digit2' }, false, target);
  expect(candidate()).toBe(1);
  pressOnPage('r');
  pressOnPage('b');
  expect(tool()).toBe('box');
  pressOnPage('a');
  expect(tool(), 'nothing is left to review').toBe('select');
  useFind.setState(useFind.getInitialState(), true);
});
