/** Messages between page and worker. Conventions: ../protocol.ts. */

import type { CallName } from './calls.ts';
import type { EngineEvent } from './event.ts';
import type { Result } from './result.ts';

export interface Progress {
  readonly done: number;
  /** 0 when it is not known. */
  readonly total: number;
  readonly label: string;
}

/** Page → worker. */
export type ToWorker =
  | { readonly kind: 'call'; readonly id: number; readonly name: CallName; readonly request: unknown }
  | { readonly kind: 'cancel'; readonly id: number };

/** Worker → page. */
export type FromWorker =
  | { readonly kind: 'answer'; readonly id: number; readonly result: Result<unknown> }
  | { readonly kind: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly kind: 'event'; readonly event: EngineEvent };
