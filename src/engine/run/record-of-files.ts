/** The record of a run that has none, as the command line leaves it, made of its files. */
import type { FieldValue } from '../../config/field.ts';
import { parseRecord } from '../../peft/adapter-file.ts';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { sha256 } from '../../sam/checkpoint/hash.ts';
import { openTensorFile } from '../../sam/checkpoint/open-tensor-file.ts';
import { readCheckpoint } from '../../train/checkpoint.ts';
import { GATE_PREFIX, TRAIN_PREFIX } from '../capabilities.ts';
import type { MetricsLine } from './metrics.ts';
import { commonScale, RUN_FILES, type RunConfig, type RunFiles } from './run-files.ts';
import type { RunRecord, RunStatus } from './run-types.ts';
import { VerdictSchema } from './verdict-file.ts';

const { checkpoint: CHECKPOINT, ...OTHERS } = RUN_FILES;

/**
 * @param about how the run is called, and when it was begun: milliseconds since 1970; its files do not say it.
 * @returns its id follows from its files but for the checkpoint, so that the same run is known when it comes again. One that
 * was left before its end is `interrupted` where it can go on, else `stopped`.
 * @throws Failure `run/damaged`, `adapter/…`, `train/checkpoint`.
 */
export async function recordOfFiles(
  run: RunFiles,
  { name, created }: Pick<RunRecord, 'name' | 'created'>,
): Promise<RunRecord> {
  const config = await run.readConfig();
  const metrics = await run.readMetrics();
  const adapter = await run.readAdapterPair();
  const training = adapter && parseRecord({ ...adapter.json, text: decode(adapter.json.bytes) }).training;
  const taken = metrics.flatMap((line) => (line.type === 'step' ? [line] : []));
  const step = taken.at(-1)?.step ?? 0;
  const steps = typeof config.train.steps === 'number' ? config.train.steps : step;
  const hasVerdict = await run.store.exists(run.path(RUN_FILES.verdict));
  const verdict = hasVerdict ? await run.readJson(RUN_FILES.verdict, VerdictSchema) : null;
  const checkpoint = await run.readIfThere(CHECKPOINT);
  const state = checkpoint && (await readCheckpoint(checkpoint, run.path(CHECKPOINT))).state;
  // A run with patience may end before its last step, which only a checkpoint tells, and one without test images has no verdict.
  const { patience } = config.train;
  const isPatient = !patience || (state !== null && state.evaluationsSinceBest < patience);
  const isLeft = verdict === null && step < steps && isPatient;
  const left: RunStatus = state ? 'interrupted' : 'stopped';
  return {
    id: await idOf(run),
    name,
    status: isLeft ? left : 'finished',
    step,
    steps,
    settings: settingsOf(config, name),
    datasets: config.datasets.map((dataset) => ({ id: dataset.key, name: dataset.name })),
    scale: commonScale(config.datasets),
    modelName: config.model.name,
    modelHash: config.model.hash,
    created,
    updated: created,
    bestStep: training ? numberOr(training.step, 0) : null,
    bestScore: training ? numberOr(training.score, null) : null,
    secondsPerStep: meanSeconds(taken),
    checkpointStep: state ? state.step : null,
    failure: null,
    verdict,
    ...(adapter && { trainableCount: await numbersIn(adapter.weights) }),
  };
}

async function idOf(run: RunFiles): Promise<string> {
  const lines: string[] = [];
  for (const path of Object.values(OTHERS)) {
    const bytes = await run.readIfThere(path);
    if (bytes) lines.push(`${path} ${await sha256(bytes)}`);
  }
  return `run-${(await sha256(new TextEncoder().encode(lines.sort().join('\n')))).slice(0, 16)}`;
}

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
