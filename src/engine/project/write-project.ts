/** A project out of a store: what of it goes into the zip or the folder, described. */
import type { FileStore } from '../../data/file-store.ts';
import { projectFiles } from '../../data/project/project-files.ts';
import { describeProject, encodeProject, type ProjectManifest } from '../../data/project/project-manifest.ts';
import { bytesOfPart, datasetPart, type ProjectPart } from '../../data/project/project-parts.ts';
import { RUN_FILES } from '../run/run-files.ts';
import type { RunRecord } from '../run/run-types.ts';
import { runPart } from './run-part.ts';

/** What a project is to hold, by what the store has. */
export interface ProjectItems {
  readonly datasets: ProjectManifest['datasets'];
  /** None of them under way. */
  readonly runs: readonly Pick<RunRecord, 'id' | 'name' | 'modelHash' | 'modelName' | 'created'>[];
  /** Adds what runs go on from. */
  readonly withCheckpoints: boolean;
}

/** A project that can be written. */
export interface PreparedProject {
  /** Before packing. */
  readonly bytes: number;
  /** Its description. */
  readonly description: Uint8Array;
  /** Its files, the description first, each read as it is asked for; see {@link projectFiles}. */
  readonly files: (
    onFile: (bytes: number, path: string) => void,
  ) => AsyncGenerator<{ readonly path: string; readonly bytes: Uint8Array }>;
}

/** @param created milliseconds since 1970. @throws Failure `data/…`, `storage/…`. */
export async function prepareProject(
  store: FileStore,
  { datasets, runs, withCheckpoints }: ProjectItems,
  created: number,
): Promise<PreparedProject> {
  const parts: ProjectPart[] = [];
  for (const { id } of datasets) parts.push(await datasetPart(store, id));
  // The run before comes before the one that follows it, so that its id is settled first when they are added.
  const inOrder = [...runs].sort((a, b) => a.created - b.created);
  const described: ProjectManifest['runs'] = [];
  for (const { id, name, modelHash: model } of inOrder) {
    const part = await runPart(store, id, withCheckpoints);
    parts.push(part);
    const hasCheckpoint = part.files.some(({ path }) => path === RUN_FILES.checkpoint);
    described.push({ id, name, model, hasCheckpoint });
  }
  const names = new Map(inOrder.map(({ modelHash, modelName }) => [modelHash, modelName]));
  const models = [...names].map(([hash, name]) => ({ hash, name }));
  const description = encodeProject(describeProject({ datasets, runs: described, models }, created));
  return {
    bytes: parts.reduce((sum, part) => sum + bytesOfPart(part), 0),
    description,
    files: (onFile) => projectFiles(store, description, parts, onFile),
  };
}
