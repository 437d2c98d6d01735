/** Something that needs a place from one time to another, both included. It is written at its start. */
export interface Lifetime {
  readonly bytes: number;
  readonly start: number;
  readonly end: number;
  /** When it is read. */
  readonly reads: ReadonlySet<number>;
  /** Whether it may be copied to another such value, for which WebGPU wants another buffer. */
  readonly isOutput?: boolean;
}

/** `slots[i]` is the slot of lifetime `i`, `offsets[i]` its bytes from the slot's start, `slotBytes` how large each is. */
export interface SlotAssignment {
  readonly slotBytes: readonly number[];
  readonly slots: readonly number[];
  readonly offsets: readonly number[];
}

/** WebGPU's default for the offset of a storage binding, bytes. */
const ALIGNMENT = 256;

/**
 * Places lifetimes in slots, each a buffer. Those that overlap in time stand side by side in a slot, unless one is
 * written when the other is read or written: WebGPU refuses to read and write one buffer in a dispatch.
 * Largest first, each into the smallest slot that has room (greedy by size; Pisarchyk and Lee, "Efficient Memory
 * Management for Deep Neural Net Inference", 2020). A slot is as large as the first value in it.
 */
export function assignSlots(lifetimes: readonly Lifetime[]): SlotAssignment {
  const order = lifetimes.map((_, index) => index);
  order.sort((a, b) => (lifetimes[b]?.bytes ?? 0) - (lifetimes[a]?.bytes ?? 0) || a - b);
  const slotBytes: number[] = [];
  const placed: Placed[][] = [];
  const slots: number[] = new Array(lifetimes.length).fill(0);
  const offsets: number[] = new Array(lifetimes.length).fill(0);
  for (const index of order) {
    const lifetime = lifetimes[index];
    if (!lifetime) continue;
    // Slots come in descending size, so the last one with room is the smallest.
    let slot = placed.length - 1;
    let offset: number | null = null;
    for (; slot >= 0; slot--) {
      offset = roomIn(placed[slot] ?? [], slotBytes[slot] ?? 0, lifetime);
      if (offset !== null) break;
    }
    if (offset === null) {
      slot = slotBytes.push(lifetime.bytes) - 1;
      placed.push([]);
      offset = 0;
    }
    placed[slot]?.push({ lifetime, offset });
    slots[index] = slot;
    offsets[index] = offset;
  }
  return { slotBytes, slots, offsets };
}

interface Placed {
  readonly lifetime: Lifetime;
  readonly offset: number;
}

/** The first offset of a slot of `size` bytes at which there is room for a lifetime; null when there is none. */
function roomIn(placed: readonly Placed[], size: number, lifetime: Lifetime): number | null {
  const { bytes, start, end } = lifetime;
  const beside: Placed[] = [];
  let taken = 0;
  for (const other of placed) {
    if (other.lifetime.end < start || other.lifetime.start > end) continue;
    taken += other.lifetime.bytes;
    if (taken + bytes > size || excludes(other.lifetime, lifetime)) return null;
    beside.push(other);
  }
  beside.sort((a, b) => a.offset - b.offset);
  let offset = 0;
  for (const other of beside) {
    if (offset + bytes <= other.offset) return offset;
    offset = Math.max(offset, aligned(other.offset + other.lifetime.bytes));
  }
  return offset + bytes <= size ? offset : null;
}

/** Whether two lifetimes that overlap need buffers of their own. */
function excludes(a: Lifetime, b: Lifetime): boolean {
  if (a.start === b.start || a.reads.has(b.start) || b.reads.has(a.start)) return true;
  return Boolean(a.isOutput && b.isOutput);
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
