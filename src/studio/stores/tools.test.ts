import { beforeEach, expect, test } from 'vitest';
import { chooseRadius, fitRadius, stepRadius, useTools } from './tools.ts';

beforeEach(() => useTools.setState(useTools.getInitialState()));

const radius = () => useTools.getState().radius;

test('the brush suits the size of the image until a person chooses another', () => {
  for (const [width, height, expected] of [
    [256, 200, 4],
    [382, 512, 8],
    [4000, 3000, 62.5],
    [16, 16, 0.5],
    [100_000, 10, 500],
  ] as const) {
    fitRadius({ width, height });
    expect(radius()).toBe(expected);
  }
  fitRadius({ width: 256, height: 256 });
  stepRadius(false);
  const chosen = radius();
  expect(chosen).toBeLessThan(4);
  fitRadius({ width: 4000, height: 3000 });
  expect(radius(), 'a chosen radius stays').toBe(chosen);
  chooseRadius(Number.NaN);
  expect(radius()).toBe(chosen);
});
