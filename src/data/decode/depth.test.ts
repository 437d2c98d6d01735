import { describe, expect, it } from 'vitest';
import { depthMapping, toEightBits } from './depth.ts';

describe('more than 8 bits become 8 by percentiles', () => {
  it('finds them exactly in 16 bits', () => {
    const data = Uint16Array.from({ length: 1000 }, (_, i) => 999 - i);
    expect(depthMapping(data)).toEqual({ lowPercentile: 0.1, highPercentile: 99.9, low: 0, high: 998 });
    expect(depthMapping(data, { low: 10, high: 50 })).toMatchObject({ low: 99, high: 499 });
  });

  it('does not let single hot pixels decide', () => {
    const data = new Uint16Array(10_000).map((_, i) => 100 + (i % 256));
    data[5] = 65_535;
    const mapping = depthMapping(data);
    expect(mapping).toMatchObject({ low: 100, high: 355 });
    const bytes = toEightBits(data, mapping);
    expect([bytes[0], bytes[5], bytes[255], bytes[128]]).toEqual([0, 255, 255, 128]);
  });

  it('maps floats, whatever their range, and takes not-a-number for 0', () => {
    const data = Float32Array.from({ length: 1001 }, (_, i) => -5 + i / 100);
    data[7] = Number.NaN;
    data[8] = Number.POSITIVE_INFINITY;
    const mapping = depthMapping(data, { low: 0, high: 100 });
    expect(mapping.low).toBe(-5);
    expect(mapping.high).toBeCloseTo(5, 3);
    const bytes = toEightBits(data, mapping);
    expect([bytes[0], bytes[7], bytes[8], bytes[500], bytes[1000]]).toEqual([0, 0, 255, 128, 255]);
  });

  it('leaves a flat image black and does not divide by zero', () => {
    const flat = new Uint16Array(9).fill(500);
    expect([...toEightBits(flat, depthMapping(flat))]).toEqual(new Array(9).fill(0));
    const nothing = new Float32Array(3).fill(Number.NaN);
    expect([...toEightBits(nothing, depthMapping(nothing))]).toEqual([0, 0, 0]);
  });
});
