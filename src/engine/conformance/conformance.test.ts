import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findSets } from '../../cli/conformance-files.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { CONFORMANCE_FOLDERS, SHARED_VECTORS_MISSING } from '../../testing/conformance-folders.ts';
import { openTestGpu } from '../../testing/device.ts';
import { compare, isPassed } from './report.ts';
import { runSet } from './run-set.ts';
import { parseSet } from './set.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu?.destroy());

/** Without the sizes of passes, which stay for as long as the device. */
const leftBytes = () => gpu.allocatedBytes - gpu.params.bytes;

describe.skipIf(SHARED_VECTORS_MISSING).each(CONFORMANCE_FOLDERS)('vectors of %s', (path) => {
  it('agree, and nothing is left on the device', { timeout: 900_000 }, async () => {
    for (const set of await findSets(path)) {
      const before = leftBytes();
      const report = await runSet(gpu, set);
      expect(report.parts.flatMap(({ comparisons }) => comparisons.filter(({ passed }) => !passed))).toEqual(
        [],
      );
      expect(report.parts.flatMap(({ untouched }) => untouched)).toEqual([]);
      expect(report.parts.map(({ part }) => part)).toEqual([
        'forward',
        ...Object.keys(parseSet(set).description.cases),
      ]);
      expect(isPassed(report)).toBe(true);
      expect(leftBytes()).toBe(before);
    }
  });
});

describe('a comparison', () => {
  it('passes within the tolerance of the largest magnitude and fails beyond', () => {
    expect(compare('x', [1, 100.009], [1, 100], 1e-4).passed).toBe(true);
    expect(compare('x', [1, 100.02], [1, 100], 1e-4)).toMatchObject({ passed: false });
  });

  it('lets noise pass where everything is zero', () => {
    expect(compare('x', [9e-7], [0], 1e-4).passed).toBe(true);
    expect(compare('x', [2e-6], [0], 1e-4).passed).toBe(false);
  });

  it('fails for another length and for what is no number', () => {
    expect(compare('x', [1], [1, 2], 1e-4).passed).toBe(false);
    expect(compare('x', [Number.NaN], [1], 1e-4).passed).toBe(false);
  });
});
