import { expect, test } from 'vitest';
import { leftOut } from './LabelExport.tsx';

test('images in work are said to be left out, one of them too', () => {
  expect(leftOut(1)).toBe('1 image in work is left out; what is marked as done goes out.');
  expect(leftOut(1200)).toBe('1,200 images in work are left out; what is marked as done goes out.');
});
