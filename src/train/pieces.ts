/** Long work in pieces: after each of them others may have the thread. */
export type Pieces<T> = Generator<undefined, T>;

/** Does the work in one go. */
export function atOnce<T>(pieces: Pieces<T>): T {
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value;
  }
}

/** Does the work with a turn of the event loop after every piece, so that messages are answered in between. */
export async function inTurns<T>(pieces: Pieces<T>): Promise<T> {
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value;
    await nextTurn();
  }
}

const nextTurn = () => new Promise<void>((resume) => setTimeout(resume));

/** Milliseconds of work after which others get the thread; a click waits no longer. */
const WORK_MS = 20;

/**
 * Gives a function to await between pieces of work, which takes a turn of the event loop when enough was done.
 * @param afterTurn awaited after each turn.
 */
export function turnGiver(afterTurn?: () => Promise<void>): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < WORK_MS) return;
    await nextTurn();
    await afterTurn?.();
    since = performance.now();
  };
}
