import type { DatasetSample } from '../dataset.ts';
import { decodeImage } from '../decode/image.ts';
import { readHeader } from '../decode/read-raster.ts';
import { isImageName, nameParts, withoutExtension } from '../file-names.ts';
import { joinAlike, joinInFolders } from '../join-alike.ts';
import { type LazyFile, readBytes } from '../lazy-file.ts';
import { sortedByName } from '../natural-order.ts';
import { attempt, notice, refusal } from '../outcome.ts';
import { componentOf } from '../pairing/folders.ts';
import { push } from '../pairing/match.ts';
import { splitOfTokens, tokensOf } from '../pairing/words.ts';
import { type ClassTable, vocTable } from '../reading/class-table.ts';
import type { RunOrder } from '../reading/reading.ts';
import type { ReadProgress, Refusal, RgbImage, Split } from '../types.ts';
import type { AnnotatedImage, AnnotationFormat } from './annotation-format.ts';
import { AnnotationBytes } from './annotation-source.ts';
import { ImageIndex } from './find-image.ts';
import { type ImageFault, ImageRemarks, listed } from './image-remarks.ts';
import { firstOfLines } from './json-lines.ts';
import { leftAside } from './left-aside.ts';
import {
  type AnnotatedFile,
  type MaskFiles,
  maskFiles,
  type RunMasks,
  UNNAMED,
  uprightSize,
} from './mask-files.ts';
import { otherTool } from './other-tools.ts';
import { annotationFormats } from './registry.ts';
import type { SeenRuns } from './run-contrast.ts';
import { type FoundOrder, orderOf, type RunsFile, shifted } from './run-order.ts';
import type { AnnotatedObject } from './shape.ts';

/** What annotation files say of the images of a drop. */
export interface Annotations {
  /** Masks by the path of their image. */
  readonly masks: ReadonlyMap<string, MaskFiles>;
  /** Names of the values in `labels` of `masks`. */
  readonly classNames: ReadonlyMap<number, string>;
  /** Names of the values of mask files in a folder and below. */
  readonly maskClassNames: readonly {
    readonly folder: string;
    readonly names: ReadonlyMap<number, string>;
  }[];
  /** Names of the colours of mask files in a folder and below. */
  readonly classTables: readonly { readonly folder: string; readonly table: ClassTable }[];
  /** Images that annotation files hold themselves. */
  readonly images: readonly LazyFile[];
  /** The images, by path, that one annotation file names together: each list is of one dataset. */
  readonly sets: readonly (readonly string[])[];
  /** The splits of images, by path, that files say. */
  readonly splits: ReadonlyMap<string, Split>;
  /** Files that are annotations, read or refused here. */
  readonly used: ReadonlySet<string>;
  /** Masks by the path of their image that may be read in two ways, as their runs do not say how they are counted. */
  readonly runs: ReadonlyMap<string, RunMasks>;
  readonly refusals: readonly Refusal[];
}

/**
 * Reads every annotation file of a drop and finds the images that they name. Shapes become masks when these are read;
 * until then only the shapes are kept.
 * @param files of the whole drop, by path.
 */
export async function readAnnotations(
  files: ReadonlyMap<string, LazyFile>,
  onProgress: (progress: ReadProgress) => void = () => undefined,
): Promise<Annotations> {
  const extensions = new Set([...annotationFormats.flatMap((format) => format.extensions), ...LINES]);
  const candidates = sortedByName([...files.values()], ({ path }) => path).filter(({ path }) =>
    extensions.has(nameParts(path).extension),
  );
  const drop = new DropReader(files);
  for (const [i, file] of candidates.entries()) {
    await drop.read(file);
    onProgress({ done: i + 1, total: candidates.length, file: file.path });
  }
  return drop.finish();
}

