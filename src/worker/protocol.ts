/**
 * What the page and the engine's worker say to each other: types and small constants, no behaviour.
 *
 * Every call takes one request object and answers a `Result`; nothing is thrown across the border.
 * A call may report progress and may be cancelled. Whatever happens without being asked for
 * (a training step, an evaluation, a lost device) arrives as an `EngineEvent`.
 *
 * Conventions: bytes are integers, times are milliseconds unless a name says otherwise, dates are
 * milliseconds since the epoch, coordinates are pixels of the original image, x to the right and y down,
 * where (0, 0) is the outer corner of the first pixel and (0.5, 0.5) its centre.
 */

export type * from './protocol/boot.ts';
export type * from './protocol/calls.ts';
export type * from './protocol/capabilities.ts';
export type * from './protocol/data.ts';
export type * from './protocol/event.ts';
export type * from './protocol/find.ts';
export type * from './protocol/labels.ts';
export type * from './protocol/model.ts';
export type * from './protocol/output.ts';
export type * from './protocol/project.ts';
export type * from './protocol/queue.ts';
export * from './protocol/result.ts';
export type * from './protocol/segment.ts';
export * from './protocol/train.ts';
export type * from './protocol/wire.ts';
export type * from './protocol/worth.ts';
