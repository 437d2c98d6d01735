/**
 * `npm run bench -- gpu`: everything that is worth knowing of a GPU within ten minutes, in the order of its worth, each
 * result written as it comes.
 */
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { toFailureRecord } from '../../../config/failure.ts';
import { parseTrainConfig } from '../../../config/train.ts';
import { MemoryStore } from '../../../data/memory-store.ts';
import { seededCheckpoint } from '../../../engine/conformance/seeded.ts';
import { chooseKernels } from '../../../engine/kernel-choice.ts';
import type { Gpu } from '../../../gpu/gpu.ts';
import { RECIPES } from '../../../peft/recipes.ts';
import { resolveMopeft } from '../../../peft/resolve.ts';
import { parseSamConfig } from '../../../sam/checkpoint/parse-config.ts';
import { loadModel, type SamModel } from '../../../sam/weights.ts';
import { MICRO_SAM, openMicroModel } from '../../../testing/micro-model.ts';
import { choiceFlag, numberFlag, readFlags, wrongArguments } from '../../arguments.ts';
import { openNodeGpu } from '../../node-gpu.ts';
import { openEmbedded } from '../step.ts';
import { describeProfile, describeSummary, passesCsv, rate, summarise, timeSteps } from '../steps.ts';
import {
  attentionCase,
  type KernelCase,
  layernormCase,
  productCases,
  SHAPES,
  TOLERANCE,
  timeKernel,
} from './kernels.ts';
import { type Ceilings, measureCeilings, measureEmpty } from './raw.ts';
import { Stopwatch } from './timing.ts';

/** The bench's name on the command line. */
export const GPU = 'gpu';
export const GPU_USAGE = `  npm run bench -- gpu [--out out/bench-gpu] [--size full|micro] [--minutes 10] [--only PART,…]
  Measures a GPU: ceilings, dispatches, kernels, steps; micro sizes rehearse it.`;

const FLAGS = {
  out: { type: 'string' },
  size: { type: 'string' },
  minutes: { type: 'string' },
  only: { type: 'string' },
} as const;

type Size = 'full' | 'micro';

/** What a part of the script works with. */
interface Bench {
  readonly gpu: Gpu;
  readonly watch: Stopwatch;
  readonly size: Size;
  /** Prints a line, and appends the record to results.jsonl. */
  readonly note: (line: string, record: object) => Promise<void>;
  /** Writes a file of its own. */
  readonly file: (name: string, text: string) => Promise<void>;
  /** Whether there is time for more. */
  readonly hasTime: () => boolean;
  /** Measured by the first part; null when that was left out. */
  ceilings: Ceilings | null;
  /** Set where a value was wrong. */
  isWrong: boolean;
}

const PARTS: ReadonlyMap<string, (bench: Bench) => Promise<void>> = new Map([
  ['ceilings', ceilings],
  ['empty', empty],
  ['products', (bench) => kernels(bench, products(bench.size), 'gflops')],
  ['attention', (bench) => kernels(bench, SHAPES[bench.size].attentions.map(attentionCase), 'gflops')],
  ['layernorm', (bench) => kernels(bench, SHAPES[bench.size].rows.map(layernormCase), 'gbps')],
  ['passes', passes],
  ['steps', steps],
  ['vit-b', vitB],
]);
const MINUTES = 10;

