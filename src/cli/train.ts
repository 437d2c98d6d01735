import { statfs } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Failure, toFailureRecord } from '../config/failure.ts';
import { parseStoredTrainConfig } from '../config/train.ts';
import { resumedDataset, runDataset, uniqueKeys } from '../engine/datasets.ts';
import { GpuQueue } from '../engine/gpu-queue.ts';
import type { MetricsLine } from '../engine/run/metrics.ts';
import { planRun } from '../engine/run/plan-run.ts';
import { resumeTraining, startTraining } from '../engine/run/run.ts';
import type { Run, RunDataset, RunObserver, RunOutcome, RunParts } from '../engine/run/run-types.ts';
import { tellsDatasetsApart } from '../peft/datasets.ts';
import { type PlanRequest, planTraining } from '../train/plan-training.ts';
import { folderBytes } from '../train/token-cache.ts';
import { numberFlag, readFlags, requiredFlag, wrongArguments } from './arguments.ts';
import { MODEL_FLAGS, MODEL_USAGE, modelChoices } from './model-flags.ts';
import { atScale, openCliModel, openData, runFolder, scaleFlag } from './open.ts';
import { CLI_CACHE_BYTES, openDataThread } from './open-data-thread.ts';
import { READING_FLAGS, READING_USAGE, readingChanges } from './reading-flags.ts';
import { SETTINGS_FLAGS, SETTINGS_USAGE, settingsOf, trainSettingsOf } from './settings-flags.ts';

const USAGE = `  npm run mopeft -- train --model DIR|FILE --data DIR [--data DIR …] --method M --out RUN
      [--steps N] [--seed S] [--split-order shuffled|name] [--scale whole|N] [--min-size 4]
  npm run mopeft -- train --resume RUN --model DIR|FILE --data DIR [--data DIR …]
  --model is a file of weights, a folder of them, or an id of mopeft models. --data is a folder of images and masks, or a zip of
  one, once for each dataset. RUN is a new folder. --steps are 300 by default. --seed (0) draws split, prompts and initial values;
  --split-order name splits in blocks by name, for slices of one volume.
  --scale N trains on crops of N pixels around objects, at the images' own scale; by default crops in which the median
  object is 32 pixels wide on the model's input, or whole images where it is 24 already. Objects under --min-size pixels wide on
  the model's input are left out.
  Ctrl+C writes a checkpoint and ends; --resume continues from it.
${SETTINGS_USAGE}
${MODEL_USAGE}
${READING_USAGE}`;

const FLAGS = {
  model: { type: 'string' },
  data: { type: 'string', multiple: true },
  steps: { type: 'string' },
  seed: { type: 'string' },
  out: { type: 'string' },
  'split-order': { type: 'string' },
  'min-size': { type: 'string' },
  scale: { type: 'string' },
  resume: { type: 'string' },
  ...SETTINGS_FLAGS,
  ...MODEL_FLAGS,
  ...READING_FLAGS,
} as const;

type Flags = ReturnType<typeof readTrainFlags>;

const readTrainFlags = (args: readonly string[]) => readFlags(args, FLAGS, USAGE);

