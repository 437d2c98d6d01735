import { expect, test } from 'vitest';
import { changeText } from './LooksPanel.tsx';

test('a change is that of the figures beside it, as they are rounded', () => {
  expect(changeText(0.904, 0.906), '0.90 and 0.91').toBe('+0.01');
  expect(changeText(0.9051, 0.9149), '0.91 and 0.91').toBe('0.00');
  expect(changeText(0.916, 0.904), '0.92 and 0.90').toBe('−0.02');
});
