import { Failure } from '../config/failure.ts';
import type { ModelChoices } from '../config/model-choices.ts';
import type { SamConfig } from '../config/sam.ts';
import { textOf } from '../config/text-of.ts';
import { variantsRepeat } from '../data/augment.ts';
import { planCost } from '../engine/run/plan-run.ts';
import { parseSamConfig } from '../sam/checkpoint/parse-config.ts';
import { countWork } from '../train/estimate.ts';
import { planRequest } from '../train/plan-training.ts';
import type { DeviceTraits } from '../train/plans.ts';
import { choiceFlag, numberFlag, readFlags, requiredFlag } from './arguments.ts';
import { modelSources } from './input-files.ts';
import { MODEL_FLAGS, MODEL_USAGE, modelChoices } from './model-flags.ts';
import { printResult } from './report.ts';
import { SETTINGS_FLAGS, SETTINGS_USAGE, settingsOf } from './settings-flags.ts';

const USAGE = `  npm run mopeft -- plan --model DIR|FILE|config.json --method M [--images 3] [--objects 5] [--adapter gpu|software]
                              [--json]
${SETTINGS_USAGE}
${MODEL_USAGE}`;

const FLAGS = {
  model: { type: 'string' },
  images: { type: 'string' },
  objects: { type: 'string' },
  adapter: { type: 'string' },
  json: { type: 'boolean' },
  ...SETTINGS_FLAGS,
  ...MODEL_FLAGS,
} as const;

/** What `plan --json` prints. */
export interface StepReport {
  /** GPU memory of the run. */
  readonly peakBytes: number;
  /** What it is made of, by name, bytes. */
  readonly parts: Readonly<Record<string, number>>;
  /** The largest buffer, bytes. */
  readonly largestBinding: number;
  /** Numbers that are trained. */
  readonly trainable: number;
  /** Dispatches of a step. */
  readonly passes: number;
  /** Kernels that are compiled before its first. */
  readonly pipelines: number;
  /** Times that a step waits on the host for a result of its own. */
  readonly reads: number;
  /** Arithmetic of a step, multiply and add counted as two. */
  readonly gflopPerStep: number;
  /**
   * Of the blocks below the first module, once for each image and view of it: validation images, and where crops,
   * brightness and contrast are off training images too, whose steps are counted without.
   */
  readonly gflopPerView: number;
  /** Images that share a pass of the encoder. */
  readonly imagesPerPass: number;
  /** Objects that share a pass of the decoder. */
  readonly objectsPerPass: number;
}

/** A GPU with WebGPU's default limits and the kernels for GPUs: what is planned for it runs everywhere. */
export const DEFAULT_DEVICE: DeviceTraits = {
  traits: { isSoftware: false, hasSubgroups: false },
  bufferLimit: 128 * 2 ** 20,
};

/** The adapters that a plan can be for, by the traits that choose kernels. */
const ADAPTERS = {
  gpu: DEFAULT_DEVICE,
  // As Dawn's own, which has subgroups.
  software: { ...DEFAULT_DEVICE, traits: { ...DEFAULT_DEVICE.traits, isSoftware: true, hasSubgroups: true } },
} as const satisfies Readonly<Record<string, DeviceTraits>>;

/** `mopeft plan`: what a training would take, without a device and without reading a weight. 1 when it does not fit. */
export async function plan(args: readonly string[]): Promise<number> {
  const flags = readFlags(args, FLAGS, USAGE);
  const path = requiredFlag(flags.model, 'model', USAGE);
  requiredFlag(flags.method, 'method', USAGE);
  const device = ADAPTERS[choiceFlag(flags.adapter, 'adapter', ['gpu', 'software'], USAGE) ?? 'gpu'];
  const images = numberFlag(flags.images, 'images', USAGE, { min: 1, integer: true });
  const objects = numberFlag(flags.objects, 'objects', USAGE, { min: 1, integer: true });
  const sam = await configOf(path, modelChoices(flags, USAGE));
  const { mopeft, train } = await settingsOf(flags, sam, USAGE, {
    ...(images !== undefined && { imagesPerStep: images }),
    ...(objects !== undefined && { objectsPerImage: objects }),
  });
  const { plans, cost } = planCost(planRequest(sam, mopeft, train, device));
  const [problem] = cost.problems;
  if (!plans)
    throw new Failure(problem ?? { code: 'internal', what: 'Nothing was planned.', cure: 'Report it.' });
  const { passes, pipelines, reads, flops, lowerFlops } = countWork(plans, train);
  const report: StepReport = {
    peakBytes: cost.memory.peakBytes,
    parts: Object.fromEntries(cost.memory.parts.map(({ label, bytes }) => [label, bytes])),
    largestBinding: cost.memory.largestBufferBytes,
    trainable: cost.trainableCount,
    passes,
    pipelines,
    reads,
    gflopPerStep: flops / 1e9,
    gflopPerView: lowerFlops / 1e9,
    imagesPerPass: plans.imagesPerPass,
    objectsPerPass: plans.objectsPerPass,
  };
  return printResult(report, {
    asJson: flags.json ?? false,
    print: () => print(report, variantsRepeat(train)),
    after: async () => {
      if (problem) throw new Failure(problem);
    },
  });
}

/** The sizes of a model, from its headers or from its `config.json` alone. */
async function configOf(path: string, choices: ModelChoices): Promise<SamConfig> {
  const sources = await modelSources(path);
  const [json, ...others] = sources.filter(({ name }) => /\.json$/i.test(name));
  const isConfigAlone = json !== undefined && others.length === 0 && sources.length === 1;
  if (!isConfigAlone) {
    // The readers of weights take as long to start as the planning.
    const { chooseModelFiles } = await import('../engine/model.ts');
    const { openCheckpoint } = await import('../sam/checkpoint/checkpoint.ts');
    return (await openCheckpoint(await chooseModelFiles(sources), choices)).config;
  }
  const text = textOf(await json.read(0, json.size));
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Failure({
      code: 'config/invalid',
      what: 'The file is not valid JSON.',
      where: path,
      cure: 'Give config.json of a Hugging Face SamModel, or the weights.',
    });
  }
  return parseSamConfig(parsed, path);
}

function print(report: StepReport, doViewsRepeat: boolean): void {
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  console.log(`${mib(report.peakBytes)} of GPU memory at the peak`);
  for (const [label, bytes] of Object.entries(report.parts)) console.log(`  ${label}: ${mib(bytes)}`);
  console.log(`${mib(report.largestBinding)} in the largest buffer`);
  console.log(`${report.trainable} numbers are trained`);
  console.log(
    `${report.passes} dispatches of ${report.pipelines} kernels, ${report.reads} reads and ${report.gflopPerStep.toFixed(1)} GFLOP a step; ${report.imagesPerPass} images share a pass of the encoder and ${report.objectsPerPass} objects one of the decoder`,
  );
  if (report.gflopPerView === 0) return;
  const where = doViewsRepeat
    ? 'a step is counted without, as each view of an image comes again'
    : 'a step counts them for each image, as crops and tones are new every time';
  console.log(
    `${report.gflopPerView.toFixed(1)} GFLOP below the first module, kept for each image and view: ${where}; validation images pay once`,
  );
}
