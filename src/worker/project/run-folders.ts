/** Run folders that came outside a project, as the command line writes them: each made a run of a project. */

import type { FailureRecord } from '../../config/failure.ts';
import type { LazyFile } from '../../data/lazy-file.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { toRefusal } from '../../data/outcome.ts';
import type { FoundProject } from '../../data/project/project-files.ts';
import { describeProject, isProjectId } from '../../data/project/project-manifest.ts';
import type { Refusal } from '../../data/types.ts';
import { GATE_PREFIX, TRAIN_PREFIX } from '../../engine/capabilities.ts';
import type { MetricsLine } from '../../engine/run/metrics.ts';
import { commonScale, RUN_FILES, type RunConfig, RunFiles } from '../../engine/run/run-files.ts';
import { VerdictSchema } from '../../engine/run/verdict.ts';
import { parseRecord } from '../../peft/adapter-file.ts';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { sha256 } from '../../sam/checkpoint/hash.ts';
import { openTensorFile } from '../../sam/checkpoint/open-tensor-file.ts';
import { type FieldValue, LEFT_ELSEWHERE } from '../protocol.ts';
import { RECORD, type RunRecord, readRecord } from '../runs/run-repository.ts';

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
  const lines: string[] = [];
  for (const [path, file] of files) {
    const bytes = await file.bytes();
    await store.write(run.path(path), bytes);
    lines.push(`${path} ${await sha256(bytes)}`);
  }
  if (files.has(RECORD)) {
    const record = await readRecord(run);
    if (isProjectId(record.id)) return record;
  }
  const config = await run.readConfig();
  const metrics = await run.readMetrics();
  const adapter = await run.readAdapterPair();
  const training = adapter && parseRecord({ ...adapter.json, text: decode(adapter.json.bytes) }).training;
  const taken = metrics.flatMap((line) => (line.type === 'step' ? [line] : []));
  const step = taken.at(-1)?.step ?? 0;
  const steps = typeof config.train.steps === 'number' ? config.train.steps : step;
  const verdict = files.has(RUN_FILES.verdict) ? await run.readJson(RUN_FILES.verdict, VerdictSchema) : null;
  // A run with patience may end before its last step, and one without test images has no verdict.
  const isLeft = verdict === null && step < steps && !config.train.patience;
  return {
    // The same run is known when it comes again.
    id: `run-${(await sha256(new TextEncoder().encode(lines.sort().join('\n')))).slice(0, 16)}`,
    name: folder,
    status: isLeft ? 'stopped' : 'finished',
    step,
    steps,
    settings: settingsOf(config, folder),
    datasets: config.datasets.map(({ key, name }) => ({ id: key, name })),
    scale: commonScale(config.datasets),
    modelName: config.model.name,
    modelHash: config.model.hash,
    created,
    updated: created,
    bestStep: training ? numberOr(training.step, 0) : null,
    bestScore: training ? numberOr(training.score, null) : null,
    secondsPerStep: meanSeconds(taken),
    checkpointStep: null,
    failure: isLeft ? leftElsewhere(step, steps) : null,
    verdict,
    ...(adapter && { trainableCount: await numbersIn(adapter.weights) }),
  };
}

const leftElsewhere = (step: number, steps: number): FailureRecord => ({
  code: LEFT_ELSEWHERE,
  what: `This run was left after step ${step} of ${steps}. It cannot go on here, where its images and its checkpoint are not.`,
  cure: 'Continue it where it was begun: npm run mopeft -- train --resume FOLDER, with the same --model and --data. Then drop its folder here again.',
});

const numberOr = <T>(value: unknown, other: T): number | T => (typeof value === 'number' ? value : other);

/** As a person would have chosen them; of single blocks only whether they are late ones. */
function settingsOf({ mopeft, train, datasets }: RunConfig, name: string): RunRecord['settings'] {
  const { methods, gate, blocks, trainDecoder, budget, token } = mopeft;
  const groups: [string, object][] = [
    [TRAIN_PREFIX, { ...train, blocks: (blocks[0] ?? 0) > 0 ? 'late' : 'all', ...(token && { token }) }],
    [GATE_PREFIX, budget === undefined ? {} : { budget }],
    ...Object.entries(methods),
  ];
  const values = groups.flatMap(([group, settings]) =>
    Object.entries(settings).map(([field, value]): [string, FieldValue] => [`${group}.${field}`, value]),
  );
  return {
    name,
    datasetIds: datasets.map(({ key }) => key),
    methods: Object.keys(methods),
    trainDecoder,
    gate,
    values: Object.fromEntries(values),
  };
}

/** Of the last steps, as while a run is under way. */
function meanSeconds(steps: readonly Extract<MetricsLine, { type: 'step' }>[]): number | null {
  const last = steps.slice(-20);
  return last.length === 0 ? null : last.reduce((sum, { ms }) => sum + ms, 0) / last.length / 1000;
}

async function numbersIn({ name, bytes }: { readonly name: string; readonly bytes: Uint8Array }) {
  const { tensors } = await openTensorFile(bytesSource(name, bytes));
  return [...tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
