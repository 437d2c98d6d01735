/** Answers: a value, or what went wrong. Conventions: ../protocol.ts. */

import type { FailureRecord } from '../../config/failure.ts';

export type { FailureRecord };

/** The one code the page itself looks at: the person asked to stop, so there is nothing to report. */
export const CANCELLED = 'cancelled';

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: FailureRecord };

/** Nothing to ask, nothing to answer. */
export type Nothing = Record<string, never>;
