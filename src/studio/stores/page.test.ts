import { expect, test } from 'vitest';
import { pageOfKey } from './page.ts';

const alt = { altKey: true, ctrlKey: false };

test('Alt and a digit key name a page, whatever character they give', () => {
  const pages = [1, 2, 3, 4, 5].map((digit) => pageOfKey({ ...alt, code: `Digit${digit}` }));
  expect(pages).toEqual(['data', 'train', 'segment', 'export', 'models']);
});

test('other keys, digits beyond the pages, and AltGr do not', () => {
  expect(pageOfKey({ ...alt, code: 'Digit6' })).toBeNull();
  expect(pageOfKey({ ...alt, code: 'Digit0' })).toBeNull();
  expect(pageOfKey({ ...alt, code: 'KeyA' })).toBeNull();
  expect(pageOfKey({ altKey: false, ctrlKey: false, code: 'Digit1' })).toBeNull();
  expect(pageOfKey({ altKey: true, ctrlKey: true, code: 'Digit3' })).toBeNull();
});
