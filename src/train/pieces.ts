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
    await new Promise((resume) => setTimeout(resume));
  }
}
