/** What a run gained: as the engine says it. */
export type { Verdict, VerdictMeasure } from '../../engine/verdict.ts';
