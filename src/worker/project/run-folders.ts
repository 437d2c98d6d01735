/** Run folders that came outside a project, as the command line writes them: each made a run of a project. */

import type { FailureRecord } from '../../config/failure.ts';
import type { LazyFile } from '../../data/lazy-file.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { toRefusal } from '../../data/outcome.ts';
import type { FoundProject } from '../../data/project/project-files.ts';
import { describeProject, isProjectId } from '../../data/project/project-manifest.ts';
import type { Refusal } from '../../data/types.ts';
import { recordOfFiles } from '../../engine/run/record-of-files.ts';
import { RUN_FILES, RunFiles } from '../../engine/run/run-files.ts';
import { RECORD, readRecord } from '../../engine/run/run-record.ts';
import type { RunRecord } from '../../engine/run/run-types.ts';
import { LEFT_ELSEWHERE } from '../protocol.ts';

const { checkpoint, ...WITHOUT_CHECKPOINT } = RUN_FILES;
const OWN: readonly string[] = Object.values(WITHOUT_CHECKPOINT);
/** What is written before a run's first step, by which its folder is known. */
const NEEDED = [RUN_FILES.config, RUN_FILES.split, RUN_FILES.metrics];

/**
 * The runs among files, as a project without datasets; null where there are none. The checkpoint comes along of a run that has a
 * record of the studio's, as one that went on in Python has: it knows its images by their names here. That of another is left
 * behind, and it cannot go on.
 * @param name of the zip or folder, for a run that lies at its top.
 * @param created when the runs were written, milliseconds since 1970; their files do not say it.
 */
export async function runFoldersAmong(
  files: readonly LazyFile[],
  name: string,
  created: number,
): Promise<FoundProject | null> {
  const paths = new Set(files.map(({ path }) => path));
  const tops = files
    .filter(({ path }) => path.split('/').at(-1) === RUN_FILES.metrics)
    .map(({ path }) => path.slice(0, -RUN_FILES.metrics.length))
    .filter((top) => NEEDED.every((file) => paths.has(top + file)));
  if (tops.length === 0) return null;
  const records: RunRecord[] = [];
  const folders = new Map<string, Map<string, LazyFile>>();
  const refusals: Refusal[] = [];
  for (const top of tops) {
    const folder = top.split('/').at(-2) ?? name;
    const own = new Map<string, LazyFile>();
    const isOurs = paths.has(top + RECORD);
    for (const file of files) {
      const path = file.path.slice(top.length);
      const isOwn = OWN.includes(path) || (isOurs && (path === RECORD || path === checkpoint));
      if (file.path.startsWith(top) && isOwn) own.set(path, { ...file, path });
    }
    try {
      const record = await recordOf(own, folder, created);
      records.push(record);
      const bytes = new TextEncoder().encode(JSON.stringify(record));
      own.set(RECORD, { path: RECORD, size: bytes.length, bytes: async () => bytes });
      folders.set(`runs/${record.id}`, own);
    } catch (error) {
      refusals.push(toRefusal(error, folder));
    }
  }
  const models = new Map(records.map(({ modelHash, modelName }) => [modelHash, modelName]));
  const manifest = describeProject(
    {
      datasets: [],
      runs: records.map(({ id, name: own, modelHash }) => ({
        id,
        name: own,
        model: modelHash,
        hasCheckpoint: folders.get(`runs/${id}`)?.has(checkpoint) ?? false,
      })),
      models: [...models].map(([hash, own]) => ({ hash, name: own })),
    },
    created,
  );
  return { manifest, folders, refusals };
}

/** The record of a run: its own where it is one of the studio's, else what its files say. @throws Failure `run/damaged`, `adapter/…`. */
async function recordOf(
  files: ReadonlyMap<string, LazyFile>,
  folder: string,
  created: number,
): Promise<RunRecord> {
  const store = new MemoryStore();
  const run = new RunFiles(store, folder);
  for (const [path, file] of files) await store.write(run.path(path), await file.bytes());
  if (files.has(RECORD)) {
    const record = await readRecord(run);
    if (isProjectId(record.id)) return record;
  }
  const record = await recordOfFiles(run, { name: folder, created });
  return record.status === 'stopped' ? { ...record, failure: leftElsewhere(record) } : record;
}

const leftElsewhere = ({ step, steps }: RunRecord): FailureRecord => ({
  code: LEFT_ELSEWHERE,
  what: `This run was left after step ${step} of ${steps}. It cannot go on here, where its images and its checkpoint are not.`,
  cure: 'Continue it where it was begun: npm run mopeft -- train --resume FOLDER, with the same --model and --data. Then drop its folder here again. Or export it with its images, as a project.',
});