/** Names of the classes of a dataset, by the value that its masks have for them; undefined when nothing names them. */
export function classNamesOf(
  samples: readonly DatasetSample[],
  { masks, classNames, maskClassNames }: Annotations,
): ReadonlyMap<number, string> | undefined {
  if (samples.some(({ image }) => masks.has(image.path))) return classNames.size > 0 ? classNames : undefined;
  const paths = samples.flatMap(({ image, mask, labels, instances }) => {
    const own = mask ?? labels ?? instances;
    return own ? [own.path, image.path] : [];
  });
  const named = maskClassNames.filter(({ folder }) => paths.some((path) => isBelow(path, folder)));
  return named.length > 0 ? new Map(named.flatMap(({ names }) => [...names])) : undefined;
}

/**
 * The tables that may name the classes of a dataset's masks, those of the innermost folder first; that of PASCAL VOC where
 * nothing names them and they lie and are called as its masks are.
 */
export function classTablesOf(
  samples: readonly DatasetSample[],
  annotations: Annotations,
): readonly ClassTable[] {
  if (samples.some(({ image }) => annotations.masks.has(image.path))) return [];
  const paths = samples.flatMap(({ image, mask, labels }) => {
    const own = labels ?? mask;
    return own ? [own.path, image.path] : [];
  });
  const own = annotations.classTables
    .filter(({ folder }) => paths.some((path) => isBelow(path, folder)))
    .toSorted((a, b) => b.folder.length - a.folder.length)
    .map(({ table }) => table);
  const isVoc = paths.some((path) => {
    const { folders, stem } = nameParts(path);
    return VOC_IMAGE.test(stem) && folders.some((name) => VOC_FOLDER.test(name));
  });
  return own.length === 0 && isVoc && !classNamesOf(samples, annotations) ? [vocTable] : own;
}

const VOC_FOLDER = /^SegmentationClass(Aug)?$/i;
/** The year and a number of six digits, as PASCAL VOC calls its images; other sets have such a folder too. */
const VOC_IMAGE = /^20\d\d_\d{6}$/;

const isBelow = (path: string, folder: string) => folder === '' || path.startsWith(`${folder}/`);

/** What files say of the splits of images. */
class SplitLists {
  private readonly said = new Map<
    string,
    { readonly split: Split | undefined; readonly isOfMasks: boolean }
  >();

  /** @param list the file that says so: one in a folder for masks (`ImageSets/Segmentation`) counts before others. */
  add(image: string, split: Split, list: string): void {
    const isOfMasks = componentOf(nameParts(list).folders.at(-1) ?? '').meaning?.role === 'mask';
    const known = this.said.get(image);
    if (known?.isOfMasks && !isOfMasks) return;
    const isOther = known !== undefined && known.isOfMasks === isOfMasks && known.split !== split;
    this.said.set(image, { split: isOther ? undefined : split, isOfMasks });
  }

  /** Without images of which files say different splits. */
  known(): ReadonlyMap<string, Split> {
    return new Map([...this.said].flatMap(([image, { split }]) => (split ? [[image, split] as const] : [])));
  }
}

/** An image of the drop and everything that annotations say of it. */
interface Collected {
  readonly file: LazyFile;
  readonly format: AnnotationFormat;
  readonly shownAs: string;
  readonly parts: readonly AnnotatedImage[];
}

/**
 * What is known of an image with what a further file says: objects of both, as of COCO's `instances_…` and
 * `person_keypoints_…`, count once, and the first file that says objects is the one that is named.
 */
function withPart(known: Collected, part: AnnotatedImage, shownAs: string): Collected {
  const keyOf = ({ className, shape }: AnnotatedObject) => JSON.stringify([className, shape]);
  const have = new Set(
    part.objects.length === 0 ? [] : known.parts.flatMap(({ objects }) => objects.map(keyOf)),
  );
  const objects = part.objects.filter((object) => !have.has(keyOf(object)));
  const isFirst = known.parts.every((other) => other.objects.length === 0) && objects.length > 0;
  return {
    ...known,
    shownAs: isFirst ? shownAs : known.shownAs,
    parts: [...known.parts, { ...part, objects }],
  };
}

