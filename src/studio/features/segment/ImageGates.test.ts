import { expect, test } from 'vitest';
import { withoutGates } from './ImageGates.tsx';

test('a run that kept the base model is not said to have been trained without gates', () => {
  expect(withoutGates(true)).toMatch(/kept the base model/);
  expect(withoutGates(false)).toBe('This run has no gates.');
});
