import type { LazyFile } from '../lazy-file.ts';
import type { Refusal } from '../types.ts';
import type { NpyHeader } from './npy-header.ts';

/** An array of an archive. */
export interface Member extends Pick<NpyHeader, 'type' | 'shape'> {
  readonly name: string;
  /** How Python reaches it in what was loaded as `a`. */
  readonly code: string;
  /** The array alone, as a file that is read by its content. */
  readonly file: LazyFile;
}

/** A format of files that hold several arrays by name. */
export interface ArchiveFormat {
  /** What such a file is, in a sentence. */
  readonly what: string;
  /** What to do where a file is none by what it holds. */
  readonly cureOfNone: string;
  /** A line of Python that loads a file as `a`. */
  loading(file: string): string;
  /** The name under which what a cure keeps of a file is saved as `.npz`. */
  saved(file: string): string;
  /**
   * The arrays of a file; undefined where `refusals` got why it is left out.
   * @throws Failure naming the archive.
   */
  open(archive: LazyFile, refusals: Refusal[]): Promise<readonly Member[] | undefined>;
}
