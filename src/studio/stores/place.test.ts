import { expect, test } from 'vitest';
import { placeOfKey } from './place.ts';

const alt = { altKey: true, ctrlKey: false };

test('Alt and a digit key name a place, whatever character they give', () => {
  const places = [1, 2, 3, 4].map((digit) => placeOfKey({ ...alt, code: `Digit${digit}` }));
  expect(places).toEqual(['data', 'train', 'segment', 'export']);
});

test('other keys, digits beyond the places, and AltGr do not', () => {
  expect(placeOfKey({ ...alt, code: 'Digit5' })).toBeNull();
  expect(placeOfKey({ ...alt, code: 'Digit0' })).toBeNull();
  expect(placeOfKey({ ...alt, code: 'KeyA' })).toBeNull();
  expect(placeOfKey({ altKey: false, ctrlKey: false, code: 'Digit1' })).toBeNull();
  expect(placeOfKey({ altKey: true, ctrlKey: true, code: 'Digit3' })).toBeNull();
});
