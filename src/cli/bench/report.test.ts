import { describe, expect, it } from 'vitest';
import { describeAgainst } from './against.ts';
import { type CaseReport, describeCase, isRight } from './report.ts';

const right: CaseReport = {
  name: 'matmul',
  what: '[2, 3] · [3, 4]',
  checks: [{ what: 'out against float64', error: 1e-6, tolerance: 1e-4 }],
  timings: [
    { who: 'ours', ms: 10, leastMs: 9, processorMs: 18, runs: 3, gflops: 2 },
    { who: 'another', ms: 35, leastMs: 30, processorMs: 45, runs: 3, gflops: 0.57 },
  ],
  failures: [{ who: 'a third', why: 'it has no such op' }],
  memory: { plannedBytes: 1024, allocatedBytes: 1024, allocationsInRuns: 0 },
};

describe('a line of the bench', () => {
  it('gives the ratio to ours and says who failed', () => {
    const text = describeCase(right);
    expect(text).toMatch(/another.*ratio 3\.50, by the processor 2\.50/);
    expect(text).toMatch(/a third +failed: it has no such op/);
    expect(text).not.toContain('WRONG');
  });

  it('is right only with every value right', () => {
    expect(isRight(right)).toBe(true);
    const wrong = { ...right, checks: [{ what: 'out', error: Number.NaN, tolerance: 1 }] };
    expect(isRight(wrong)).toBe(false);
    expect(describeCase(wrong)).toContain('WRONG: out');
  });

  it('is right only when the runs allocate nothing and the plan was true', () => {
    expect(isRight({ ...right, memory: { ...right.memory, allocationsInRuns: 1 } })).toBe(false);
    expect(isRight({ ...right, memory: { ...right.memory, allocatedBytes: 2048 } })).toBe(false);
  });
});

describe('a line against another checkout', () => {
  const spent = (...all: number[]) => all.map((ms) => ({ ms, processorMs: 2 * ms }));

  it('gives the ratio of the medians, and of the least processor times', () => {
    const text = describeAgainst({ name: 'matmul', ours: spent(10, 12, 90), other: spent(30, 18, 15) });
    expect(text).toBe('matmul: 12.0 ms, there 18.0 ms (3 turns); 1.50 times as fast; 1.50 by the processor');
  });

  it('leaves out what the other does not measure', () => {
    const other = [{ ms: 5, processorMs: Number.NaN }];
    expect(describeAgainst({ name: 'softmax', ours: spent(10), other })).toBe(
      'softmax: 10.0 ms, there 5.0 ms (1 turn); 0.50 times as fast',
    );
  });
});
