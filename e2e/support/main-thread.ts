/** Durations of the page's main-thread tasks, from Chromium's trace. */
import type { Browser, Page } from '@playwright/test';

export interface MainThreadTask {
  /** Milliseconds of processor time. */
  readonly own: number;
  /** Milliseconds of wall-clock time, which includes waiting for a processor. */
  readonly clock: number;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** Records the main-thread tasks of pages while `work` runs; longest first. */
export async function recordTasks(
  browser: Browser,
  page: Page,
  work: () => Promise<void>,
): Promise<readonly MainThreadTask[]> {
  await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline', '__metadata'] });
  let trace: Buffer;
  try {
    await work();
  } finally {
    trace = await browser.stopTracing();
  }
  const { traceEvents } = JSON.parse(trace.toString('utf8')) as { traceEvents: readonly TraceEvent[] };
  const main = new Set(
    traceEvents
      .filter((event) => event.name === 'thread_name' && event.args?.name === 'CrRendererMain')
      .map((event) => `${event.pid} ${event.tid}`),
  );
  return traceEvents
    .filter((event) => event.ph === 'X' && event.name === 'RunTask' && main.has(`${event.pid} ${event.tid}`))
    .map((event) => ({ own: (event.tdur ?? 0) / 1000, clock: (event.dur ?? 0) / 1000 }))
    .sort((a, b) => b.own - a.own);
}
