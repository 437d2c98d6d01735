import { describe, expect, it } from 'vitest';
import { uniform } from '../testing/random.ts';
import { assignSlots, type Lifetime } from './slots.ts';

/** Lives from `start` to `end`, and is read at the end. */
const lifetime = (bytes: number, start: number, end: number): Lifetime => ({
  bytes,
  start,
  end,
  reads: new Set(end > start ? [end] : []),
});
const total = (sizes: readonly number[]) => sizes.reduce((sum, bytes) => sum + bytes, 0);

describe('slots', () => {
  it('are shared by what does not live at the same time, or stands side by side and is not read and written at once', () => {
    const next = uniform(4);
    const lifetimes = Array.from({ length: 300 }, () => {
      const start = Math.floor(next() * 200);
      return lifetime(256 * (1 + Math.floor(next() * 50)), start, start + Math.floor(next() * 30));
    });
    const { slotBytes, slots, offsets } = assignSlots(lifetimes);
    const end = (i: number) => (offsets[i] ?? 0) + (lifetimes[i]?.bytes ?? 0);
    lifetimes.forEach((a, i) => {
      expect(slotBytes[slots[i] ?? -1]).toBeGreaterThanOrEqual(end(i));
      expect((offsets[i] ?? -1) % 256).toBe(0);
      lifetimes.forEach((b, j) => {
        if (i >= j || slots[i] !== slots[j] || a.end < b.start || b.end < a.start) return;
        expect(end(i) <= (offsets[j] ?? 0) || end(j) <= (offsets[i] ?? 0)).toBe(true);
        expect([a.start, a.end].some((time) => time === b.start) || b.end === a.start).toBe(false);
      });
    });
    const needed = Math.max(
      ...Array.from({ length: 230 }, (_, t) =>
        lifetimes.reduce(
          (sum, { bytes, start, end: last }) => sum + (start <= t && t <= last ? bytes : 0),
          0,
        ),
      ),
    );
    expect(total(slotBytes)).toBeGreaterThanOrEqual(needed);
    expect(total(slotBytes)).toBeLessThan(1.3 * needed);
  });

  it('are not held by small values that live long', () => {
    const small = Array.from({ length: 10 }, (_, i) => lifetime(256, i, 100));
    const large = Array.from({ length: 50 }, (_, i) => lifetime(256_000, 2 * i, 2 * i + 1));
    const { slotBytes } = assignSlots([...small, ...large]);
    expect(total(slotBytes)).toBeLessThanOrEqual(256_000 + 10 * 256);
  });

  it('never hold two outputs at once, since no buffer is copied to itself', () => {
    const outputs = [lifetime(512, 0, 9), lifetime(256, 1, 9), lifetime(256, 2, 9)].map((each) => ({
      ...each,
      reads: new Set<number>(),
      isOutput: true,
    }));
    expect(assignSlots(outputs).slotBytes).toEqual([512, 256, 256]);
  });
});
