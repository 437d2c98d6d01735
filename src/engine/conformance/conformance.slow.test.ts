import { afterAll, beforeAll, expect, it } from 'vitest';
import { findSets } from '../../cli/conformance-files.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { SLOW_FOLDERS } from '../../testing/conformance-folders.ts';
import { openTestGpu } from '../../testing/device.ts';
import { isPassed } from './report.ts';
import { runSet } from './run-set.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu?.destroy());

it.each(SLOW_FOLDERS)('vectors of %s agree', async (path) => {
  for (const set of await findSets(path)) {
    const report = await runSet(gpu, set);
    expect(report.parts.flatMap(({ comparisons }) => comparisons.filter(({ passed }) => !passed))).toEqual(
      [],
    );
    expect(isPassed(report)).toBe(true);
  }
});
