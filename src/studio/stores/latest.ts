/** Keeps an answer that arrives late from overwriting something newer. */
import type { Result } from '../../worker/protocol.ts';

/** The order in which requests were sent and answers written, by key. */
export class Latest {
  private serial = 0;
  private readonly newest = new Map<string, number>();

  /** Takes the place of a request in the order; call it before sending the request. */
  ask(): number {
    return ++this.serial;
  }

  /** As `ask`, for a request that replaces all earlier ones for `key`: `accept` refuses their answers. */
  replace(key: string): number {
    const asked = this.ask();
    this.newest.set(key, asked);
    return asked;
  }

  /** False: something that was asked for later is already written, or replaces this request. */
  isCurrent(key: string, asked: number): boolean {
    return asked >= (this.newest.get(key) ?? 0);
  }

  /** Call it before writing an answer, or a change that came by itself. False: the answer is out of date. */
  accept(key: string, asked = this.ask()): boolean {
    if (!this.isCurrent(key, asked)) return false;
    this.newest.set(key, asked);
    return true;
  }

  /** As `accept`, for the answer of a change to an entry: lists asked for before it arrived are older than it. */
  acceptChange(id: string, asked: number): boolean {
    return this.accept(`change ${id}`, asked) && this.accept(id);
  }

  /**
   * The entries of a list that was just answered; those that changed or were deleted since it was asked for stay as they
   * are in the store. Null when a list asked for later is already there. Changes must be accepted by the entry's id.
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
 * Shows the answer of a request, unless it is cancelled first. Releases a value that is never shown, or no longer.
 * Returns the function that cancels.
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
