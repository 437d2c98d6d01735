import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type OpenModel, openModel } from '../../engine/model.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { numberFlag, readFlags } from '../arguments.ts';
import { modelSources } from '../input-files.ts';
import { openCliModel } from '../open.ts';
import { SETTINGS_FLAGS, SETTINGS_USAGE, settingsOf } from '../settings-flags.ts';
import { describeProfile, describeSummary, passesCsv, summarise, timeSteps } from './steps.ts';

/** The bench's name on the command line. */
export const STEP = 'step';
export const STEP_USAGE = `  npm run bench -- step [--model DIR|FILE] [--method mopeft] [--images N] [--objects N] [--steps 3]
      [--profile] [--json FILE] [--csv FILE]
  Times steps of a training; --profile times every pass of a further step alone, and --csv lists them.`;

const FLAGS = {
  model: { type: 'string' },
  images: { type: 'string' },
  objects: { type: 'string' },
  steps: { type: 'string' },
  profile: { type: 'boolean', default: false },
  json: { type: 'string' },
  csv: { type: 'string' },
  ...SETTINGS_FLAGS,
} as const;

/** The folder of the embedded model. */
export const EMBEDDED = fileURLToPath(new URL('../../../public/models/mopeft-sam-tiny', import.meta.url));
const STEPS = 3;

/** The embedded model, from the sources of the site. */
export async function openEmbedded(gpu: Gpu): Promise<OpenModel> {
  return openModel(gpu, await modelSources(EMBEDDED));
}

/** Steps of a run on drawn images: spans of each, and on request a profile of one. */
export async function benchStep(args: readonly string[]): Promise<number> {
  const usage = `${STEP_USAGE}\n${SETTINGS_USAGE}`;
  const values = readFlags(args, FLAGS, usage);
  const count = (flag: 'steps' | 'images' | 'objects') =>
    numberFlag(values[flag], flag, usage, { min: 1, integer: true });
  const [images, objects, steps = STEPS] = [count('images'), count('objects'), count('steps')];
  const { gpu, model } = await openCliModel(values.model ?? EMBEDDED);
  const settings = await settingsOf({ method: 'mopeft', ...values }, model.config, usage, {
    ...(images !== undefined && { imagesPerStep: images }),
    ...(objects !== undefined && { objectsPerImage: objects }),
  });
  const adapter = [gpu.info.vendor, gpu.info.architecture, gpu.info.description].filter(Boolean).join(' ');
  const { imagesPerStep, objectsPerImage, corrections } = settings.train;
  console.log(`GPU adapter: ${adapter}${gpu.traits.isSoftware ? ' (software)' : ''}`);
  console.log(
    `${model.name}, ${Object.keys(settings.mopeft.methods).join(' + ') || 'mask decoder alone'}: ` +
      `${imagesPerStep} images of ${objectsPerImage} objects, ${corrections + 1} rounds`,
  );
  const isProfiled = values.profile || values.csv !== undefined;
  const timed = await timeSteps({
    gpu,
    model,
    settings,
    steps,
    isProfiled,
    onStep: ({ step, ms }) => console.error(`step ${step}: ${ms.toFixed(0)} ms`),
  });
  const summary = summarise(timed.steps);
  console.log(`Median of ${timed.steps.length}: ${describeSummary(summary)}`);
  if (timed.profile) console.log(describeProfile(timed.profile));
  if (values.csv && timed.profile) await writeFile(values.csv, passesCsv(timed.profile.passes));
  if (values.json)
    await writeFile(values.json, `${JSON.stringify({ adapter, settings, summary, ...timed }, null, 1)}\n`);
  return 0;
}
