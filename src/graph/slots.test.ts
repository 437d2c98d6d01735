import { describe, expect, it } from 'vitest';
import { uniform } from '../testing/random.ts';
import { assignSlots, type Lifetime } from './slots.ts';

describe('slots', () => {
  it('are shared by what does not live at the same time, and never by what does', () => {
    const next = uniform(4);
    const lifetimes = Array.from({ length: 300 }, (): Lifetime => {
      const start = Math.floor(next() * 200);
      return { bytes: 4 * (1 + Math.floor(next() * 50)), start, end: start + Math.floor(next() * 30) };
    });
    const { slotBytes, slots } = assignSlots(lifetimes);
    lifetimes.forEach((a, i) => {
      expect(slotBytes[slots[i] ?? -1]).toBeGreaterThanOrEqual(a.bytes);
      lifetimes.forEach((b, j) => {
        if (i < j && slots[i] === slots[j]) expect(a.end < b.start || b.end < a.start).toBe(true);
      });
    });
    const needed = Math.max(
      ...Array.from({ length: 230 }, (_, t) =>
        lifetimes.reduce((sum, { bytes, start, end }) => sum + (start <= t && t <= end ? bytes : 0), 0),
      ),
    );
    const total = slotBytes.reduce((sum, bytes) => sum + bytes, 0);
    expect(total).toBeGreaterThanOrEqual(needed);
    expect(total).toBeLessThan(1.3 * needed);
  });

  it('are not held by small values that live long', () => {
    const small = Array.from({ length: 10 }, (_, i) => ({ bytes: 4, start: i, end: 100 }));
    const large = Array.from({ length: 50 }, (_, i) => ({ bytes: 4000, start: 2 * i, end: 2 * i + 1 }));
    const { slotBytes } = assignSlots([...small, ...large]);
    expect(slotBytes.reduce((sum, bytes) => sum + bytes, 0)).toBe(4000 + 10 * 4);
  });
});
