import { expect, it } from 'vitest';
import { leftOutOrToCheck } from './left-out.ts';

const left = { code: 'a', what: 'b', cure: 'c' };
const used = { ...left, isNotice: true } as const;

it.each([
  [[], '0 files left out'],
  [[left, left], '2 files left out'],
  [[used], '1 remark to check'],
  [[used, left, used], '1 file left out, 2 remarks to check'],
])('files that are used are not said to be left out (%#)', (refusals, words) => {
  expect(leftOutOrToCheck(refusals)).toBe(words);
});
