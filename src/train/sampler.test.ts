import { describe, expect, it } from 'vitest';
import { type Draw, Sampler } from './sampler.ts';

const draws = (sampler: Sampler, count: number): Draw[] =>
  Array.from({ length: count }, () => sampler.next());

describe('the sampler', () => {
  it('takes datasets evenly whatever their sizes, and every image once an epoch', () => {
    const drawn = draws(Sampler.start([2, 50, 7], 1), 3 * 14);
    for (const dataset of [0, 1, 2]) {
      const samples = drawn.filter((draw) => draw.dataset === dataset).map(({ sample }) => sample);
      expect(samples.length).toBe(14);
      if (dataset === 2) {
        for (const epoch of [samples.slice(0, 7), samples.slice(7)])
          expect([...epoch].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
      }
    }
  });

  it('goes on from a state that went through JSON', () => {
    const sampler = Sampler.start([3, 4], 5);
    draws(sampler, 6);
    const resumed = Sampler.resume([3, 4], JSON.parse(JSON.stringify(sampler.state())));
    expect(draws(resumed, 20)).toEqual(draws(sampler, 20));
  });

  it('draws by its seed', () => {
    expect(draws(Sampler.start([9, 9], 1), 18)).toEqual(draws(Sampler.start([9, 9], 1), 18));
    expect(draws(Sampler.start([9, 9], 1), 18)).not.toEqual(draws(Sampler.start([9, 9], 2), 18));
  });
});
