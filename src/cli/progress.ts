import { TimeLeft } from '../config/time-left.ts';
import { minutes } from '../config/words.ts';

/** Milliseconds between two lines of a log, which keeps each of them. */
const LOGGED_EVERY = 30_000;

/** Where progress is written: the error stream. */
interface Stream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * Tells how far a command is, and how long it still takes: a line that changes on a terminal, elsewhere the first, the last, and
 * one now and then. What counts down again is another piece of work.
 * @param what is counted, such as images.
 * @returns takes what is done, of which a part counts as a part, and what there is.
 */
export function progressOf(
  what: string,
  stream: Stream = process.stderr,
  now: () => number = () => performance.now(),
): (done: number, total: number) => void {
  const timeLeft = new TimeLeft();
  let shown = Number.NEGATIVE_INFINITY;
  let before = 0;
  return (done, total) => {
    const isEnd = done >= total;
    const isNew = done < before || shown === Number.NEGATIVE_INFINITY;
    before = isEnd ? Number.POSITIVE_INFINITY : done;
    const time = now();
    const left = timeLeft.of({ label: what, done, total }, time);
    if (!stream.isTTY && !isNew && !isEnd && time - shown < LOGGED_EVERY) return;
    shown = time;
    const share = Number.isInteger(done) ? '' : ` (${Math.floor((100 * done) / total)} %)`;
    const rest = left === null || isEnd ? '' : `, ${minutes(left)} left`;
    const line = `${Math.floor(done)} of ${total} ${what}${share}${rest}`;
    writeProgress(line, isEnd, stream);
  };
}

/** Writes a line over the last one on a terminal, and below it elsewhere. */
export function writeProgress(line: string, isEnd: boolean, stream: Stream = process.stderr): void {
  stream.write(stream.isTTY ? `\r${line.padEnd(78)}${isEnd ? '\n' : ''}` : `${line}\n`);
}
