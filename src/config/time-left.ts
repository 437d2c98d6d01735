/** Milliseconds after which the speed so far says something. */
const LEAST = 2000;

/** How far a piece of work is. */
interface Progress {
  readonly label: string;
  readonly done: number;
  readonly total: number;
}

/** Tells how long a piece of work still takes, from its speed so far. A new label is a new piece, and so is what counts down again. */
export class TimeLeft {
  private label = '';
  private begun = 0;
  private first = 0;
  private last = 0;

  /** @param now milliseconds. @returns seconds; null while it cannot be told. */
  of({ label, done, total }: Progress, now: number): number | null {
    if (label !== this.label || done < this.last) {
      this.label = label;
      this.begun = now;
      this.first = done;
    }
    this.last = done;
    const passed = now - this.begun;
    const gone = done - this.first;
    if (total <= 0 || gone <= 0 || passed < LEAST) return null;
    return ((passed / gone) * Math.max(0, total - done)) / 1000;
  }
}
