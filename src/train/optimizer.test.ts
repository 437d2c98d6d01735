import { describe, expect, it } from 'vitest';
import { clipScale, scheduleFactor } from './optimizer.ts';

describe('the schedule', () => {
  const at = (step: number) => scheduleFactor(step, { steps: 100, warmup: 0.05 });

  it('rises over the first 5 %, is 1 there and falls as a cosine towards 0', () => {
    expect([0, 1, 2, 3, 4].map(at)).toEqual([1, 2, 3, 4, 5].map((n) => n / 6));
    expect(at(5)).toBe(1);
    expect(at(52)).toBeGreaterThan(0.5);
    expect(at(53)).toBeLessThan(0.5);
    expect(at(99)).toBeGreaterThan(0);
    expect(at(99)).toBeLessThan(0.001);
  });

  it('works for a single step', () => {
    expect(scheduleFactor(0, { steps: 1, warmup: 0.05 })).toBe(1);
  });
});

describe('the clip', () => {
  it('brings a norm down to its limit and leaves smaller ones alone', () => {
    expect(clipScale(9, 1)).toBeCloseTo(1 / 3, 6);
    expect(clipScale(0.25, 1)).toBe(1);
    expect(clipScale(9, 0)).toBe(1);
  });
});
