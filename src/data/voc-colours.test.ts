import { expect, it } from 'vitest';
import { areManyVocColours, isVocPalette, vocColour, vocNumber } from './voc-colours.ts';

it('has the colours of PASCAL VOC, each for one number', () => {
  // Aeroplane, bicycle, bird … and the last of its palette, from the development kit.
  expect([1, 2, 3, 15, 20, 255].map(vocColour)).toEqual([
    [128, 0, 0],
    [0, 128, 0],
    [128, 128, 0],
    [192, 128, 128],
    [0, 64, 128],
    [224, 224, 192],
  ]);
  for (const number of [0, 1, 7, 255, 256, 300, 65_535, 2 ** 24 - 1]) {
    const [red, green, blue] = vocColour(number);
    expect(vocNumber(65_536 * red + 256 * green + blue)).toBe(number);
  }
});

it('tells numbers from pictures', () => {
  const palette = (count: number, colour: (i: number) => readonly number[]) =>
    Uint8Array.from(Array.from({ length: count }, (_, i) => colour(i)).flat());
  expect(isVocPalette(palette(256, vocColour))).toBe(true);
  expect(isVocPalette(palette(256, (i) => (i % 6 === 1 ? [1, 2, 3] : vocColour(i))))).toBe(true);
  expect(isVocPalette(palette(256, (i) => [i, i, i]))).toBe(false);
  expect(isVocPalette(palette(2, vocColour))).toBe(false);
  const colours = (count: number) =>
    Array.from({ length: count }, (_, i) => vocColour(i).reduce((sum, value) => 256 * sum + value, 0));
  expect(areManyVocColours([...colours(300), 0xe0e0c0])).toBe(true);
  expect(areManyVocColours(colours(100))).toBe(false);
  expect(areManyVocColours(colours(5000).filter((_, i) => i % 3 === 0))).toBe(false);
  expect(areManyVocColours(Array.from({ length: 4096 }, (_, i) => 4099 * i))).toBe(false);
});
