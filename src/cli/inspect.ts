import { existsSync } from 'node:fs';
import { TRAIN_FIELDS } from '../config/train.ts';
import { plural } from '../config/words.ts';
import { className } from '../data/classes.ts';
import type { DatasetSample } from '../data/dataset.ts';
import { type InspectedDataset, inspectDataset, maskKindOf } from '../data/inspect.ts';
import { EMBEDDED_VIEW, scaleSentence, smallObjectsRemark, suggestScale } from '../data/object-sizes.ts';
import { withoutRepeats } from '../data/outcome.ts';
import { readDatasets } from '../data/read-datasets.ts';
import {
  classReading,
  type MaskMeaning,
  type MaskSamples,
  objectReading,
  type ReadingChanges,
  valueJson,
} from '../data/reading/reading.ts';
import type { DatasetMaskKind, ObjectFacts, Refusal, Scale } from '../data/types.ts';
import { readArguments, wrongArguments } from './arguments.ts';
import { droppedFiles } from './input-files.ts';
import { inspectAdapter } from './inspect-adapter.ts';
import { inspectModel } from './inspect-model.ts';
import { inspectProject, openProject } from './inspect-project.ts';
import { MODEL_FLAGS, MODEL_USAGE, modelChoices } from './model-flags.ts';
import { READING_FLAGS, READING_USAGE, readingChanges } from './reading-flags.ts';
import { printRemarks, type Remark, writeRemarks } from './remarks.ts';
import { printResult } from './report.ts';
import { expectFree } from './write-files.ts';

const USAGE = `  npm run mopeft -- inspect PATH… [--json] [--csv FILE]
  npm run mopeft -- inspect --model PATH… [--json]
  npm run mopeft -- inspect --adapter PATH [--json]
  Says what is understood of files, folders and zips as if they were dropped together, of a project that the studio
  wrote, of the files of a model, or of an adapter, also of LoRA of PEFT or Sam_LoRA.
  --csv writes the remarks to FILE, one a row.
${READING_USAGE}
  Of models:
${MODEL_USAGE}`;

/** `mopeft inspect`: what was understood of data, a model or an adapter. 0 when something was, else 1. Needs no GPU. */
export async function inspect(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(
    args,
    {
      model: { type: 'boolean' },
      adapter: { type: 'boolean' },
      json: { type: 'boolean' },
      csv: { type: 'string' },
      ...MODEL_FLAGS,
      ...READING_FLAGS,
    },
    USAGE,
  );
  if (positionals.length === 0)
    throw wrongArguments('No path is given', 'Name files, folders or zips', USAGE);
  const asJson = values.json ?? false;
  if (values.csv !== undefined && (values.model || values.adapter))
    throw wrongArguments('--csv goes with data and projects', 'Leave --csv out', USAGE);
  if (values.csv !== undefined) await expectFree(values.csv);
  if (values.model) return inspectModel(positionals, modelChoices(values, USAGE), asJson);
  if (values.adapter) {
    const [path, ...others] = positionals;
    if (path === undefined || others.length > 0)
      throw wrongArguments('--adapter takes one path', 'Write one path after --adapter', USAGE);
    return inspectAdapter(path, asJson);
  }
  const [only = ''] = positionals;
  const project =
    positionals.length === 1 && /\.zip$/i.test(only) && existsSync(only) && (await openProject(only));
  if (project) return inspectProject(project, asJson, values.csv);
  const report = await dataReport(positionals, readingChanges(values, USAGE));
  const status = await printResult(report, {
    asJson,
    print: printData,
    after: () => writeRemarks(values.csv, report.remarks),
  });
  return report.datasets.length > 0 ? status : 1;
}

/** What `inspect --json` prints of data. */
export interface DataReport {
  readonly datasets: readonly DatasetReport[];
  readonly remarks: readonly Remark[];
}

export interface DatasetReport {
  readonly name: string;
  readonly images: number;
  readonly labelled: number;
  readonly objects: number;
  readonly maskKind: DatasetMaskKind;
  /** Without background. */
  readonly classes: readonly { readonly value: number; readonly name: string; readonly objects: number }[];
  /** How values became objects; null where there are no masks. */
  readonly reading: ReadingReport | null;
  /** How a model sees its images: as its settings say, else as is best for the embedded model; and why. */
  readonly scale: Scale;
  readonly scaleEvidence: string | null;
  /** In natural order of their names. */
  readonly samples: readonly SampleReport[];
}

/** Values are numbers as the files have them, colours `#rrggbb`; further words are `transparent` and `nan`. */
export interface ReadingReport {
  readonly samples: MaskSamples;
  readonly background: number | string | null;
  readonly ignored: readonly (number | string | null)[];
  /** The value from which, or up to which, a pixel of a smoothed mask is foreground. */
  readonly threshold: number | null;
  /** The values that others count as. */
  readonly levels: readonly (number | string | null)[] | null;
  readonly meaning: MaskMeaning;
  /** How all this is known. */
  readonly evidence: readonly string[];
}