/** Exit status 1 when a value was wrong or a part failed; what was measured before stands in the folder. */
export async function benchGpu(args: readonly string[]): Promise<number> {
  const flags = readFlags(args, FLAGS, GPU_USAGE);
  const size = choiceFlag(flags.size, 'size', ['full', 'micro'], GPU_USAGE) ?? 'full';
  const only = flags.only?.split(',') ?? [...PARTS.keys()];
  const unknown = only.find((name) => !PARTS.has(name));
  if (unknown !== undefined)
    throw wrongArguments(
      `There is no part "${unknown}"`,
      `Write --only with some of ${[...PARTS.keys()].join(', ')}`,
      GPU_USAGE,
    );
  const minutes = numberFlag(flags.minutes, 'minutes', GPU_USAGE, { min: 0 }) ?? MINUTES;
  const folder = resolve(flags.out ?? 'out/bench-gpu');
  await mkdir(folder, { recursive: true });
  const results = join(folder, 'results.jsonl');
  await writeFile(results, '');
  const gpu = await openNodeGpu();
  await chooseKernels(gpu, new MemoryStore());
  const start = performance.now();
  const note: Bench['note'] = async (line, record) => {
    console.log(line);
    const seconds = Number(((performance.now() - start) / 1000).toFixed(1));
    await appendFile(results, `${JSON.stringify({ seconds, ...record })}\n`);
  };
  const bench: Bench = {
    gpu,
    watch: new Stopwatch(gpu),
    size,
    note,
    file: (name, text) => writeFile(join(folder, name), text),
    hasTime: () => performance.now() - start < 60_000 * minutes,
    ceilings: null,
    isWrong: false,
  };
  await describeDevice(bench);
  let hasFailed = false;
  for (const [part, run] of PARTS) {
    if (!only.includes(part)) continue;
    if (!bench.hasTime()) {
      await note(`${part}: left out, since ${minutes} minutes are over`, { part, isLeftOut: true });
      continue;
    }
    try {
      await run(bench);
    } catch (error) {
      hasFailed = true;
      const failure = toFailureRecord(error);
      await note(`${part}: FAILED: ${failure.what}`, { part, failure });
    }
  }
  bench.watch.release();
  console.log(`Results: ${results}`);
  return hasFailed || bench.isWrong ? 1 : 0;
}

function describeDevice({ gpu, watch, size, note }: Bench): Promise<void> {
  const { vendor, architecture, device, description } = gpu.info;
  const { limits } = gpu.device;
  const words = [vendor, architecture, device, description].filter(Boolean).join(' ');
  return note(`GPU adapter: ${words}; timed by ${watch.timer.clock}`, {
    part: 'device',
    size,
    adapter: words,
    traits: gpu.traits,
    clock: watch.timer.clock,
    node: process.version,
    features: [...gpu.device.features],
    limits: {
      bufferLimit: gpu.bufferLimit,
      workgroupBytes: limits.maxComputeWorkgroupStorageSize,
      workgroupThreads: limits.maxComputeInvocationsPerWorkgroup,
    },
  });
}

async function ceilings(bench: Bench): Promise<void> {
  const size =
    bench.size === 'full' && !bench.gpu.traits.isSoftware
      ? { threads: 2 ** 20, rounds: 128, bytes: 2 ** 27 }
      : { threads: 2 ** 14, rounds: 8, bytes: 2 ** 24 };
  bench.ceilings = await measureCeilings(bench.watch, size);
  const { gflops, gbps } = bench.ceilings;
  await bench.note(`ceilings: ${rate(gflops)} GFLOP/s of multiply-adds, ${rate(gbps)} GB/s copied`, {
    part: 'ceilings',
    ...bench.ceilings,
  });
}

async function empty({ watch, note }: Bench): Promise<void> {
  for (const buffers of [1, 32]) {
    for (const count of [1, 10, 100, 1000]) {
      const cost = await measureEmpty(watch, count, buffers);
      const { device, encoding, whole } = cost;
      const us = (value: number) => `${value.toFixed(2)} µs`;
      await note(
        `empty: ${count} dispatches on ${buffers} buffer(s): ${us(device)} each on the device, ${us(encoding)} to record, ${us(whole)} until done`,
        { part: 'empty', ...cost },
      );
    }
  }
}

function products(size: Size): KernelCase[] {
  const shapes = SHAPES[size];
  return [
    ...shapes.products.flatMap((shape) => productCases(shape, false)),
    ...shapes.gradients.flatMap((shape) => productCases(shape, true)),
  ];
}

