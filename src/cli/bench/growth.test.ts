import { describe, expect, it } from 'vitest';
import { DEFAULT_DEVICE } from '../plan.ts';
import { allSeries, growthModel, type Planned } from './growth.ts';

const series = allSeries(await growthModel(256));

/** What is planned for a GPU at a size of a series. */
function planned(what: string, size: number): Planned {
  const found = series.find((each) => each.what === what);
  if (!found) throw new RangeError(`there is no series ${what}`);
  return found.plan(size, DEFAULT_DEVICE.traits);
}

describe('what is planned for a GPU', () => {
  it('has memory for tokens and never for their square, and hardly more dispatches for a larger image', () => {
    for (const what of ['encoder', 'encoder, every block windowed']) {
      const small = planned(what, 256);
      for (const size of [512, 1024]) {
        const large = planned(what, size);
        // Values lie side by side in slots, which now and then leave room.
        expect(large.bytes / small.bytes, what).toBeLessThan(1.1 * (size / 256) ** 2);
        expect(large.dispatches, what).toBeLessThan(1.05 * small.dispatches);
      }
    }
    const [small, large] = [256, 1024].map((size) => planned('step of one image and 5 objects', size));
    expect((large?.bytes ?? 0) / (small?.bytes ?? 1)).toBeLessThan(16);
    // A sum over many tokens is cut, and both gradients of a layer share a dispatch only while they are small.
    expect(large?.dispatches).toBeLessThan(1.1 * (small?.dispatches ?? 0));
  });

  it('computes with the square of the tokens in global blocks alone', () => {
    const flops = (what: string) => [256, 1024].map((size) => planned(what, size).flops);
    const [windowedSmall = 0, windowedLarge = 0] = flops('encoder, every block windowed');
    expect(windowedLarge / windowedSmall).toBeLessThan(16.1);
    const [small = 0, large = 0] = flops('encoder');
    expect(large - windowedLarge).toBeGreaterThan(100 * (small - windowedSmall));
  });

  it('grows with the objects in the decoder and leaves the encoder as it is', () => {
    const [one, five] = [1, 5].map((objects) => planned('step of one image', objects).encoderDispatches);
    expect(five).toBe(one);
    const [a, b, c] = [1, 5, 25].map((objects) => planned('decoder, a click an object', objects).flops);
    expect(((c ?? 0) - (b ?? 0)) / ((b ?? 0) - (a ?? 0))).toBeCloseTo(5, 1);
  });

  it('grows with the images of a step and no faster', () => {
    const [one, three] = [1, 3].map((images) => planned('step of 5 objects an image', images));
    // A little more than 3: what the decoder first makes of an image is shared by its objects where there is one image alone.
    expect((three?.flops ?? 0) / (one?.flops ?? 1)).toBeCloseTo(3.06, 1);
    expect((three?.bytes ?? 0) / (one?.bytes ?? 1)).toBeLessThan(3);
  });
});
