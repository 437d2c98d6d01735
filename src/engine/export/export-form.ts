import type { FailureRecord } from '../../config/failure.ts';
import type { Adapter } from '../../peft/adapter-file.ts';
import type { SamCheckpoint } from '../../sam/checkpoint/checkpoint.ts';
import type { GateLayer } from '../../train/gates.ts';
import type { RunFacts } from './run-facts.ts';

/** A tuned model that is to leave the program. */
export interface ExportSource {
  readonly adapter: Adapter;
  /** The files of its base model. */
  readonly checkpoint: Pick<SamCheckpoint, 'config' | 'read'>;
  readonly base: ExportBase;
  /** Which dataset is meant, by name, of an adapter that tells datasets apart. */
  readonly dataset?: string;
  /** Gates to write where they differ from image to image: their means over images of a dataset. */
  readonly fixedGates?: FixedGates;
  /** What is known of its training; null for an adapter that came without its run. */
  readonly run: RunFacts | null;
}

/** Gates that stand for those of all images. */
export interface FixedGates {
  /** By block, then by method. */
  readonly layers: readonly GateLayer[];
  /** What that changes, as it was measured. */
  readonly said: string;
}

/** The base model as a card names it. */
export interface ExportBase {
  readonly name: string;
  readonly hash: string;
  /** As the model's source says it; null where it says nothing. */
  readonly licence: string | null;
  /** `OWNER/NAME` on the hub; null where it is not from there. */
  readonly repository: string | null;
}

/** A file of an export, by its path in the export's folder. */
export interface ExportFile {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A form in which a tuned model leaves the program. A new form is a file with one of these and a line in `registry.ts`. */
export interface ExportForm {
  /** As on the command line. */
  readonly id: string;
  readonly label: string;
  /** One sentence for a screen: what opens it. */
  readonly help: string;
  /** Why a tuned model cannot have this form; null where it can. */
  readonly refusal: (
    source: Pick<ExportSource, 'adapter' | 'checkpoint' | 'fixedGates'>,
  ) => FailureRecord | null;
  /**
   * Its files, one after the other, `README.md` last.
   * @throws Failure that {@link refusal} gives, `merge/which-dataset`, `checkpoint/…`.
   */
  readonly write: (source: ExportSource) => AsyncGenerator<ExportFile>;
}

export function textFile(path: string, text: string): ExportFile {
  return { path, bytes: new TextEncoder().encode(text) };
}

export function jsonFile(path: string, value: unknown): ExportFile {
  return textFile(path, `${JSON.stringify(value, null, 2)}\n`);
}
