import { join } from 'node:path';
import { Failure } from '../config/failure.ts';
import { FIND_FIELDS, type FindSettings, findDefaults } from '../config/find.ts';
import { type Dataset, type DatasetSample, isLabelled, loadSample } from '../data/dataset.ts';
import { originText } from '../data/labels/origins.ts';
import type { LabelledImage } from '../data/out/label-set.ts';
import { classNamer, labelSetOf } from '../data/out/labelled-images.ts';
import { NO_CLASS, type OutFormat, OutRemarks } from '../data/out/out-format.ts';
import { outFormats } from '../data/out/registry.ts';
import { writeLabels } from '../data/out/write-labels.ts';
import { valueOrThrow } from '../data/outcome.ts';
import { imageFeature } from '../engine/asked-dataset.ts';
import { calibrated, leastKnown } from '../engine/find/calibrate.ts';
import type { ClassMeans } from '../engine/find/classes.ts';
import { evenly, findInDataset, learnClasses } from '../engine/find/find-dataset.ts';
import { Finder } from '../engine/find/finder.ts';
import { FoundFile, type FoundImage, tensorsHash, tuningHash } from '../engine/find/found-file.ts';
import { GpuQueue } from '../engine/gpu-queue.ts';
import type { OpenModel } from '../engine/model.ts';
import { scaleOfAdapter } from '../engine/run/adapter-files.ts';
import { SegmentImage } from '../engine/segmenter.ts';
import type { ModelSession } from '../engine/tuning.ts';
import type { Adapter } from '../peft/adapter-file.ts';
import { numberFlag, readFlags, requiredFlag, wrongArguments } from './arguments.ts';
import { AS_FLAG, AS_USAGE, askedOf } from './asked-flag.ts';
import { FIND_FLAGS, FIND_USAGE, findSettings } from './find-flags.ts';
import { MODEL_FLAGS, MODEL_USAGE, modelChoices } from './model-flags.ts';
import { NodeStore } from './node-store.ts';
import { atScale, openAdapter, openCliModel, openData, scaleFlag } from './open.ts';
import { READING_FLAGS, READING_USAGE, readingChanges } from './reading-flags.ts';
import { plural } from './remarks.ts';
import { expectFree, writeOut } from './write-files.ts';

/** What `masks` is short for. */
const MASKS = 'png-instances';
/** What was found so far. */
const FOUND = 'found.jsonl';
/** Labelled images by which thresholds are chosen, at most. */
const CALIBRATED = 12;
const FORMATS = ['masks', ...outFormats.map(({ id }) => id)];

const USAGE = `  npm run mopeft -- find --model DIR|FILE [--adapter PATH] --data DIR --out DIR [--format coco|masks|…]
      [--scale whole|N] [--min-area PIXELS] [--classes] [--thresholds-from DIR]
  Finds all objects of all images, with masks or without. --adapter is the folder of a run, or an adapter's file, folder
  or zip. --format is ${FORMATS.join(', ')}; coco, the default, writes DIR/annotations.json, masks
  DIR/instances/IMAGE.png with a value for each object. Run again, it goes on where it was ended: DIR/found.jsonl holds
  what was found. --scale N looks at a mosaic of crops of N pixels; the default is the adapter's scale, else the dataset's,
  else one that suits its objects. --classes names each object by the labelled images of the same data, of two classes at
  least: the class whose objects are most alike where the model looks. --thresholds-from chooses --iou, --stability and the
  areas by up to ${CALIBRATED} labelled images of a folder, which may be that of --data; those that are given count.
${FIND_USAGE}
${AS_USAGE}
${MODEL_USAGE}
${READING_USAGE}`;

