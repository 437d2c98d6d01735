import { RUN_FILES, type RunConfig, type RunFiles, type RunSplit } from '../run/run-files.ts';
import { type Verdict, VerdictSchema } from '../run/verdict-file.ts';

/** What the files of a run tell of its training. */
export interface RunFacts {
  readonly name: string;
  readonly config: RunConfig;
  readonly split: RunSplit;
  /** Null where it is not over. */
  readonly verdict: Verdict | null;
}

/** Reads them; null where the folder has an adapter alone. @throws Failure `run/damaged`. */
export async function readRunFacts(files: RunFiles, name: string): Promise<RunFacts | null> {
  if (!(await files.isDecided())) return null;
  const hasVerdict = await files.store.exists(files.path(RUN_FILES.verdict));
  return {
    name,
    config: await files.readConfig(),
    split: await files.readSplit(),
    verdict: hasVerdict ? await files.readJson(RUN_FILES.verdict, VerdictSchema) : null,
  };
}