class DropReader {
  private readonly index: ImageIndex;
  private readonly used = new Set<string>();
  private readonly refusals: Refusal[] = [];
  /** Of files that are left aside, which a set has in every folder: said once. */
  private readonly asides: Refusal[] = [];
  /** Files that look like annotations and are of no format; another one may use them after all. */
  private readonly unknown = new Map<string, Refusal>();
  private readonly classes = new Map<string, number>();
  private readonly maskClassNames: { folder: string; names: ReadonlyMap<number, string> }[] = [];
  private readonly classTables: { folder: string; table: ClassTable }[] = [];
  private readonly collected = new Map<string, Collected>();
  private readonly embedded = new Map<string, LazyFile>();
  private readonly sets: string[][] = [];
  private readonly ofSetFile = new Map<string, string[]>();
  private readonly splits = new SplitLists();

  constructor(private readonly files: ReadonlyMap<string, LazyFile>) {
    this.index = new ImageIndex(files.keys());
  }

  async read(file: LazyFile): Promise<void> {
    const bytes = await readBytes(file);
    if (!bytes.ok) {
      this.used.add(file.path);
      this.refusals.push(bytes.refusal);
      return;
    }
    const source = new AnnotationBytes(file.path, bytes.value, this.files, this.index);
    const format = annotationFormats.find(
      (each) => each.extensions.includes(source.extension) && each.recognises(source),
    );
    const aside = format ? undefined : leftAside(source);
    if (aside) {
      this.used.add(file.path);
      this.asides.push(aside);
      return;
    }
    if (!format) {
      const unknown = unknownAnnotation(source);
      if (unknown) this.unknown.set(file.path, unknown);
      return;
    }
    this.used.add(file.path);
    const content = await attempt(file.path, async () => format.read(source));
    if (!content.ok) {
      this.refusals.push(content.refusal);
      return;
    }
    const { images, classNames = [], maskClassNames, classTable, used = [], remarks = [] } = content.value;
    const { splits = [], setFile } = content.value;
    for (const { split, images: listed } of splits) {
      for (const reference of listed) {
        const found = this.index.find(reference, source.path);
        if (!found || !('path' in found)) continue;
        this.splits.add(found.path, split, source.path);
        if (setFile !== undefined) push(this.ofSetFile, setFile, found.path);
      }
    }
    for (const path of used) this.used.add(path);
    this.refusals.push(...remarks);
    for (const name of classNames) this.classValue(name);
    if (maskClassNames) this.maskClassNames.push({ folder: source.folder, names: maskClassNames });
    if (classTable) this.classTables.push({ folder: source.folder, table: classTable });
    this.collect(images, source, format, setFile);
  }

  private collect(
    images: readonly AnnotatedImage[],
    source: AnnotationBytes,
    format: AnnotationFormat,
    setFile: string | undefined,
  ): void {
    const remarks = new ImageRemarks(source.path);
    const found = images.flatMap((image) => {
      const at = this.index.find(image.reference, source.path) ?? this.embed(image, source);
      if (at && 'path' in at) return [{ image, unlike: undefined, ...at }];
      if (!image.isUnusable) remarks.add(...notFound(image, at));
      return [];
    });
    // Of two names that lead to one image the one that agrees with more of its folders is right.
    const agreeing = new Map<string, number>();
    const set: string[] = [];
    for (const { path, agreeing: n } of found) agreeing.set(path, Math.max(n, agreeing.get(path) ?? -1));
    for (const { image, path, agreeing: n, unlike } of found) {
      if (n < (agreeing.get(path) ?? -1)) {
        remarks.add(...notFound(image, undefined));
        continue;
      }
      if (unlike)
        remarks.add(unlike, `${path}${unlike === 'name' ? ', not' : ' for'} ${image.reference.name}`);
      for (const { className } of image.objects) if (className !== undefined) this.classValue(className);
      const file = this.files.get(path) ?? this.embedded.get(path);
      const known = this.collected.get(path);
      if (known && known.format !== format) {
        remarks.add('twice', `${path} (${known.shownAs})`);
        continue;
      }
      set.push(path);
      const shownAs = image.shownAs ?? source.path;
      if (known) this.collected.set(path, withPart(known, image, shownAs));
      else if (file) this.collected.set(path, { file, format, shownAs, parts: [image] });
    }
    if (set.length > 1) this.sets.push(set);
    if (setFile !== undefined) this.ofSetFile.set(setFile, (this.ofSetFile.get(setFile) ?? []).concat(set));
    // The name of a file for one image is that of the image.
    const split = images.length > 1 ? splitOfTokens(tokensOf(nameParts(source.path).stem)) : undefined;
    if (split) for (const path of set) this.splits.add(path, split, source.path);
    this.refusals.push(...remarks.list(images.length));
  }

