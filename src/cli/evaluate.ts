import { Failure } from '../config/failure.ts';
import type { FindSettings } from '../config/find.ts';
import { TRAIN_FIELDS } from '../config/train.ts';
import { plural } from '../config/words.ts';
import { seenSize } from '../data/crops.ts';
import type { Dataset } from '../data/dataset.ts';
import { isLabelled, loadSample } from '../data/dataset.ts';
import { leastArea, type ModelView, type ObjectLimit } from '../data/object-sizes.ts';
import type { Split } from '../data/types.ts';
import { findObjects } from '../engine/find/find-dataset.ts';
import { Finder, withinImage } from '../engine/find/finder.ts';
import { type FindComparison, type FindQuality, findQuality } from '../engine/find/quality.ts';
import { comparison } from '../engine/find/truth.ts';
import { GpuQueue } from '../engine/gpu-queue.ts';
import type { OpenModel } from '../engine/model.ts';
import { SessionPredictor } from '../engine/session-predictor.ts';
import { ModelSession } from '../engine/tuning.ts';
import { type EvaluationOptions, evaluateSet, type ImageScore, summarise } from '../train/evaluate.ts';
import type { TrainingData } from '../train/training-data.ts';
import { readFlags, wrongArguments } from './arguments.ts';
import { FIND_FLAGS, FIND_USAGE, findSettings } from './find-flags.ts';
import { type FindRules, rulesFrom, withoutImages } from './find-rules.ts';
import { MEASURED_FLAGS, MEASURED_USAGE, type MeasuredInput, openMeasured } from './measured-input.ts';
import { openData } from './open.ts';
import { progressOf } from './progress.ts';
import { readingChanges } from './reading-flags.ts';
import { printJson } from './report.ts';

const USAGE = `  npm run mopeft -- evaluate --model DIR|FILE [--adapter PATH] --data DIR [--split train|val|test|all]
      [--seed S] [--split-order shuffled|name] [--max-images N] [--max-objects 5] [--json]
      [--scale whole|N] [--min-size 4] [--min-area 0] [--weights f32|f16] [--find]
  --adapter is the folder of a run, or an adapter's file, folder or zip; LoRA of PEFT or Sam_LoRA too.
  With --adapter, a dataset that the run knows is split as the run split it; otherwise by --seed (default 0).
  --weights f16 reads what no adapter brings from half precision, as a run with it does.
  The default of --split is all. --scale N prompts objects in crops of N pixels around them; the default is the
  adapter's scale, else the one that train would choose. Objects under --min-size pixels wide on the model's input,
  or under --min-area of the image, are left out.
  --find also finds all objects of the same images and prints the average precision (AP) at IoU .5, its mean over .5 to
  .95, and how many objects were missed, those split and merged among them. Objects that are left out count for nothing.
  Of --thresholds-from the images that are measured teach nothing.
${FIND_USAGE}
${MEASURED_USAGE}`;

/** `mopeft evaluate`: IoU by box and by click in original pixels, largest objects first. */
export async function evaluate(args: readonly string[]): Promise<number> {
  const flags = readFlags(
    args,
    { ...MEASURED_FLAGS, json: { type: 'boolean' }, find: { type: 'boolean' }, ...FIND_FLAGS },
    USAGE,
  );
  const given = flags.find ? findSettings(flags, USAGE) : null;
  const lost = Object.keys(FIND_FLAGS).find((flag) => flags[flag as keyof typeof FIND_FLAGS] !== undefined);
  if (!given && lost)
    throw wrongArguments(`--${lost} goes with --find`, `Add --find, or leave --${lost} out`, USAGE);
  const input = await openMeasured(flags, 'all', USAGE);
  const { gpu, model, adapter, dataset, split, names, limit, options } = input;
  if (names.length === 0) throw noImage(dataset, split);
  const session = await ModelSession.open(gpu, model, adapter);
  // Images are decoded and masks measured beside the model.
  const data = await input.openImages();
  const images = await evaluateAll(new SessionPredictor(session), data, names, {
    ...options,
    candidates: true,
  });
  const { maskThreshold } = session;
  if (images.every(({ objects }) => objects.length === 0))
    throw nothingMeasured(dataset, split, limit, model.config.imageSize);
  let found: FoundReport | null = null;
  if (given) {
    await session.release();
    const finder = await Finder.open(gpu, new GpuQueue(), model, adapter);
    const chosen = options.maxImages > 0 ? names.slice(0, options.maxImages) : names;
    const known = flags['thresholds-from'];
    const teacher = known === undefined ? null : await teacherOf(known, input, chosen, flags);
    const rules = await rulesFrom(teacher, given, {
      finder,
      model,
      tuning: adapter,
      onProgress: progressOf('labelled images looked at'),
      // With --json the document alone is on stdout.
      say: flags.json ? console.error : console.log,
    });
    const view = { size: model.config.imageSize, aspect: (adapter ?? model.config).preprocessing.aspect };
    const quality = await findAll(finder, dataset, chosen, rules, limit, view);
    found = { settings: rules.settings, quality };
  }
  gpu.destroy();
  report(flags.json ?? false, { model, maskThreshold, dataset, split, images, found });
  return 0;
}

/** The labelled images of a folder, but for those that are measured. */
async function teacherOf(
  path: string,
  { dataset: { samples, scale = 'whole' } }: MeasuredInput,
  measured: readonly string[],
  flags: Parameters<typeof readingChanges>[0],
): Promise<Dataset> {
  const { dataset } = await openData(path, readingChanges(flags, USAGE));
  const names = new Set(measured);
  const taken = samples.filter(({ name }) => names.has(name));
  return { ...(await withoutImages(dataset, taken)), scale };
}

