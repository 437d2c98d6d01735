/**
 * `npm run bench -- growth`: how dispatches, arithmetic, memory and processor time grow with the image, the objects and the
 * images of a step; see docs/measurements/training-step.md.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MopeftConfig } from '../../config/mopeft.ts';
import type { SamConfig } from '../../config/sam.ts';
import { parseTrainConfig, type TrainConfig } from '../../config/train.ts';
import { seededCheckpoint } from '../../engine/conformance/seeded.ts';
import type { BufferRange, Gpu } from '../../gpu/gpu.ts';
import type { AdapterTraits } from '../../gpu/traits.ts';
import { Executable, Pool } from '../../graph/executable.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Plan } from '../../graph/plan.ts';
import { RECIPES } from '../../peft/recipes.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { parseSamConfig } from '../../sam/checkpoint/parse-config.ts';
import { planSession } from '../../sam/executable-cache.ts';
import { decodeGraph, encodeGraph } from '../../sam/graphs.ts';
import { loadModel } from '../../sam/weights.ts';
import { countWork, estimateMemory } from '../../train/estimate.ts';
import { planRequest, planTraining } from '../../train/plan-training.ts';
import { numberFlag, readFlags, wrongArguments } from '../arguments.ts';
import { openNodeGpu } from '../node-gpu.ts';
import { DEFAULT_DEVICE } from '../plan.ts';
import { normalNumbers } from './page/numbers.ts';
import { EMBEDDED } from './step.ts';
import { timeSteps } from './steps.ts';

/** The bench's name on the command line. */
export const GROWTH = 'growth';
export const GROWTH_USAGE = `  npm run bench -- growth [--runs 3] [--only SERIES] [--json FILE]
  Shows how dispatches, memory and processor time grow with the image, the objects and the images of a step; with
  --only those series whose name begins with that.`;

const FLAGS = { runs: { type: 'string' }, only: { type: 'string' }, json: { type: 'string' } } as const;
const RUNS = 3;

/** What a plan takes. */
export interface Planned {
  readonly dispatches: number;
  /** Multiply and add counted as two. */
  readonly flops: number;
  /** The pool of a graph; all memory of a step. */
  readonly bytes: number;
  /** Of a step: dispatches of the encoder alone. */
  readonly encoderDispatches?: number;
}

/** Something that is done at several sizes. */
export interface Series {
  readonly what: string;
  readonly unit: string;
  readonly sizes: readonly number[];
  readonly plan: (size: number, traits: AdapterTraits) => Planned;
  /** Processor seconds of each of so many runs; null where a software adapter would take too long. */
  readonly time: ((size: number, gpu: Gpu, runs: number) => Promise<number[]>) | null;
}

/** The embedded model's widths and depth with SAM's patches of 16 px, so that 1024 px have the tokens of SAM ViT-B. */
export async function growthModel(imageSize: number): Promise<SamConfig> {
  const json: unknown = JSON.parse(await readFile(join(EMBEDDED, 'config.json'), 'utf8'));
  return { ...parseSamConfig(json, 'config.json'), imageSize, stride: 16 };
}

/** Every series, for a model whose image size may be changed. */
export function allSeries(model: SamConfig): Series[] {
  const at = (imageSize: number): SamConfig => ({ ...model, imageSize });
  const windowed = (imageSize: number): SamConfig => {
    const { encoder } = model;
    return { ...at(imageSize), encoder: { ...encoder, ...{ globalAttnIndexes: [] } } };
  };
  const pixels = [256, 512, 1024];
  return [
    graphSeries('encoder', 'px', pixels, (size) => encodeGraph(at(size))),
    graphSeries('encoder, every block windowed', 'px', pixels, (size) => encodeGraph(windowed(size))),
    graphSeries('decoder, a click an object', 'objects', [1, 5, 25], (objects) =>
      decodeGraph(model, { objects, tokens: 2, hasMask: false }),
    ),
    stepSeries('step of 5 objects an image', 'images', [1, 3, 8], (imagesPerStep) => ({
      model,
      train: parseTrainConfig({ imagesPerStep }),
    })),
    stepSeries('step of one image', 'objects', [1, 5, 25], (objectsPerImage) => ({
      model,
      train: parseTrainConfig({ imagesPerStep: 1, objectsPerImage }),
    })),
    {
      ...stepSeries('step of one image and 5 objects', 'px', pixels, (size) => ({
        model: at(size),
        train: parseTrainConfig({ imagesPerStep: 1 }),
      })),
      time: null,
    },
  ];
}

function graphSeries(
  what: string,
  unit: string,
  sizes: readonly number[],
  trace: (size: number) => Graph,
): Series {
  return {
    what,
    unit,
    sizes,
    plan: (size, traits) => {
      const plan = planSession(trace(size), { traits });
      return { ...workOf(plan), bytes: plan.poolBytes };
    },
    time: (size, gpu, runs) => timePlan(gpu, planSession(trace(size), gpu), runs),
  };
}

interface SizedStep {
  readonly model: SamConfig;
  readonly train: TrainConfig;
}

