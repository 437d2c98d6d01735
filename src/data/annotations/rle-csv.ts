/** Tables of run lengths as competitions ship them (Kaggle): an image, and runs of its pixels as start and length. */
import * as v from 'valibot';
import { isImageName, nameParts } from '../file-names.ts';
import { RunsWriter } from '../labels/runs.ts';
import type { Runs } from '../labels/types.ts';
import { limits } from '../limits.ts';
import { notice } from '../outcome.ts';
import { push } from '../pairing/match.ts';
import {
  type AnnotatedImage,
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  type ImageReference,
  imageSide,
  ObjectFaults,
} from './annotation-format.ts';
import { parseCsv, TABLES } from './csv.ts';
import type { RunsFile } from './run-order.ts';
import type { AnnotatedObject } from './shape.ts';

/** Names of columns that hold runs and nothing else. */
const SURE_RUNS = /^(encoded_?pixels|rle_?masks?|mask_?rles?)$/i;
/** Names that such columns have in samples of submissions besides. */
const OF_SUBMISSION = /^(predicted|prediction_?string|expected)$/i;
/** Names of columns that may hold runs, or a text. */
const MAY_BE_RUNS = /^(rles?|rle_?encoding|encoding|segmentation|annotation|mask)$/i;
/** Names of columns whose runs go along the rows, as of Sartorius' cells and UW-Madison's scans; in most others they go down the columns. */
const ROWWISE = /^\s*(annotation|segmentation)\s*$/i;
const IDS = /^((image|img|file|image_?file)(_?(id|name|path))?(_(class(_?id)?|label))?|id)$/i;
const CLASSES = /^((class|category|label)(_?(id|name|label))?|cell_type|defect(_?type)?)$/i;
const WIDTHS = /^((image|img)_?)?width$/i;
const HEIGHTS = /^((image|img)_?)?height$/i;

/** A field of runs as far as the head of a file shows it, and what stands for no object. */
const RUNS_TEXT = /^\s*\d+(\s+\d+)*\s*$/;
const NO_RUNS_TEXT = /^\s*(-1|nan|none)?\s*$/i;

/** A file to be overwritten by answers: its runs are placeholders. */
const SAMPLE_SUBMISSION = /sample[ _-]?submission/i;

/** CSV of run lengths: `ImageId,EncodedPixels`, `img,rle_mask`, `id,class,segmentation` … */
export const rleCsv: AnnotationFormat = {
  id: 'rle-csv',
  name: 'CSV of run lengths',
  extensions: TABLES,
  recognises: (source) => {
    const columns = columnsOf(parseCsv(source.head)[0] ?? []);
    if (!columns) return false;
    if (columns.isSure || SAMPLE_SUBMISSION.test(nameParts(source.path).file)) return true;
    // Tables often begin with images without an object, for which such a column is empty whatever it holds.
    return holdsRuns(source.head, columns) ?? holdsRuns(source.text, columns) ?? false;
  },
  read: readRleCsv,
};

/** Whether a column holds runs alone; undefined where it says nothing. */
function holdsRuns(text: string, { runs }: Columns): boolean | undefined {
  const [, ...rows] = parseCsv(text);
  const fields = rows.map((row) => row[runs] ?? '').filter((field) => !NO_RUNS_TEXT.test(field));
  return fields.length === 0 ? undefined : fields.every((field) => RUNS_TEXT.test(field));
}

interface Columns {
  readonly id: number;
  readonly runs: number;
  /** Whether the name of the column says that it holds runs. */
  readonly isSure: boolean;
  /** Whether an id ends with the class, behind an underscore. */
  readonly idHasClass: boolean;
  /** -1 where there is none; so are width and height. */
  readonly className: number;
  readonly width: number;
  readonly height: number;
}

/** The columns by their names; undefined where one of those that are needed is missing. */
function columnsOf(header: readonly string[]): Columns | undefined {
  const names = header.map((name) => name.trim());
  const at = (pattern: RegExp) => names.findIndex((name) => pattern.test(name));
  const sure = at(SURE_RUNS);
  const runs = [sure, at(MAY_BE_RUNS), at(OF_SUBMISSION)].find((column) => column >= 0) ?? -1;
  const id = at(IDS);
  if (runs < 0 || id < 0) return undefined;
  const idHasClass = /_(class(_?id)?|label)$/i.test(names[id] ?? '');
  const className = idHasClass ? -1 : at(CLASSES);
  return { id, runs, isSure: sure >= 0, idHasClass, className, width: at(WIDTHS), height: at(HEIGHTS) };
}

/** A row that says something of an image. */
interface Row {
  readonly number: number;
  readonly image: string;
  readonly className: string | undefined;
  readonly text: string;
  readonly width: number;
  readonly height: number;
}

