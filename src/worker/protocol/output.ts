/** Files for the person. Conventions: ../protocol.ts. */

import type { DroppedFile } from './data.ts';
import type { Nothing } from './result.ts';
import type { RunInfo } from './train.ts';

/** A file to hand to the person. */
export interface OutputFile {
  readonly name: string;
  readonly mime: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Calls of Export: name → [request, answer]. */
export interface OutputCalls {
  /** adapter.safetensors and adapter.json. */
  'output.adapter': [{ readonly runId: string }, readonly OutputFile[]];
  'output.historyCsv': [{ readonly runId: string }, OutputFile];
  /** Every kept mask as PNG, in one zip. */
  'output.masksZip': [Nothing, OutputFile];
  /** An adapter's safetensors and json (in any order, or both in a zip); becomes a run of status `imported`. */
  'output.importAdapter': [{ readonly files: readonly DroppedFile[] }, RunInfo];
}