/** @param at the model and settings of a size; MoPEFT is in every block. */
function stepSeries(
  what: string,
  unit: string,
  sizes: readonly number[],
  at: (size: number) => SizedStep,
): Series {
  return {
    what,
    unit,
    sizes,
    plan: (size, traits) => {
      const { model, train } = at(size);
      const plans = planTraining(planRequest(model, mopeftOf(model), train, { ...DEFAULT_DEVICE, traits }));
      const { passes, flops } = countWork(plans, train);
      const encoderDispatches =
        (workOf(plans.encoder).dispatches * train.imagesPerStep) / plans.imagesPerPass;
      return { dispatches: passes, flops, bytes: estimateMemory(plans).peakBytes, encoderDispatches };
    },
    time: async (size, gpu, runs) => {
      const { model: config, train } = at(size);
      const model = await loadModel(gpu, seededCheckpoint('seeded', config, 1));
      const ends: number[] = [];
      try {
        const settings = { mopeft: mopeftOf(config), train };
        const onStep = () => void ends.push(processorSeconds());
        await timeSteps({ gpu, model, settings, steps: runs + 1, isProfiled: false, onStep });
      } finally {
        model.weights.release();
      }
      // A step is reported once the next one has run, and so the last two at once; the first compiles.
      return ends.slice(1, -1).map((end, i) => end - (ends[i] ?? end));
    },
  };
}

function mopeftOf(model: SamConfig): MopeftConfig {
  return resolveMopeft({ methods: RECIPES[0]?.methods ?? [] }, model);
}

function workOf({ passes }: Plan): { readonly dispatches: number; readonly flops: number } {
  return { dispatches: passes.length, flops: passes.reduce((sum, { pass }) => sum + pass.flops, 0) };
}

/** Runs a plan on drawn numbers: what it computes does not matter here, since time does not depend on it. */
async function timePlan(gpu: Gpu, plan: Plan, runs: number): Promise<number[]> {
  const inputs = new Map<string, BufferRange>();
  for (const [name, bytes] of plan.inputs)
    inputs.set(name, gpu.upload(normalNumbers(name, bytes / 4, 0.05), name));
  const pool = Pool.allocate(gpu, [plan], GROWTH);
  try {
    const executable = await Executable.create(gpu, plan, pool, (name) => inputs.get(name));
    const times: number[] = [];
    for (let run = 0; run <= runs; run++) {
      const start = processorSeconds();
      await executable.run();
      await gpu.idle();
      times.push(processorSeconds() - start);
    }
    return times.slice(1);
  } finally {
    pool.release();
    for (const { buffer } of inputs.values()) gpu.release(buffer);
  }
}

/** Of this whole process, which under a software adapter is where a dispatch is computed. */
function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Plans every series for a GPU and for the adapter at hand, and times it there. */
export async function benchGrowth(args: readonly string[]): Promise<number> {
  const flags = readFlags(args, FLAGS, GROWTH_USAGE);
  const runs = numberFlag(flags.runs, 'runs', GROWTH_USAGE, { min: 1, integer: true }) ?? RUNS;
  const only = flags.only ?? '';
  const all = allSeries(await growthModel(256));
  const series = all.filter(({ what }) => what.startsWith(only));
  if (series.length === 0)
    throw wrongArguments(
      `There is no series "${only}"`,
      `Write --only with the beginning of one of ${all.map(({ what }) => what).join(', ')}`,
      GROWTH_USAGE,
    );
  const gpu = await openNodeGpu();
  const adapter = [gpu.info.vendor, gpu.info.architecture, gpu.info.description].filter(Boolean).join(' ');
  console.log(
    `GPU adapter: ${adapter}${gpu.traits.isSoftware ? ' (software)' : ''}; processor time of this process`,
  );
  const rows: object[] = [];
  for (const { what, unit, sizes, plan, time } of series) {
    console.log(`\n${what}\n| ${unit} | ${HEADER}`);
    let first: Row | null = null;
    for (const size of sizes) {
      const times = (await time?.(size, gpu, runs)) ?? [];
      const row = {
        planned: plan(size, DEFAULT_DEVICE.traits),
        here: plan(size, gpu.traits),
        least: times.length > 0 ? Math.min(...times) : null,
      };
      first ??= row;
      console.log(describeRow(String(size), row, first));
      rows.push({ what, unit, size, ...row, times });
    }
  }
  if (flags.json) await writeFile(flags.json, `${JSON.stringify({ adapter, runs, rows }, null, 1)}\n`);
  return 0;
}

interface Row {
  readonly planned: Planned;
  readonly here: Planned;
  /** Least processor seconds of a run; null where none was timed. */
  readonly least: number | null;
}

const HEADER =
  'dispatches | of the encoder | GFLOP | × | MiB | × | on this adapter: dispatches | MiB | processor, s | × |';

/** A line of a table: planned for a GPU, planned for the adapter, timed on it; × is against the first size. */
function describeRow(size: string, { planned, here, least }: Row, first: Row): string {
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  const times = (now: number, before: number) => (now / before).toFixed(1);
  const cells = [
    size,
    planned.dispatches,
    planned.encoderDispatches ?? '',
    (planned.flops / 1e9).toFixed(2),
    times(planned.flops, first.planned.flops),
    mib(planned.bytes),
    times(planned.bytes, first.planned.bytes),
    here.dispatches,
    mib(here.bytes),
    least?.toFixed(2) ?? '',
    least && first.least ? times(least, first.least) : '',
  ];
  return `| ${cells.join(' | ')} |`;
}