export interface SampleReport {
  readonly image: string;
  readonly masks: readonly string[];
  readonly width: number;
  readonly height: number;
  /** Largest first; boxes are [x0, y0, x1, y1) in pixels. */
  readonly objects: readonly ObjectFacts[];
}

async function dataReport(paths: readonly string[], changes: ReadingChanges): Promise<DataReport> {
  const { files, topName } = await droppedFiles(paths);
  const read = await readDatasets(files, { topName });
  const remarks = read.refusals.map(remarkOf);
  const datasets: DatasetReport[] = [];
  for (const dataset of read.datasets) {
    const inspected = await inspectDataset(dataset, { listObjects: true, changes });
    remarks.push(...inspected.refusals.map(remarkOf), ...smallObjects(inspected));
    if (inspected.samples.length > 0) datasets.push(datasetReport(inspected));
  }
  if (datasets.length === 0) {
    remarks.push({
      code: 'data/no-dataset',
      severity: 'refused',
      file: null,
      what: 'There is no image that can be used.',
      cure: 'Give images with their masks, for example a folder with images/ and masks/ in it.',
    });
  }
  return { datasets, remarks: withoutRepeats(remarks) };
}

function remarkOf({ code, severity, file, reason, cure }: Refusal): Remark {
  return { code, severity: severity === 'refused' ? 'refused' : 'look', file, what: reason, cure };
}

/** What is too small for the embedded model, as a remark on the whole. */
function smallObjects({ dataset, sizes }: InspectedDataset): Remark[] {
  const remark = smallObjectsRemark(
    sizes,
    dataset.scale ?? 'whole',
    EMBEDDED_VIEW,
    TRAIN_FIELDS.minSize.default,
  );
  return remark ? [{ code: 'data/small-objects', severity: 'look', file: null, ...remark }] : [];
}

function datasetReport(inspected: InspectedDataset): DatasetReport {
  const { dataset, samples, objects, sizes, summary } = inspected;
  const { size } = EMBEDDED_VIEW;
  const scale = dataset.scale ?? suggestScale(sizes, size);
  const byClass = new Map(summary.labels.map((value) => [value, 0]));
  for (const one of objects.flat()) {
    const count = byClass.get(one.class);
    if (count !== undefined) byClass.set(one.class, count + 1);
  }
  return {
    name: dataset.name,
    images: summary.images,
    labelled: summary.labelled,
    objects: summary.objects,
    maskKind: maskKindOf(summary.maskKinds),
    classes: [...byClass].map(([value, count]) => ({
      value,
      name: className(value, {
        count: byClass.size,
        names: dataset.classNames,
        reading: classReading(inspected.reading),
      }),
      objects: count,
    })),
    reading: readingReport(inspected),
    scale,
    scaleEvidence: scaleSentence(sizes, scale, size),
    samples: dataset.samples.map((files, i) => ({
      image: files.image.path,
      masks: masksOf(files),
      width: samples[i]?.width ?? 0,
      height: samples[i]?.height ?? 0,
      objects: objects[i] ?? [],
    })),
  };
}

function readingReport({ reading, evidence }: InspectedDataset): ReadingReport | null {
  const used = objectReading(reading);
  if (!used) return null;
  const { samples, background, ignored, threshold, levels, meaning } = used;
  return {
    samples,
    background: valueJson(background, samples),
    ignored: ignored.map((value) => valueJson(value, samples)),
    threshold,
    levels: levels === null ? null : levels.map((value) => valueJson(value, samples)),
    meaning,
    evidence,
  };
}

function masksOf({ mask, instances, labels, objectMasks = [] }: DatasetSample): string[] {
  return [mask, instances, labels, ...objectMasks].flatMap((file) => (file ? [file.path] : []));
}

const MASK_KINDS: Readonly<Record<DatasetMaskKind, string>> = {
  binary: 'binary, what is not background is foreground',
  threshold: 'smoothed, read with a threshold',
  labels: 'labels, one value per class',
  instances: 'instances, one value per object',
  mixed: 'of different kinds',
  none: 'none',
};

function printData({ datasets, remarks }: DataReport): void {
  for (const {
    name,
    images,
    labelled,
    objects,
    maskKind,
    classes,
    reading,
    scale,
    scaleEvidence,
  } of datasets) {
    console.log(`${name}: ${plural(images, 'image')}, ${labelled} labelled, ${plural(objects, 'object')}`);
    console.log(`  masks: ${MASK_KINDS[maskKind]}`);
    for (const sentence of reading?.evidence ?? []) console.log(`    ${sentence}`);
    const list = classes.map((one) => `${one.name} (${plural(one.objects, 'object')})`);
    if (list.length > 0) console.log(`  classes: ${list.join(', ')}`);
    if (scale !== 'whole')
      console.log(`  scale: ${[`crops of ${scale} pixels.`, scaleEvidence].filter(Boolean).join(' ')}`);
  }
  printRemarks(remarks);
}
