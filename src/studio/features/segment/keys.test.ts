import { beforeEach, expect, test } from 'vitest';
import { IDLE } from '../../canvas/tools.ts';
import { selectAnswer, selectPrompts, useSegment } from '../../stores/segment.ts';
import { handleKey, type KeyTarget } from './keys.ts';

let zoomed: number[] = [];
const target: KeyTarget = {
  image: { width: 8, height: 8 },
  crosshair: { x: 4, y: 4 },
  moveCrosshair: () => undefined,
  state: IDLE,
  setState: () => undefined,
  applyStep: () => undefined,
  zoom: (factor) => void zoomed.push(factor),
  fit: () => undefined,
};
const none = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false };
const press = (key: string, code: string, held: Partial<typeof none> = {}): boolean =>
  handleKey({ ...none, ...held, key, code }, target);
const candidate = (): number | undefined => selectAnswer(useSegment.getState())?.candidate;

beforeEach(() => {
  zoomed = [];
  const mask = new Uint8Array(64);
  const candidates = [1, 2, 3].map((token) => ({ mask, predictedIou: 0.9, token, area: 0 }));
  useSegment.setState({
    ...useSegment.getInitialState(),
    image: { imageId: 'image', name: 'a.png', width: 8, height: 8, bitmap: {} as ImageBitmap },
    promptHistory: [{ id: 7, points: [{ x: 1, y: 1, positive: true }], box: null, region: null }],
    answers: {
      'base · 7': { prediction: { predictionId: 'p', candidates, milliseconds: 1 }, candidate: 0 },
    },
  });
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
  expect(useSegment.getState().tool).toBe('box');
  press('X', 'KeyX');
  expect(useSegment.getState().positive).toBe(false);
});

test.each(['Delete', 'Backspace'])('%s starts again without prompts', (key) => {
  expect(press(key, key)).toBe(true);
  expect(selectPrompts(useSegment.getState()).points).toEqual([]);
});
