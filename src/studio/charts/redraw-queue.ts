/**
 * Redraws charts one after another, each in its own task: a chart takes tens of milliseconds on a slow machine, and
 * several in one task would block the page.
 */
import { startTransition, useEffect, useState } from 'react';

/** Milliseconds between two redraws, in which clicks and keys are handled. */
const GAP = 50;

const waiting = new Set<() => void>();
let scheduled = false;

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setTimeout(next, GAP);
}

function next(): void {
  scheduled = false;
  const [first] = waiting;
  if (!first) return;
  waiting.delete(first);
  first();
  if (waiting.size > 0) schedule();
}

/** Runs `redraw` in its turn; returns the function that cancels it. */
export function queueRedraw(redraw: () => void): () => void {
  waiting.add(redraw);
  schedule();
  return () => waiting.delete(redraw);
}

/** The value at this chart's last turn; null before the first. */
export function useQueuedRedraw<T extends object>(value: T): T | null {
  const [shown, setShown] = useState<T | null>(null);
  useEffect(() => {
    if (shown === value) return;
    // React may draw a transition in several slices.
    return queueRedraw(() => startTransition(() => setShown(value)));
  }, [value, shown]);
  return shown;
}
