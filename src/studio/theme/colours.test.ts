import { expect, test } from 'vitest';
import { OBJECT_COLOURS } from '../../config/object-colours.ts';
import { objectColour } from './colours.ts';

const cell = { value: 1, colour: '#009e73' };
const debris = { value: 2, colour: '#0072b2' };

test('objects that follow each other have unlike colours where there is one class', () => {
  const colours = OBJECT_COLOURS.map((_, i) => objectColour({ classValue: 1 }, i, [cell]).join());
  expect(new Set(colours).size).toBe(OBJECT_COLOURS.length);
});

test('with several classes, an object has the colour of its class', () => {
  for (const index of [0, 1, 9])
    expect(objectColour({ classValue: 2 }, index, [cell, debris])).toEqual([0, 0x72, 0xb2]);
});
