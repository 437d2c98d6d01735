/** Something that needs a place from one time to another, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly start: number;
  readonly end: number;
}

/** `slots[i]` is the slot of lifetime `i`; `slotBytes` how large each slot must be. */
export interface SlotAssignment {
  readonly slotBytes: readonly number[];
  readonly slots: readonly number[];
}

/**
 * Places lifetimes so that no two that overlap share a slot. Largest first, each into the smallest slot that is free for all
 * of its time (greedy by size; Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020): so a
 * slot is never larger than the first value that asked for it, and a small value that lives long never holds a large one.
 */
export function assignSlots(lifetimes: readonly Lifetime[]): SlotAssignment {
  const order = lifetimes
    .map((lifetime, index) => ({ lifetime, index }))
    .sort((a, b) => b.lifetime.bytes - a.lifetime.bytes || a.index - b.index);
  const slotBytes: number[] = [];
  const taken: Lifetime[][] = [];
  const slots: number[] = new Array(lifetimes.length).fill(0);
  for (const { lifetime, index } of order) {
    // Slots come in descending size, so the last free one is the smallest.
    let slot = taken.length - 1;
    while (slot >= 0 && taken[slot]?.some((other) => overlap(other, lifetime))) slot--;
    if (slot < 0) {
      slot = slotBytes.push(lifetime.bytes) - 1;
      taken.push([]);
    }
    taken[slot]?.push(lifetime);
    slots[index] = slot;
  }
  return { slotBytes, slots };
}

function overlap(a: Lifetime, b: Lifetime): boolean {
  return a.start <= b.end && b.start <= a.end;
}