interface FoundReport {
  readonly settings: FindSettings;
  readonly quality: FindQuality;
}

async function findAll(
  finder: Finder,
  dataset: Dataset,
  names: readonly string[],
  { settings, likeness }: FindRules,
  limit: ObjectLimit,
  view: ModelView,
): Promise<FindQuality> {
  const { scale = 'whole' } = dataset;
  const compared: FindComparison[] = [];
  const progress = progressOf('images searched');
  for (const [i, name] of names.entries()) {
    progress(i, names.length);
    const sample = dataset.samples.find((each) => each.name === name);
    const loaded = sample && (await loadSample(sample));
    // Those that cannot be read were named when they were measured.
    if (!loaded?.ok) continue;
    const { image } = loaded.value;
    const onProgress = withinImage(i, names.length, progress);
    const found = await findObjects(finder, image, settings, scale, { likeness, onProgress });
    compared.push(comparison(loaded.value, found, leastArea(limit, seenSize(image, scale), view)));
  }
  progress(names.length, names.length);
  return findQuality(compared);
}

async function evaluateAll(
  predictor: SessionPredictor,
  data: TrainingData,
  names: readonly string[],
  options: EvaluationOptions,
): Promise<ImageScore[]> {
  const progress = progressOf('images measured');
  try {
    const [set] = data.sets;
    if (!set) throw new RangeError('there is no dataset');
    const scores = await evaluateSet(predictor, set, names, options, {
      onRefused: (name, message) => console.error(`${name}: ${message}`),
      beforeImage: async (done, total) => progress(done, total),
    });
    progress(scores.length, scores.length);
    return scores;
  } finally {
    data.close();
  }
}

function noImage(dataset: Dataset, split: Split | 'all'): Failure {
  const masked = dataset.samples.filter(isLabelled).length;
  const isWithoutMasks = masked === 0 || split === 'all';
  return new Failure({
    code: 'evaluate/no-image',
    what: isWithoutMasks
      ? `None of the ${dataset.samples.length} images has a mask.`
      : `There is no ${split} image among the ${masked} that have a mask.`,
    where: dataset.name,
    cure: isWithoutMasks
      ? 'Look with mopeft inspect how masks and images pair, or label some in the studio.'
      : 'Measure all of them with --split all, or add images with masks.',
  });
}

/** An IoU of no object would read like a failure of the model. */
function nothingMeasured(
  { name, scale = 'whole' }: Dataset,
  split: Split | 'all',
  { minSize, minArea }: ObjectLimit,
  size: number,
): Failure {
  const share = minArea > 0 ? `, or less than ${minArea} of the image` : '';
  const where = split === 'all' ? 'the images' : `the ${split} images`;
  // Objects that are large enough by default are not too small to be seen.
  const isLimitMeant = scale !== 'whole' || minSize > TRAIN_FIELDS.minSize.default || minArea > 0;
  return new Failure({
    code: 'evaluate/no-object',
    what: `There is no object to measure: in ${where} every mask is empty, or its objects are too small: under ${minSize} pixels wide on a model of ${size} pixels${share}.`,
    where: name,
    cure: `Check the masks with mopeft inspect, or lower --min-size${minArea > 0 ? ' and --min-area' : ''}.${isLimitMeant ? '' : ' Objects that are small in large images are measured in crops around them: inspect says of how many pixels (--scale).'}`,
  });
}

interface Report {
  readonly model: OpenModel;
  /** The logit above which a pixel is foreground. */
  readonly maskThreshold: number;
  readonly dataset: Dataset;
  readonly split: Split | 'all';
  readonly images: readonly ImageScore[];
  /** Null where nothing was to be found. */
  readonly found: FoundReport | null;
}

function report(asJson: boolean, { model, maskThreshold, dataset, split, images, found }: Report): void {
  const { boxIou, clickIou, bestPicked, n, gates } = summarise(images);
  if (!asJson) {
    const picked = bestPicked === null ? '' : `, best candidate picked ${(100 * bestPicked).toFixed(0)} %`;
    console.log(
      `${dataset.name} (${split}): box IoU ${boxIou.toFixed(4)}, click IoU ${clickIou.toFixed(4)}${picked}, n = ${plural(n, 'object')} on ${plural(images.length, 'image')}`,
    );
    if (found) console.log(foundSentence(found.quality));
    return;
  }
  printJson({
    model: { name: model.name, hash: model.hash },
    mask_threshold: maskThreshold,
    dataset: dataset.name,
    split,
    box_iou: boxIou,
    click_iou: clickIou,
    best_picked: bestPicked,
    n,
    images_with_objects: images.length,
    gates,
    ...(found && { find: { ...found.quality, settings: found.settings } }),
    images: images.map((image) => ({
      name: image.name,
      box_iou: image.objects.map((object) => object.boxIou),
      click_iou: image.objects.map((object) => object.clickIou),
      best_picked: image.objects.map((object) => object.bestPicked),
      gates: image.gates,
    })),
  });
}

function foundSentence({ ap50, ap, objects, found, missed, split, merged }: FindQuality): string {
  const precision =
    ap50 === null || ap === null
      ? 'no object to find'
      : `AP at IoU .5 ${ap50.toFixed(4)}, mean AP ${ap.toFixed(4)}`;
  return `Find all: ${precision}, ${found} found, ${missed} of ${objects} objects missed (${split} split, ${merged} merged)`;
}