function readRleCsv({ text, path }: AnnotationSource): AnnotationContent {
  if (SAMPLE_SUBMISSION.test(nameParts(path).file)) return { images: [], remarks: [placeholder(path)] };
  const [header = [], ...lines] = parseCsv(text);
  const columns = columnsOf(header);
  if (!columns) throw new Error(`${path} was recognised without its columns`);
  const byImage = new Map<string, Row[]>();
  for (const [i, line] of lines.entries()) {
    const row = rowOf(line, columns, i + 2);
    if (row.image !== '') push(byImage, row.image, row);
  }
  const all = [...byImage.values()];
  const file: RunsFile = {
    path,
    usual: ROWWISE.test(header[columns.runs] ?? '') ? 'rows' : 'columns',
    isOfObjects: all.some(hasSeveral),
    // Starts ascend, so that only the first can be 0.
    isFromZero: all.some((rows) => rows.some((row) => /^\s*0\s/.test(row.text))),
  };
  const faults = new ObjectFaults();
  const images = all.map((rows) => imageOf(rows, file, faults));
  return {
    images,
    remarks: faults.remarks(
      path,
      images.every(({ isUnusable }) => isUnusable),
    ),
  };
}

function rowOf(line: readonly string[], columns: Columns, number: number): Row {
  const field = (at: number) => (line[at] ?? '').trim();
  const id = field(columns.id);
  const [image, suffix] = columns.idHasClass ? apart(id) : [id, field(columns.className)];
  return {
    number,
    image,
    className: classOf(suffix),
    text: field(columns.runs),
    width: Number(field(columns.width)),
    height: Number(field(columns.height)),
  };
}

/** `0002cc93b.jpg_1` and `0011165.jpg_Fish`: the image, and its class behind the last underscore, or behind the extension. */
function apart(id: string): readonly [image: string, className: string] {
  for (let at = id.indexOf('_'); at >= 0; at = id.indexOf('_', at + 1)) {
    if (isImageName(nameParts(id.slice(0, at)))) return [id.slice(0, at), id.slice(at + 1)];
  }
  const at = id.lastIndexOf('_');
  return at < 0 ? [id, ''] : [id.slice(0, at), id.slice(at + 1)];
}

/** Numbers are called as numbers without a name are in COCO; attributes behind one (`6_4_5`) are no class. */
function classOf(text: string): string | undefined {
  const number = /^(\d+)(?:\.0)?(?:_\d+)*$/.exec(text)?.[1];
  return text === '' ? undefined : number === undefined ? text : `class ${number}`;
}

/** Whether an image has several objects of one class in rows of their own. */
function hasSeveral(rows: readonly Row[]): boolean {
  const classes = rows.flatMap(({ text, className = '' }) => (NO_RUNS_TEXT.test(text) ? [] : [className]));
  return new Set(classes).size < classes.length;
}

function imageOf(rows: readonly Row[], file: RunsFile, faults: ObjectFaults): AnnotatedImage {
  const [{ image, width, height } = { image: '', width: 0, height: 0 }] = rows;
  let isUnusable = false;
  const objects = rows.flatMap(({ text, className, number }): AnnotatedObject[] => {
    if (NO_RUNS_TEXT.test(text)) return [];
    const runs = runsOf(text, file.isFromZero ? 0 : 1);
    if (typeof runs === 'string') {
      faults.add(runs, `row ${number} (${image})`, CURE);
      isUnusable = true;
      return [];
    }
    if (runs.length === 0) return [];
    return [
      {
        shape: { kind: 'open-runs', runs },
        ...(className === undefined ? {} : { className }),
        ...(file.isOfObjects ? {} : { isMask: true }),
      },
    ];
  });
  return {
    reference: referenceOf(image),
    ...(v.is(imageSide, width) && v.is(imageSide, height) ? { width, height } : {}),
    objects,
    isUnusable: isUnusable && objects.length === 0,
    runs: file,
  };
}

const CURE =
  'Write each run as its start and its length, all starts counted from the first pixel of the image and ascending (where a start counts from the end of the run before, as in SIIM-ACR, add them up).';

/** Pixels from 0, or what is wrong with the runs. @param first number of the first pixel. */
function runsOf(text: string, first: 0 | 1): Runs | string {
  const numbers = text.split(/\s+/).map(Number);
  if (numbers.length % 2 === 1 || !numbers.every((number) => Number.isInteger(number) && number >= 0))
    return 'its runs are no pairs of whole numbers';
  const writer = new RunsWriter();
  let end = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    const start = (numbers[i] as number) - first;
    const length = numbers[i + 1] as number;
    if (start < end) return 'its runs overlap or do not ascend';
    end = start + length;
    if (end > limits.pixels) return 'its runs go beyond the pixels of any image';
    writer.add(start, end);
  }
  return writer.done();
}

/** A name, or one without its extension, in which folders may be joined to it by underscores. */
function referenceOf(image: string): ImageReference {
  return isImageName(nameParts(image)) ? { name: image } : { stems: [image], joined: image };
}

const placeholder = (path: string) =>
  notice(
    'data/annotation-placeholder',
    path,
    'This is a sample of a submission, whose runs are placeholders: it is left out.',
    'If it holds objects, call it otherwise.',
  );