/** `mopeft train`: trains, or continues a run; RUN then holds what `src/engine/run/run-files.ts` lists. */
export async function train(args: readonly string[]): Promise<number> {
  const flags = readTrainFlags(args);
  if (flags.resume !== undefined) expectNothingNew(flags);
  const modelPath = requiredFlag(flags.model, 'model', USAGE);
  // A folder that is named twice is meant once.
  const folders = [...new Set(requiredFlag(flags.data, 'data', USAGE).map((folder) => resolve(folder)))];
  const out = flags.resume ?? requiredFlag(flags.out, 'out', USAGE);
  if (flags.resume === undefined) requiredFlag(flags.method, 'method', USAGE);
  const files = runFolder(out);
  if (flags.resume !== undefined && !(await files.isDecided()))
    throw new Failure({
      code: 'run/no-run',
      what: 'No run was begun here.',
      where: out,
      cure: 'Name the folder that a training wrote, or start it with --out.',
    });
  const { weights } =
    flags.resume === undefined
      ? await trainSettingsOf(flags, USAGE, trainFlags(flags))
      : parseStoredTrainConfig((await files.readConfig()).train);
  const { gpu, model } = await openCliModel(modelPath, modelChoices(flags, USAGE), weights);
  const parts: RunParts = {
    gpu,
    queue: new GpuQueue(),
    model,
    files,
    name: basename(resolve(out)),
    observer: new Printing(),
    openDataThread,
    cacheBytes: CLI_CACHE_BYTES,
    spareBytes: async () => {
      const { bavail, bsize } = await statfs(out);
      return folderBytes(bavail * bsize);
    },
  };
  const run =
    flags.resume === undefined ? await start(parts, flags, folders) : await goOn(parts, flags, folders);
  const interrupt = () => {
    console.error('\nFinishing the step and writing a checkpoint …');
    run.pause();
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const outcome = await run.done.catch((error) => {
    throw withResume(error, run.progress.checkpointStep, out);
  });
  conclude(outcome, out);
  gpu.destroy();
  return 0;
}

/** A failure that says how the run goes on, where it can: with numbers out of bounds it would come to the same end. */
function withResume(error: unknown, checkpointStep: number | null, out: string): unknown {
  const record = toFailureRecord(error);
  if (checkpointStep === null || record.code === 'train/not-finite') return error;
  const cure = `${record.cure} Then continue from step ${checkpointStep} with --resume ${out}`;
  return new Failure({ ...record, cure }, { cause: error });
}

/** A resumed run keeps its settings: what would say others is refused rather than passed over. */
function expectNothingNew(flags: Flags): void {
  const kept = ['resume', 'model', 'data', ...Object.keys(MODEL_FLAGS), ...Object.keys(READING_FLAGS)];
  const other = Object.keys(flags).find((name) => !kept.includes(name));
  if (other !== undefined)
    throw wrongArguments(
      `--${other} is for a new run: one that is resumed keeps the settings of its start`,
      `Leave --${other} out, or start a run anew with --out`,
      USAGE,
    );
}

async function start(parts: RunParts, flags: Flags, folders: readonly string[]): Promise<Run> {
  const settings = await settingsOf(flags, parts.model.config, USAGE, trainFlags(flags));
  const changes = readingChanges(flags, USAGE);
  const scale = scaleFlag(flags.scale, USAGE);
  const folderDatasets = await Promise.all(folders.map((folder) => openData(folder, changes)));
  const { imageSize } = parts.model.config;
  const opened = folderDatasets.map((folder) => atScale(folder, scale, imageSize));
  const keys = uniqueKeys(opened.map(({ name }) => name));
  const { seed, splitOrder } = settings.train;
  const datasets = opened.map((dataset, i): RunDataset => {
    const name = { key: keys[i] ?? dataset.name, name: dataset.name };
    return runDataset(name, dataset, seed, splitOrder);
  });
  const plan = planRun(parts.gpu, parts.model, settings, datasets);
  const [problem] = plan.problems;
  if (problem) throw new Failure(problem);
  const { train: trained, val, test } = plan.images;
  const mib = (plan.memory.peakBytes / 2 ** 20).toFixed(0);
  console.log(
    `${plan.trainableCount} trainable parameters, ${mib} MiB of GPU memory, ${trained} / ${val} / ${test} images to train / validate / test`,
  );
  if (!tellsDatasetsApart(settings.mopeft))
    for (const each of plan.opposed)
      console.log(`${each.sentence} --gate task keeps them apart; --as DATASET then says which is meant.`);
  if (val === 0) console.log('There is no validation image, so the weights of the last step are kept.');
  if (test === 0) console.log('There is no test image, so the gain over the base model is not measured.');
  // A run that takes modules out plans anew.
  let first = plan.plans;
  const planned = async (request: PlanRequest) => {
    const plans = first ?? planTraining(request);
    first = null;
    return plans;
  };
  return startTraining({ ...parts, plan: planned }, settings, datasets);
}

async function goOn(parts: RunParts, flags: Flags, folders: readonly string[]): Promise<Run> {
  const config = await parts.files.readConfig();
  const splits = await parts.files.readSplit();
  const changes = readingChanges(flags, USAGE);
  const folderDatasets = await Promise.all(folders.map((folder) => openData(folder, changes)));
  const opened = folderDatasets.map(({ dataset }) => dataset);
  const keys = uniqueKeys(opened.map(({ name }) => name));
  const datasets = opened.flatMap((dataset, i): RunDataset[] => {
    const key = keys[i] ?? dataset.name;
    const split = splits[key];
    return split ? [resumedDataset({ key, name: dataset.name }, dataset, split)] : [];
  });
  return resumeTraining(parts, config, datasets);
}

/** What flags say of the training. */
function trainFlags(flags: Flags): Readonly<Record<string, number | string>> {
  const steps = numberFlag(flags.steps, 'steps', USAGE, { min: 1, integer: true });
  const seed = numberFlag(flags.seed, 'seed', USAGE, { min: 0, max: 2 ** 32 - 1, integer: true });
  const minSize = numberFlag(flags['min-size'], 'min-size', USAGE, { min: 0 });
  const splitOrder = flags['split-order'];
  return {
    ...(steps !== undefined && { steps }),
    ...(seed !== undefined && { seed }),
    ...(splitOrder !== undefined && { splitOrder }),
    ...(minSize !== undefined && { minSize }),
  };
}

/** Prints what the run's metrics record, and on the error stream what it does until the next of them. */
class Printing implements RunObserver {
  private readonly told = new Set<string>();

  onMetrics(lines: readonly MetricsLine[]): void {
    this.told.clear();
    for (const line of lines) if (!isWithoutGates(line)) console.log(worded(line));
  }

  onActivity(label: string): void {
    if (!this.told.has(label)) console.error(`${label} …`);
    this.told.add(label);
  }

  onNotice(text: string): void {
    console.error(text);
  }
}

/** Whether a line is of gates where nothing has one: the mask decoder alone is trained. */
function isWithoutGates(line: MetricsLine): boolean {
  return line.type === 'gates' && line.layers.every((layer) => Object.keys(layer).length === 0);
}

function worded(line: MetricsLine): string {
  switch (line.type) {
    case 'step':
      return `step ${line.step}  loss ${line.loss.toFixed(4)}  (focal ${line.focal.toFixed(4)}, dice ${line.dice.toFixed(4)}, iou ${line.iou.toFixed(4)})  ${(line.ms / 1000).toFixed(1)} s`;
    case 'eval':
      return `step ${line.step}  ${line.dataset} ${line.split}  box IoU ${line.box_iou.toFixed(4)}  click IoU ${line.click_iou.toFixed(4)}  n = ${line.n}${line.measured_at ? `  (measured at ${line.measured_at} pixels)` : ''}`;
    case 'gates':
      return `step ${line.step}  ${line.dataset} gates  ${meanGates(line.layers)}`;
    case 'modules':
      return `step ${line.step}  modules left  ${modulesLeft(line)}`;
  }
}

/** "lora 0,1,4  adapter 2  (1234 parameters)" */
function modulesLeft({ left, parameters }: Extract<MetricsLine, { type: 'modules' }>): string {
  const methods = [...new Set(left.flat())];
  const blocksOf = (method: string) => left.flatMap((own, block) => (own.includes(method) ? [block] : []));
  const each = methods.map((method) => `${method} ${blocksOf(method).join(',')}`);
  return [...each, `(${parameters} parameters)`].join('  ');
}

/** Each method's gate as the mean over the blocks that have it. */
function meanGates(layers: readonly Readonly<Record<string, number>>[]): string {
  const methods = [...new Set(layers.flatMap((layer) => Object.keys(layer)))];
  return methods
    .map((method) => {
      const values = layers.flatMap((layer) => layer[method] ?? []);
      return `${method} ${(values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(3)}`;
    })
    .join('  ');
}

function conclude({ status, step, bestStep, bestScore, verdict }: RunOutcome, out: string): void {
  if (status === 'paused') {
    console.log(`Paused after step ${step}; continue with --resume ${out}`);
    return;
  }
  if (verdict) console.log(`${verdict.sentence} ${verdict.suggestion}`);
  const weights =
    bestStep === 0
      ? 'the base model as it is'
      : bestScore === null
        ? 'the weights of the last step'
        : 'the best weights';
  console.log(`${out}: adapter.safetensors and adapter.json hold ${weights}`);
}
