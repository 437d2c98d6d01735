/** What of a run is in a project, and a run that came in one. */
import type { FileStore } from '../../data/file-store.ts';
import type { LazyFile } from '../../data/lazy-file.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { missingFile, type ProjectPart } from '../../data/project/project-parts.ts';
import { RUN_FILES, RunFiles } from '../run/run-files.ts';
import { RECORD, readRecord } from '../run/run-record.ts';
import type { RunRecord } from '../run/run-types.ts';

const { checkpoint, ...WITHOUT_CHECKPOINT } = RUN_FILES;

/** The files of a stored run. */
export async function runPart(
  store: FileStore,
  id: string,
  withCheckpoint: boolean,
): Promise<ProjectPart & { readonly checkpointBytes: number }> {
  const folder = `runs/${id}`;
  const files: { path: string; size: number }[] = [];
  for (const path of [RECORD, ...Object.values(WITHOUT_CHECKPOINT)]) {
    const size = await store.size(`${folder}/${path}`);
    if (size > 0) files.push({ path, size });
  }
  const checkpointBytes = await store.size(`${folder}/${checkpoint}`);
  if (withCheckpoint && checkpointBytes > 0) files.push({ path: checkpoint, size: checkpointBytes });
  return { folder, files, checkpointBytes };
}

/**
 * Checks a run's folder of a project: a record, and config and split where they are there. What is no file of a run is
 * left aside.
 * @throws Failure `project/missing-file`, `run/damaged`, `data/…`.
 */
export async function incomingRun(
  files: ReadonlyMap<string, LazyFile>,
  where: string,
): Promise<{ readonly record: RunRecord; readonly files: ReadonlyMap<string, LazyFile> }> {
  if (!files.has(RECORD)) throw missingFile(`${where}/${RECORD}`);
  const store = new MemoryStore();
  const read = new RunFiles(store, where);
  for (const path of [RECORD, RUN_FILES.config, RUN_FILES.split]) {
    const file = files.get(path);
    if (file) await store.write(read.path(path), await file.bytes());
  }
  const record = await readRecord(read);
  if (files.has(RUN_FILES.config)) await read.readConfig();
  if (files.has(RUN_FILES.split)) await read.readSplit();
  const known = [RECORD, ...Object.values(RUN_FILES)];
  const kept = known.flatMap((path) => {
    const file = files.get(path);
    return file ? [[path, file] as const] : [];
  });
  return { record: files.has(checkpoint) ? record : withoutCheckpoint(record), files: new Map(kept) };
}

/** A run that cannot go on, for it would begin anew, over the weights that it has: it is over. */
function withoutCheckpoint(record: RunRecord): RunRecord {
  const couldGoOn = ['paused', 'interrupted', 'stopped'].includes(record.status);
  return { ...record, checkpointStep: null, status: couldGoOn ? 'finished' : record.status };
}

/** What tells a run from another of its id: all but its name, times, and what coming without a checkpoint changes. */
export function recordIdentity(record: RunRecord): string {
  const { name: _, status: __, checkpointStep: ___, created: ____, updated: _____, ...identity } = record;
  return JSON.stringify(identity);
}
