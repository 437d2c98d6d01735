/** A bounded map that forgets what was used longest ago. */
export class Lru<T> {
  private readonly entries = new Map<string, { readonly value: T; readonly cost: number }>();
  private total = 0;

  /**
   * @param capacity most that all values together may cost; a single value may cost more and then stands alone.
   * @param costOf what a value costs.
   * @param onDrop called for every value that is forgotten.
   */
  constructor(
    private readonly capacity: number,
    private readonly costOf: (value: T) => number,
    private readonly onDrop: (value: T) => void = () => undefined,
  ) {}

  /** What all values together cost. */
  get cost(): number {
    return this.total;
  }

  get(key: string): T | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: T): void {
    this.delete(key);
    const cost = this.costOf(value);
    this.entries.set(key, { value, cost });
    this.total += cost;
    for (const oldest of this.entries.keys()) {
      if (this.total <= this.capacity || oldest === key) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.total -= entry.cost;
    this.onDrop(entry.value);
  }

  clear(): void {
    for (const key of [...this.entries.keys()]) this.delete(key);
  }
}