  /** The image that an annotation file holds itself, as a file beside it under its name. */
  private embed({ reference, embedded }: AnnotatedImage, source: AnnotationBytes) {
    if (!embedded) return undefined;
    const { extension } = nameParts(reference.name ?? '');
    const path = `${withoutExtension(source.path)}.${isImageName({ extension }) ? extension : 'png'}`;
    this.embedded.set(path, { path, size: 0, bytes: embedded });
    return { path, agreeing: 0 };
  }

  private onlyBoxes(count: number): Refusal {
    const [first] = this.collected.values();
    return notice(
      'data/annotation-rectangles',
      first?.shownAs ?? '',
      `Each of the ${count} objects is a box, which is taken as the rectangle that it is.`,
      'Outline objects that are no rectangles with polygons; else a model learns boxes.',
    );
  }

  private classValue(name: string): number {
    const known = this.classes.get(name);
    if (known !== undefined) return known;
    this.classes.set(name, this.classes.size + 1);
    return this.classes.size;
  }

  async finish(): Promise<Annotations> {
    for (const [path, refused] of this.unknown) {
      if (!this.used.has(path)) this.refusals.push(refused);
      this.used.add(path);
    }
    const objects = [...this.collected.values()].flatMap(({ parts }) =>
      parts.flatMap((part) => part.objects),
    );
    if (this.classes.size > 0 && objects.some(isUnnamed)) this.classValue(UNNAMED);
    if (objects.length > 0 && objects.every(({ isBox }) => isBox))
      this.refusals.push(this.onlyBoxes(objects.length));
    const masks = new Map<string, MaskFiles>();
    const runs = new Map<string, RunMasks>();
    const remarks = new Map<string, ImageRemarks>();
    const sized: SizedFile[] = [];
    for (const { file, shownAs, parts } of sortedByName(
      [...this.collected.values()],
      (each) => each.file.path,
    )) {
      const known = remarks.get(shownAs) ?? new ImageRemarks(shownAs);
      remarks.set(shownAs, known);
      if (parts.every((part) => part.isUnusable)) continue;
      const size = await storedSize(file);
      if (size) sized.push({ file, path: file.path, ...size, shownAs, parts, known });
    }
    const orders = await ordersOf(sized);
    for (const { known, file: _, ...stored } of sized) {
      const parts = stored.parts.map((part) => ({
        ...part,
        objects: shifted(part.objects, (part.runs && orders.get(part.runs)?.shift) ?? 0),
      }));
      const image = { ...stored, parts };
      const orderOf = (file: RunsFile) => orders.get(file)?.order ?? file.usual;
      const drawn = maskFiles({ ...image, orderOf }, this.classes, known);
      if (drawn) masks.set(image.path, drawn);
      const [found] = image.parts.flatMap((part) => (part.runs && orders.get(part.runs)) ?? []);
      if (!found) continue;
      const masksIn = (order: RunOrder) =>
        order === found.order
          ? drawn
          : maskFiles({ ...image, orderOf: () => order }, this.classes, new ImageRemarks(image.shownAs));
      runs.set(image.path, { found, masksIn });
    }
    for (const each of remarks.values()) this.refusals.push(...each.list(this.collected.size));
    return {
      masks,
      classNames: new Map([...this.classes].map(([name, value]) => [value, name])),
      maskClassNames: this.maskClassNames,
      classTables: this.classTables,
      images: [...this.embedded.values()],
      sets: [...this.sets, ...this.ofSetFile.values()],
      splits: this.splits.known(),
      used: this.used,
      runs,
      // A set has a label file for each image, and what is wrong with one of them is often wrong with all: said once.
      refusals: [...joinInFolders(this.refusals), ...joinAlike(this.asides, ({ cure }) => cure)],
    };
  }
}