/** @param by what counts beside its ceiling. */
async function kernels(bench: Bench, cases: readonly KernelCase[], by: 'gflops' | 'gbps'): Promise<void> {
  const { gpu, watch, note } = bench;
  const unit = by === 'gflops' ? 'GFLOP/s' : 'GB/s';
  // Kernels of GPUs beside those of software adapters; full sizes would take a software adapter hours.
  const isTooLong = bench.size === 'full' && gpu.traits.isSoftware;
  const seen = new Set<string>();
  for (const each of cases) {
    for (const isSoftware of familiesOf(each, isTooLong)) {
      if (!bench.hasTime()) return;
      const time = await timeKernel(watch, each, isSoftware);
      const key = `${time.name} ${time.shaders}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const isRight = time.error <= TOLERANCE;
      bench.isWrong ||= !isRight;
      const ceiling = bench.ceilings?.[by];
      const share =
        ceiling === undefined ? '' : `, ${((100 * time[by]) / ceiling).toFixed(1)} % of the ceiling`;
      await note(
        `${time.name}: ${time.microseconds.toFixed(1)} µs, ${rate(time[by])} ${unit}${share}; ${time.shaders}; ` +
          `error ${time.error.toExponential(1)}${isRight ? '' : ' WRONG'}`,
        {
          part: 'kernel',
          isChosen: !each.isFixed,
          ...time,
          ...(ceiling !== undefined && { share: time[by] / ceiling }),
        },
      );
    }
  }
}

/** Whether to plan as for a software adapter. */
function familiesOf({ isFixed }: KernelCase, isTooLong: boolean): readonly boolean[] {
  if (isFixed) return isTooLong ? [] : [false];
  return isTooLong ? [true] : [false, true];
}

async function passes(bench: Bench): Promise<void> {
  await timeModel(bench, 'passes', 3, true, await modelOf(bench));
}

async function steps(bench: Bench): Promise<void> {
  await timeModel(bench, 'steps', bench.size === 'full' ? 30 : 3, false, await modelOf(bench));
}

/** SAM ViT-B at 1024², with drawn weights: its time does not depend on them. */
async function vitB(bench: Bench): Promise<void> {
  if (bench.size === 'micro') {
    await bench.note('vit-b: only at full size', { part: 'vit-b', isLeftOut: true });
    return;
  }
  const config = parseSamConfig({ vision_config: {} }, 'SAM ViT-B');
  const model = await loadModel(bench.gpu, seededCheckpoint('SAM ViT-B', config, 1));
  await timeModel(bench, 'vit-b', 3, true, model, 1);
}

function modelOf({ gpu, size }: Bench): Promise<SamModel> {
  return size === 'full' ? openEmbedded(gpu) : openMicroModel(gpu, MICRO_SAM);
}

/** Steps with the defaults; the model's weights are released after. */
async function timeModel(
  { gpu, note, file, size }: Bench,
  part: string,
  count: number,
  isProfiled: boolean,
  model: SamModel,
  imagesPerStep?: number,
): Promise<void> {
  try {
    const [recipe] = RECIPES;
    const mopeft = resolveMopeft({ methods: recipe?.methods ?? [] }, model.config);
    const micro = { imagesPerStep: 1, objectsPerImage: 1, corrections: 1 };
    const train = parseTrainConfig({
      ...(size === 'micro' && micro),
      ...(imagesPerStep && { imagesPerStep }),
    });
    const timed = await timeSteps({ gpu, model, settings: { mopeft, train }, steps: count, isProfiled });
    const summary = summarise(timed.steps);
    await note(
      `${part}: ${model.name}, ${train.imagesPerStep} image(s), median of ${count}: ${describeSummary(summary)}`,
      {
        part,
        model: model.name,
        train,
        summary,
        first: timed.first,
        steps: timed.steps,
      },
    );
    if (!timed.profile) return;
    await file(`${part}.csv`, passesCsv(timed.profile.passes));
    console.log(describeProfile(timed.profile));
  } finally {
    model.weights.release();
  }
}
