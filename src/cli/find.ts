import { join } from 'node:path';
import { Failure } from '../config/failure.ts';
import { FIND_FIELDS, type FindSettings, scoreOf } from '../config/find.ts';
import { plural } from '../config/words.ts';
import { type Dataset, type DatasetSample, loadSample } from '../data/dataset.ts';
import { originText } from '../data/labels/origins.ts';
import type { LabelledImage } from '../data/out/label-set.ts';
import { classNamer, labelSetOf } from '../data/out/labelled-images.ts';
import { NO_CLASS, type OutFormat, OutRemarks } from '../data/out/out-format.ts';
import { outFormats } from '../data/out/registry.ts';
import { writeLabels } from '../data/out/write-labels.ts';
import { imageFeature } from '../engine/asked-dataset.ts';
import type { ClassMeans } from '../engine/find/classes.ts';
import { findInDataset, learnClasses } from '../engine/find/find-dataset.ts';
import { Finder } from '../engine/find/finder.ts';
import { FoundFile, type FoundImage, tensorsHash, tuningHash } from '../engine/find/found-file.ts';
import { GpuQueue } from '../engine/gpu-queue.ts';
import { SegmentImage } from '../engine/segmenter.ts';
import type { ModelSession } from '../engine/tuning.ts';
import { choiceFlag, numberFlag, readFlags, requiredFlag } from './arguments.ts';
import { AS_FLAG, AS_USAGE, askedOf } from './asked-flag.ts';
import { FIND_FLAGS, FIND_USAGE, findSettings } from './find-flags.ts';
import { rulesFrom } from './find-rules.ts';
import { MODEL_FLAGS, MODEL_USAGE, modelChoices } from './model-flags.ts';
import { NodeStore } from './node-store.ts';
import { atScale, openAdapter, openCliModel, openData, scaleFlag, trainedScale } from './open.ts';
import { progressOf } from './progress.ts';
import { READING_FLAGS, READING_USAGE, readingChanges } from './reading-flags.ts';
import { expectFree, writeOut } from './write-files.ts';

/** What `masks` is short for. */
const MASKS = 'png-instances';
/** What was found so far. */
const FOUND = 'found.jsonl';
/** By which a person or a system ends a program. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const FORMATS = ['masks', ...outFormats.map(({ id }) => id)];

const USAGE = `  npm run mopeft -- find --model DIR|FILE [--adapter PATH] --data DIR --out DIR [--format coco|masks|…]
      [--scale whole|N] [--min-area PIXELS] [--classes]
  Finds all objects of all images, with masks or without. --adapter is the folder of a run, or an adapter's file, folder
  or zip. --format is ${FORMATS.join(', ')}; coco, the default, writes DIR/annotations.json, masks
  DIR/instances/IMAGE.png with a value for each object. Run again, it goes on where it was ended: DIR/found.jsonl holds
  what was found. --scale N looks at a mosaic of crops of N pixels; the default is the adapter's scale, else the dataset's,
  else one that suits its objects. --classes names each object by the labelled images of the same data, of two classes at
  least: the class whose objects are most alike where the model looks.
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
  const trained = await trainedScale(flags.adapter, adapter, folder.dataset.name);
  const scale = flaggedScale ?? trained;
  const dataset = atScale(folder, scale, model.config.imageSize);
  const look = (base: ModelSession) => featureOfFirst(base, dataset);
  const tuning = await askedOf(gpu, model, adapter, flags.as, look, USAGE);
  const finder = await Finder.open(gpu, new GpuQueue(), model, tuning);
  const known = flags['thresholds-from'];
  const teacher =
    known === undefined ? null : atScale(await openData(known, changes), scale, model.config.imageSize);
  const { settings, likeness } = await rulesFrom(teacher, given, {
    finder,
    model,
    tuning,
    onProgress: progressOf('labelled images looked at'),
    say: console.log,
  });
  const classes = flags.classes ? await classesOf(finder, dataset) : null;
  const run = adapter?.training.run;
  const modelName = typeof run === 'string' ? `${model.name}, ${run}` : model.name;
  const file = await FoundFile.open(foundStore, FOUND, {
    model: model.hash,
    adapter: tuning && (await tuningHash(tuning)),
    settings,
    scale: dataset.scale ?? 'whole',
    ...(classes && { classes: await tensorsHash(classes.tensors) }),
    ...(likeness && { likeness: await tensorsHash(likeness.tensors) }),
    name: modelName,
  });
  console.error(searchSentence(dataset, settings));
  const stopping = new AbortController();
  const stop = () => stopping.abort(stopped(out));
  for (const signal of SIGNALS) process.once(signal, stop);
  const found = await findInDataset(finder, dataset, settings, file, {
    classes,
    likeness,
    onProgress: progressOf('images searched'),
    onRefused: (name, message) => console.error(`${name}: ${message}`),
    signal: stopping.signal,
  }).finally(() => {
    for (const signal of SIGNALS) process.off(signal, stop);
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
      likeness
        ? `Nothing passes --likeness ${settings.likeness} and --max-area ${settings.maxArea}. Lower --likeness or raise --points-per-side, with another folder for --out.`
        : `Nothing passes --iou ${settings.iou}, --stability ${settings.stability} and --max-area ${settings.maxArea}. Lower --iou and --stability or raise --points-per-side, with another folder for --out.`,
    );
  console.log(`${out}: ${plural(objects, 'object')} on ${plural(found.length, 'image')}, as ${format.label}`);
  return 0;
}

const stopped = (out: string): Failure =>
  new Failure({
    code: 'find/stopped',
    what: 'The search was stopped. What was found of whole images is kept.',
    where: out,
    cure: 'The same command goes on with the rest.',
  });

/** What makes a search take as long as it does. */
function searchSentence(
  { name, scale = 'whole' }: Dataset,
  { pointsPerSide, cropLayers }: FindSettings,
): string {
  const layers = cropLayers > 0 ? ` and in ${plural(cropLayers, 'layer')} of crops` : '';
  const seen = scale === 'whole' ? `whole${layers}` : `in crops of ${scale} pixels`;
  return `${name}: each image is looked at ${seen}, with ${pointsPerSide} × ${pointsPerSide} clicks each time (--scale, --points-per-side).`;
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
  const classes = await learnClasses(finder, dataset, progressOf('labelled images looked at'));
  if (classes) return classes;
  throw new Failure({
    code: 'find/no-classes',
    what: 'The labelled images do not have objects of two classes.',
    where: dataset.name,
    cure: 'Label objects of each class, or leave out --classes.',
  });
}

function formatOf(name: string): OutFormat {
  const known = choiceFlag(name, 'format', FORMATS, USAGE);
  const format = outFormats.find(({ id }) => id === (known === 'masks' ? MASKS : known));
  if (!format) throw new RangeError(`there is no format ${known}`);
  return format;
}

/** Where masks overlap, the better one lies above. */
function labelled(
  { name, width, height, objects }: FoundImage,
  sample: DatasetSample | undefined,
  nameOf: (classValue: number) => string | undefined,
  origin: string,
): LabelledImage {
  const ascending = objects.toSorted((a, b) => scoreOf(a) - scoreOf(b));
  return {
    name,
    width,
    height,
    objects: ascending.map((object) => ({
      runs: object.runs,
      className: nameOf(object.classValue ?? 1) ?? NO_CLASS,
      score: scoreOf(object),
      origin,
    })),
    ...(sample && { file: sample.image }),
    ...(sample?.split && { split: sample.split }),
  };
}
