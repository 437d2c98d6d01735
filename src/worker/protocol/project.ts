/** Whole projects: datasets with their labels, and runs. Conventions: ../protocol.ts. */

import type { FailureRecord } from '../../config/failure.ts';
import type { DatasetInfo, DroppedFile } from './data.ts';
import type { Nothing } from './result.ts';
import type { RunInfo } from './train.ts';

/** What can go out in a project, with the bytes that it takes there before packing. */
export interface ProjectParts {
  readonly datasets: readonly { readonly id: string; readonly bytes: number }[];
  /** Runs that are not under way. */
  readonly runs: readonly {
    readonly id: string;
    readonly bytes: number;
    /** Of what it resumes from, beside `bytes`. */
    readonly checkpointBytes: number;
  }[];
}

export interface ProjectRequest {
  readonly datasetIds: readonly string[];
  readonly runIds: readonly string[];
  /** Adds what runs resume from. */
  readonly withCheckpoints: boolean;
  /** Where the person wants the file; null for the file as the answer. */
  readonly to: FileSystemFileHandle | null;
}

/** A dataset or run of a project, and what would become of it. */
export interface ProjectItemInfo {
  readonly kind: 'dataset' | 'run';
  readonly name: string;
  readonly bytes: number;
  /**
   * `new`: it is not here yet; `here`: the same is here already, and nothing is done; `beside`: another of this id is here,
   * and it is added beside it; `refused`: it is damaged, as `refusals` say.
   */
  readonly fate: 'new' | 'here' | 'beside' | 'refused';
  /** The name that it gets, a free one; that which it has where it is here already. */
  readonly addedAs: string;
}

/** A project that was dropped and waits to be added. The worker keeps one at a time. */
export interface ProjectPreview {
  readonly lookId: string;
  readonly created: number;
  readonly items: readonly ProjectItemInfo[];
  /** Base models of its runs other than the one that is open. */
  readonly otherModels: readonly { readonly name: string; readonly hash: string }[];
  readonly refusals: readonly FailureRecord[];
}

export interface AddedProject {
  readonly datasets: readonly DatasetInfo[];
  readonly runs: readonly RunInfo[];
  /** What could not be added, one entry for each dataset and run; the others were. */
  readonly refusals: readonly FailureRecord[];
}

/** Calls about projects: name → [request, answer]. */
export interface ProjectCalls {
  'project.parts': [Nothing, ProjectParts];
  /** Writes the zip as it is made, with progress in bytes; null for the file when it was written where the person wanted it. */
  'project.write': [ProjectRequest, { readonly file: Blob | null; readonly bytes: number }];
  /**
   * Looks at a zip, or at files of which one is `mopeft-project.json`: what it would add. Null where it is no project.
   * Fails with `project/…`.
   */
  'project.look': [{ readonly files: readonly DroppedFile[] }, ProjectPreview | null];
  /** Adds what was looked at, each dataset and run whole or not at all, with progress in files. Cancelling keeps those that were finished. */
  'project.add': [{ readonly lookId: string }, AddedProject];
}