/** `mopeft find`: all objects of a folder of images. */
export async function find(args: readonly string[]): Promise<number> {
  const flags = readFlags(
    args,
    {
      model: { type: 'string' },
      adapter: { type: 'string' },
      data: { type: 'string' },
      out: { type: 'string' },
      format: { type: 'string' },
      scale: { type: 'string' },
      'min-area': { type: 'string' },
      classes: { type: 'boolean' },
      'thresholds-from': { type: 'string' },
      ...AS_FLAG,
      ...FIND_FLAGS,
      ...MODEL_FLAGS,
      ...READING_FLAGS,
    },
    USAGE,
  );
  const modelPath = requiredFlag(flags.model, 'model', USAGE);
  const out = requiredFlag(flags.out, 'out', USAGE);
  const data = requiredFlag(flags.data, 'data', USAGE);
  const format = formatOf(flags.format ?? 'coco');
  const { min, max } = FIND_FIELDS.minArea;
  const minArea = numberFlag(flags['min-area'], 'min-area', USAGE, { min, max, integer: true });
  const given = { ...findSettings(flags, USAGE), ...(minArea !== undefined && { minArea }) };
  const flaggedScale = scaleFlag(flags.scale, USAGE);
  const changes = readingChanges(flags, USAGE);
  const foundStore = new NodeStore(out);
  // A search goes on in its own folder alone.
  if (!(await foundStore.exists(FOUND)))
    await expectFree(out, 'Name a new folder, or that of a search, to go on with it.');
  const folder = await openData(data, changes);
  const { gpu, model } = await openCliModel(modelPath, modelChoices(flags, USAGE));
  const adapter = flags.adapter === undefined ? null : await openAdapter(flags.adapter, model);
  const scale = flaggedScale ?? (adapter && scaleOfAdapter(adapter));
  const dataset = atScale(folder, scale, model.config.imageSize);
  const look = (base: ModelSession) => featureOfFirst(base, dataset);
  const tuning = await askedOf(gpu, model, adapter, flags.as, look, USAGE);
  const finder = await Finder.open(gpu, new GpuQueue(), model, tuning);
  const asked = { ...findDefaults(model.hash), ...given };
  const known = flags['thresholds-from'];
  const chosen =
    known === undefined
      ? asked
      : await chosenBy(atScale(await openData(known, changes), scale, model.config.imageSize), asked, {
          finder,
          model,
          adapter,
        });
  const settings = { ...chosen, ...given };
  const classes = flags.classes ? await classesOf(finder, dataset) : null;
  const run = adapter?.training.run;
  const modelName = typeof run === 'string' ? `${model.name}, ${run}` : model.name;
  const file = await FoundFile.open(foundStore, FOUND, {
    model: model.hash,
    adapter: tuning && (await tuningHash(tuning)),
    settings,
    scale: dataset.scale ?? 'whole',
    ...(classes && { classes: await tensorsHash(classes.tensors) }),
    name: modelName,
  });
  const found = await findInDataset(finder, dataset, settings, file, {
    classes,
    onProgress: showProgress,
    onRefused: (name, message) => console.error(`${name}: ${message}`),
  });
  gpu.destroy();
  const remarks = new OutRemarks();
  const named = classes && { dataset, labels: classes.values };
  const nameOf = named ? classNamer(named) : () => NO_CLASS;
  const set = named ? labelSetOf(named) : { name: dataset.name, classes: [NO_CLASS] };
  const origin = originText({ kind: 'found', model: modelName });
  const samples = new Map(dataset.samples.map((sample) => [sample.name, sample]));
  const images = found.map((image) => labelled(image, samples.get(image.name), nameOf, origin));
  for await (const { path, bytes } of writeLabels(images, { format, set, remarks }))
    await writeOut(join(out, path), bytes);
  for (const { file: about, reason, cure } of remarks.list()) console.error(`${about}: ${reason} ${cure}`);
  const objects = found.reduce((sum, image) => sum + image.objects.length, 0);
  if (objects === 0)
    console.error(
      `Nothing passes --iou ${settings.iou}, --stability ${settings.stability} and --max-area ${settings.maxArea}. Lower --iou and --stability or raise --points-per-side, with another folder for --out.`,
    );
  console.log(`${out}: ${plural(objects, 'object')} on ${plural(found.length, 'image')}, as ${format.label}`);
  return 0;
}

/** Settings with the thresholds that suit labelled images, which is said. @throws Failure `find/no-objects`. */
async function chosenBy(
  { name, samples, scale = 'whole' }: Dataset,
  settings: FindSettings,
  { finder, model, adapter }: { finder: Finder; model: OpenModel; adapter: Adapter | null },
): Promise<FindSettings> {
  const chosen = await calibrated(
    finder,
    evenly(samples.filter(isLabelled), CALIBRATED).map(
      (sample) => async () => valueOrThrow(await loadSample(sample)),
    ),
    { settings, scale },
    (sample) => leastKnown(sample, scale, model, adapter),
    { onProgress: showProgress },
  );
  if (!chosen)
    throw new Failure({
      code: 'find/no-objects',
      what: 'No image has a labelled object by which thresholds could be chosen.',
      where: name,
      cure: 'Name a folder of images with masks, or leave out --thresholds-from.',
    });
  const { iou, stability, minArea, maxArea } = chosen.settings;
  const { objects, found, right } = chosen.after;
  console.log(
    `${name}: by ${plural(chosen.images, 'labelled image')} --iou ${iou} --stability ${stability} --min-area ${minArea} --max-area ${maxArea}, which find ${right} of ${plural(objects, 'object')} and ${found - right} too many`,
  );
  return chosen.settings;
}

/** The first image that can be read, as the base model sees it whole. */
async function featureOfFirst(base: ModelSession, { samples }: Dataset): Promise<Float32Array> {
  for (const sample of samples) {
    const loaded = await loadSample(sample);
    if (!loaded.ok) continue;
    return imageFeature(base, new SegmentImage('', loaded.value.image).inputFor(base).data);
  }
  return new Float32Array(base.sam.config.outputChannels);
}

async function classesOf(finder: Finder, dataset: Dataset): Promise<ClassMeans> {
  const classes = await learnClasses(finder, dataset, showProgress);
  if (classes) return classes;
  throw new Failure({
    code: 'find/no-classes',
    what: 'The labelled images do not have objects of two classes.',
    where: dataset.name,
    cure: 'Label objects of each class, or leave out --classes.',
  });
}

function formatOf(name: string): OutFormat {
  const id = name === 'masks' ? MASKS : name;
  const format = outFormats.find((each) => each.id === id);
  if (format) return format;
  throw wrongArguments(`--format is "${name}", which is none of ${FORMATS.join(', ')}`, USAGE);
}

/** Where masks overlap, the better one lies above. */
function labelled(
  { name, width, height, objects }: FoundImage,
  sample: DatasetSample | undefined,
  nameOf: (classValue: number) => string | undefined,
  origin: string,
): LabelledImage {
  const ascending = objects.toSorted((a, b) => a.predictedIou - b.predictedIou);
  return {
    name,
    width,
    height,
    objects: ascending.map(({ runs, predictedIou, classValue = 1 }) => ({
      runs,
      className: nameOf(classValue) ?? NO_CLASS,
      score: predictedIou,
      origin,
    })),
    ...(sample && { file: sample.image }),
    ...(sample?.split && { split: sample.split }),
  };
}

function showProgress(done: number, total: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${total} images${done === total ? '\n' : ''}`);
}
