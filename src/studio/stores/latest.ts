import type { Result } from '../../worker/protocol.ts';

/** Keeps late answers from overwriting newer ones, by the order in which they were asked for, for each key. */
export class Latest {
  private serial = 0;
  private readonly newest = new Map<string, number>();

  /** Returns the position of a request in the order; call it before sending the request. */
  ask(): number {
    return ++this.serial;
  }

  /** As `ask`, for a request that makes all earlier ones for `key` out of date, before its own answer is there. */
  replace(key: string): number {
    const asked = this.ask();
    this.newest.set(key, asked);
    return asked;
  }

  /** Whether nothing that was asked for later was accepted for `key`, and no later request replaces this one. */
  isCurrent(key: string, asked: number): boolean {
    return asked >= (this.newest.get(key) ?? 0);
  }

  /** Call it before storing an answer, or a change that came by itself. Returns false if the answer is out of date. */
  accept(key: string, asked = this.ask()): boolean {
    if (!this.isCurrent(key, asked)) return false;
    this.newest.set(key, asked);
    return true;
  }

  /** As `accept`, for the answer to a change of an entry: lists that were asked for before it arrived are older. */
  acceptChange(id: string, asked: number): boolean {
    return this.accept(`change ${id}`, asked) && this.accept(id);
  }

  /**
   * The entries of a list that has just arrived, but those that changed since it was asked for as they are in the
   * store, and without those that were deleted. Null if the list is out of date. Every change must be accepted by the
   * entry's id.
   * @param now the entries in the store.
   */
  acceptList<T extends { readonly id: string }>(
    key: string,
    asked: number,
    answered: readonly T[],
    now: readonly T[],
  ): readonly T[] | null {
    if (!this.accept(key, asked)) return null;
    const isNewer = ({ id }: T): boolean => !this.isCurrent(id, asked);
    const newer = new Map(now.filter(isNewer).map((entry) => [entry.id, entry]));
    const kept = answered.flatMap((entry) => (isNewer(entry) ? (newer.get(entry.id) ?? []) : entry));
    for (const { id } of answered) newer.delete(id);
    return [...kept, ...newer.values()];
  }
}

/**
 * Shows the answer to a request, unless it is cancelled first. Returns the function that cancels; it also releases
 * the value that was shown.
 * @param release frees a value that is not shown, or not any more.
 */
export function showAnswer<T>(
  request: Promise<Result<T>>,
  show: (answer: Result<T>) => void,
  release: (value: T) => void,
): () => void {
  let isCancelled = false;
  let shown: T | null = null;
  void request.then((answer) => {
    if (!isCancelled) show(answer);
    if (!answer.ok) return;
    if (isCancelled) release(answer.value);
    else shown = answer.value;
  });
  return () => {
    isCancelled = true;
    if (shown !== null) release(shown);
    shown = null;
  };
}
