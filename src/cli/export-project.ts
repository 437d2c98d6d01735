import { mkdtemp, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { plural } from '../config/words.ts';
import { storeRunProject } from '../engine/project/run-project.ts';
import { prepareProject } from '../engine/project/write-project.ts';
import { RUN_FILES } from '../engine/run/run-files.ts';
import { readFlags, requiredFlag } from './arguments.ts';
import { statOf } from './input-files.ts';
import { NodeStore } from './node-store.ts';
import { openData, runFolder } from './open.ts';
import { READING_FLAGS, readingChanges } from './reading-flags.ts';
import { expectFree, isZipPath, makeFolder, notWritten, writeFiles } from './write-files.ts';

export const PROJECT_USAGE = `  npm run mopeft -- export --run RUN --as project --data DIR [--data DIR …] --out FILE.zip|DIR
  Writes a run with its datasets as the studio's project: dropped on its page, the run goes on there, and
  python -m mopeft.train goes on with it. --run is a run's folder, --data its datasets.`;

/** `mopeft export --as project`: a run of the command line with its images, as the studio exports them. */
export async function exportProject(args: readonly string[], usage: string): Promise<number> {
  const options = {
    run: { type: 'string' },
    as: { type: 'string' },
    data: { type: 'string', multiple: true },
    out: { type: 'string' },
    ...READING_FLAGS,
  } as const;
  const flags = readFlags(args, options, usage);
  const runPath = requiredFlag(flags.run, 'run', usage);
  const folders = requiredFlag(flags.data, 'data', usage);
  const out = requiredFlag(flags.out, 'out', usage);
  const run = runFolder(runPath);
  await run.readConfig();
  await expectFree(out);
  const changes = readingChanges(flags, usage);
  const given = await Promise.all(folders.map((folder) => openData(folder, changes)));
  const { mtimeMs } = await statOf(join(runPath, RUN_FILES.config), 'Give the folder of a run.');
  const about = { name: basename(resolve(runPath)), created: Math.round(mtimeMs) };
  await makeFolder(dirname(resolve(out)));
  const kept = await mkdtemp(join(dirname(resolve(out)), '.mopeft-project-')).catch(notWritten(out));
  try {
    const store = new NodeStore(kept);
    const items = await storeRunProject(store, run, given, about);
    const project = await prepareProject(store, items, Date.now());
    const count = await writeFiles(
      project.files(() => undefined),
      out,
    );
    const what = isZipPath(out) ? 'A project' : 'A project in a folder';
    console.log(
      `${out}: ${what} of ${plural(items.datasets.length, 'dataset')} and the run ${about.name}, ${plural(count, 'file')}`,
    );
  } finally {
    await rm(kept, { recursive: true, force: true });
  }
  return 0;
}
