import { describe, expect, it } from 'vitest';
import { relativeError } from './allclose.ts';

describe('relativeError', () => {
  it('is relative to the largest magnitude', () => {
    expect(relativeError([1, 9], [1, 10])).toBeCloseTo(0.1);
  });

  it('is infinite for NaN and for another length', () => {
    expect(relativeError([Number.NaN, 10], [1, 10])).toBe(Number.POSITIVE_INFINITY);
    expect(relativeError([10], [1, 10])).toBe(Number.POSITIVE_INFINITY);
  });
});
