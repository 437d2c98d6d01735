import { expect, test } from 'vitest';
import { narrowSubgroups, readTraits } from './traits.ts';

const info = (subgroupMinSize: number, subgroupMaxSize: number) =>
  ({
    vendor: '',
    architecture: '',
    device: '',
    description: '',
    subgroupMinSize,
    subgroupMaxSize,
  }) as GPUAdapterInfo;
const SIZES = new Set(['subgroups', 'subgroup-size-control']);

test.each([
  ['Intel up to Xe', 8, 32, true, 8],
  ['Intel from Xe2, whose drivers take 16', 16, 32, true, null],
  ['NVIDIA', 32, 32, undefined, null],
  ['AMD', 32, 64, undefined, null],
  ['Mali', 16, 16, true, null],
  ['Apple, of which no size is known', 4, 64, undefined, null],
])('registers by the sizes of subgroups: %s', (_name, least, most, hasFewRegisters, narrow) => {
  const traits = readTraits(info(least, most), SIZES);
  expect(traits.hasFewRegisters).toBe(hasFewRegisters);
  expect(narrowSubgroups(traits, info(least, most), SIZES)).toBe(narrow);
  expect(narrowSubgroups(traits, info(least, most), new Set(['subgroups'])), 'cannot be asked for').toBe(
    null,
  );
});

test('an adapter without sizes of subgroups has no trait by them', () => {
  const none = { vendor: '', architecture: '', device: '', description: '' } as GPUAdapterInfo;
  expect(readTraits(none, new Set())).toEqual({ isSoftware: false, hasSubgroups: false });
});
