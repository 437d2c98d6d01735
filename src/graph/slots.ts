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
 * Places lifetimes so that no two that overlap share a slot: largest first, each into the smallest slot that is free
 * for its whole time (greedy by size; Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net
 * Inference", 2020).
 * A slot is as large as the first value in it, and a small value that lives long never holds a large slot.
 */
export function assignSlots(lifetimes: readonly Lifetime[]): SlotAssignment {
  const order = lifetimes.map((_, index) => index);
  order.sort((a, b) => (lifetimes[b]?.bytes ?? 0) - (lifetimes[a]?.bytes ?? 0) || a - b);
  const slotBytes: number[] = [];
  const taken: Lifetime[][] = [];
  const slots: number[] = new Array(lifetimes.length).fill(0);
  for (const index of order) {
    const lifetime = lifetimes[index];
    if (!lifetime) continue;
    // Slots come in descending size, so the last free one is the smallest.
    let slot = taken.length - 1;
    while (slot >= 0 && !take(taken[slot] ?? [], lifetime)) slot--;
    if (slot < 0) {
      slot = slotBytes.push(lifetime.bytes) - 1;
      taken.push([lifetime]);
    }
    slots[index] = slot;
  }
  return { slotBytes, slots };
}

/** Adds a lifetime to those of a slot, which are in the order of their time; false when it overlaps one of them. */
function take(taken: Lifetime[], lifetime: Lifetime): boolean {
  let [low, high] = [0, taken.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((taken[middle]?.end ?? 0) < lifetime.start) low = middle + 1;
    else high = middle;
  }
  const next = taken[low];
  if (next && next.start <= lifetime.end) return false;
  taken.splice(low, 0, lifetime);
  return true;
}