/** @param among the images that its name may mean; undefined when there is none. */
function notFound(
  { reference: { name, stems = [] } }: AnnotatedImage,
  among: readonly string[] | undefined,
): [ImageFault, string] {
  const wanted = name ?? stems[0] ?? 'an image';
  if (among) return ['ambiguous', `${wanted} (${listed(among)})`];
  return [/^https?:/i.test(wanted) ? 'address' : 'missing', wanted];
}

const isUnnamed = ({ className, isIgnored }: AnnotatedObject) => className === undefined && !isIgnored;

/** An image whose size is known. */
interface SizedFile extends Omit<AnnotatedFile, 'orderOf'> {
  readonly file: LazyFile;
  /** What is said of its annotation file. */
  readonly known: ImageRemarks;
}

/** How the runs of each file are counted that does not say it, by all of its images. */
async function ordersOf(images: readonly SizedFile[]): Promise<ReadonlyMap<RunsFile, FoundOrder>> {
  const byFile = new Map<RunsFile, SeenRuns[]>();
  for (const { file, parts, ...stored } of images) {
    for (const { objects, runs, width, height } of parts) {
      if (!runs) continue;
      const size = width === undefined || height === undefined ? uprightSize(stored) : { width, height };
      push(byFile, runs, { ...size, objects, image: () => seen(file) });
    }
  }
  const orders = new Map<RunsFile, FoundOrder>();
  for (const [file, own] of byFile) orders.set(file, await orderOf(file, own));
  return orders;
}

async function seen(file: LazyFile): Promise<RgbImage | undefined> {
  const bytes = await readBytes(file);
  const decoded = bytes.ok ? await decodeImage(bytes.value, file.path) : bytes;
  return decoded.ok ? decoded.value.image : undefined;
}

/** Stored size and orientation by the header; undefined for an image that cannot be read, which is refused later. */
async function storedSize(file: LazyFile) {
  const bytes = await readBytes(file);
  if (!bytes.ok) return undefined;
  const header = await attempt(file.path, () => readHeader(bytes.value, file.path));
  return header.ok ? header.value : undefined;
}

/** Extensions of files with a JSON in each line. */
const LINES = ['ndjson', 'jsonl'];

/** A file that only annotations have the extension of, and that is none which is read. */
function unknownAnnotation(source: AnnotationBytes): Refusal | undefined {
  const { path, extension } = source;
  if (LINES.includes(extension)) {
    const tool = otherTool(firstOfLines(source.text));
    return tool && ofOtherTool(path, tool);
  }
  if (!['json', 'geojson'].includes(extension) || /(^|\/)dataset\.json$/i.test(path)) return undefined;
  if (source.jsonError)
    return refusal(
      'data/annotation-damaged',
      path,
      `This JSON is damaged or incomplete (${source.jsonError}).`,
      'Export or download it again.',
    );
  const tool = otherTool(source.json);
  if (tool) return ofOtherTool(path, tool);
  const names = annotationFormats.filter(
    ({ extensions, onlyNames, onlyOfSets }) =>
      !onlyNames && !onlyOfSets && extensions.some((each) => /json/.test(each)),
  );
  return refusal(
    'data/annotation-unknown',
    path,
    'This JSON holds no annotations in a form that is read here.',
    `Nothing is missing if it says nothing of objects; else export these as ${names.map(({ name }) => name).join(', ')}, or as masks.`,
  );
}

const ofOtherTool = (path: string, { name, cure }: { readonly name: string; readonly cure: string }) =>
  refusal('data/annotation-unknown', path, `This file is ${name}, whose form is not read here.`, cure);
