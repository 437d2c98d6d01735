/**
 * Charts redraw one after another, each in a task of its own: a chart takes some tens of milliseconds on a slow machine,
 * and several in one task would hold up the page.
 */
import { startTransition, useEffect, useState } from 'react';

/** Between two redraws, so that clicks and keys get in, in milliseconds. */
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

/** Runs `redraw` when its turn comes; returns the function that gives the turn up. */
export function queueRedraw(redraw: () => void): () => void {
  waiting.add(redraw);
  schedule();
  return () => waiting.delete(redraw);
}

/** The value as it was at this chart's last turn; null before the first. */
export function useQueuedRedraw<T extends object>(value: T): T | null {
  const [shown, setShown] = useState<T | null>(null);
  useEffect(() => {
    if (shown === value) return;
    // As a transition React draws in slices, where the chart lets it.
    return queueRedraw(() => startTransition(() => setShown(value)));
  }, [value, shown]);
  return shown;
}
