import type { Stretch } from './first-mask.ts';

/** A comparison that came before a timing: largest error relative to the largest magnitude. */
export interface Check {
  readonly what: string;
  readonly error: number;
  readonly tolerance: number;
}

/** How long one contender took for one run of a case. */
export interface Timing {
  readonly who: string;
  /** Median and least over the runs, milliseconds. */
  readonly ms: number;
  readonly leastMs: number;
  /** Least processor time of all processes of the browser over the turns, milliseconds a run. */
  readonly processorMs: number;
  /** Turns; short work is done several times in each. */
  readonly runs: number;
  /** Counted operations a nanosecond, at the median. */
  readonly gflops: number;
}

/** Memory of our executable for a case. */
export interface Memory {
  /** What the plan said before anything ran: its pool. */
  readonly plannedBytes: number;
  /** What was then allocated for it. */
  readonly allocatedBytes: number;
  /** Buffers created by the runs; 0. */
  readonly allocationsInRuns: number;
}

/** One line of the bench. */
export interface CaseReport {
  readonly name: string;
  readonly what: string;
  readonly checks: readonly Check[];
  /** Ours first. Contenders that could not do it are in `failures`. */
  readonly timings: readonly Timing[];
  readonly failures: readonly { readonly who: string; readonly why: string }[];
  readonly memory: Memory;
}

/** All lines, from one run of one browser. */
export interface BenchReport {
  readonly adapter: string;
  readonly browser: string;
  readonly cases: readonly CaseReport[];
  /** From an empty tab to a mask, in parts; empty when it was not asked for. */
  readonly firstMask: readonly Stretch[];
}

/** Whether every value was right and no run allocated. */
export function isRight({ checks, memory }: CaseReport): boolean {
  return (
    checks.every(({ error, tolerance }) => error <= tolerance) &&
    memory.allocationsInRuns === 0 &&
    memory.plannedBytes === memory.allocatedBytes
  );
}

/** One case as lines of text. A ratio above 1 says that ours is that many times faster. */
export function describeCase(report: CaseReport): string {
  const { name, what, checks, timings, failures, memory } = report;
  const ours = timings[0];
  const lines = [`${name}: ${what}`];
  for (const { who, ms, gflops, runs, processorMs } of timings) {
    const ratio =
      ours && who !== ours.who
        ? `  ratio ${(ms / ours.ms).toFixed(2)}, by the processor ${(processorMs / ours.processorMs).toFixed(2)}`
        : '';
    lines.push(
      `  ${who.padEnd(20)} ${ms.toFixed(1).padStart(9)} ms  ${gflops.toFixed(2).padStart(7)} GFLOP/s  ` +
        `${processorMs.toFixed(1).padStart(9)} ms of the processor  (${runs} turns)${ratio}`,
    );
  }
  for (const { who, why } of failures) lines.push(`  ${who.padEnd(20)} failed: ${why}`);
  for (const { what: check, error, tolerance } of checks) {
    const verdict = error <= tolerance ? 'right' : 'WRONG';
    lines.push(
      `  ${verdict}: ${check}, error ${error.toExponential(1)} of at most ${tolerance.toExponential(0)}`,
    );
  }
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
  lines.push(
    `  memory: planned ${mib(memory.plannedBytes)}, allocated ${mib(memory.allocatedBytes)}, ` +
      `${memory.allocationsInRuns} buffers created by the runs`,
  );
  return lines.join('\n');
}
