/**
 * What was found so far, `found.jsonl`: what found it in the first line, then a line for each image, written as it is done. A
 * search that was cut off goes on after the last whole line.
 */
import * as v from 'valibot';
import { Failure } from '../../config/failure.ts';
import { FIND_FIELDS, type FindSettings, parseFindSettings } from '../../config/find.ts';
import { countsOfText, textOfCounts } from '../../data/annotations/run-lengths.ts';
import type { FileStore } from '../../data/file-store.ts';
import type { Runs } from '../../data/labels/types.ts';
import { maskObject } from '../../data/mask-runs.ts';
import type { Scale } from '../../data/types.ts';
import { ModelHasher } from '../../sam/checkpoint/hash.ts';
import type { HostTensor } from '../../sam/checkpoint/tensor-file.ts';
import type { Tuning } from '../tuning.ts';
import type { FoundObject } from './select.ts';

/** Everything on which the objects depend besides the images. */
export interface FindOrigin {
  /** Hash of the base model. */
  readonly model: string;
  /** Hash of the adapter's tensors; null for the base model. */
  readonly adapter: string | null;
  readonly settings: FindSettings;
  readonly scale: Scale;
  /** Hash of what tells the classes; absent where none are told. */
  readonly classes?: string;
  /** Hash of what tells how much objects are like labelled ones; absent where nothing does. */
  readonly likeness?: string;
  /** What the model is called with the run's name, for labels; it tells no origin from another. */
  readonly name?: string;
}

/** The objects of one image. */
export interface FoundImage {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly objects: readonly FoundObject[];
}

/** In version 1 the largest area was in pixels; version 2 knew neither likeness nor nesting. */
const VERSION = 3;

function areSettings(given: unknown): boolean {
  try {
    return JSON.stringify(parseFindSettings(given)) === JSON.stringify(given);
  } catch {
    return false;
  }
}

const OldHeaderSchema = v.looseObject({
  version: v.picklist([1, 2]),
  settings: v.record(v.string(), v.unknown()),
});

/** A header of any version as one of this. @param pixels of the first image; null where there is none. */
function migrated(header: unknown, pixels: number | null): unknown {
  const old = v.safeParse(OldHeaderSchema, header);
  if (!old.success) return header;
  const { version, settings } = old.output;
  const maxArea =
    version === 1 ? { maxArea: pixels === null ? 1 : Math.min(1, Number(settings.maxArea) / pixels) } : {};
  try {
    return { ...old.output, version: VERSION, settings: parseFindSettings({ ...settings, ...maxArea }) };
  } catch {
    return header;
  }
}

const HeaderSchema = v.object({
  version: v.literal(VERSION),
  model: v.string(),
  adapter: v.nullable(v.string()),
  scale: v.union([v.literal('whole'), v.pipe(v.number(), v.integer(), v.minValue(1))]),
  settings: v.custom<FindSettings>(areSettings),
  classes: v.exactOptional(v.string()),
  likeness: v.exactOptional(v.string()),
  name: v.exactOptional(v.string()),
});

const LineSchema = v.object({
  name: v.string(),
  width: v.pipe(v.number(), v.integer(), v.minValue(1)),
  height: v.pipe(v.number(), v.integer(), v.minValue(1)),
  objects: v.array(
    v.object({
      /** Lengths of background, object, background … pixels row by row, as COCO packs those of columns. */
      counts: v.string(),
      predictedIou: v.number(),
      stability: v.number(),
      likeness: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
      point: v.tuple([v.number(), v.number()]),
      classValue: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1))),
      classConfidence: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
    }),
  ),
});

export class FoundFile {
  private constructor(
    private readonly store: FileStore,
    private readonly path: string,
    private readonly found: Map<string, FoundImage>,
  ) {}

  /**
   * Begins the file, or goes on with one of the same origin; what is damaged of it is found again.
   * @throws Failure `find/other-origin` when it is of another, `storage/…`.
   */
  static async open(store: FileStore, path: string, origin: FindOrigin): Promise<FoundFile> {
    const text = (await store.exists(path)) ? new TextDecoder().decode(await store.read(path)) : '';
    const stored = parseText(text);
    // A first line that is cut off is that of a file without images.
    if (text.includes('\n') && (!stored.origin || identity(stored.origin) !== identity(origin)))
      throw otherOrigin(path);
    const found = byName(stored.images);
    const whole = formatText(origin, [...found.values()]);
    if (whole !== text) await store.write(path, new TextEncoder().encode(whole));
    return new FoundFile(store, path, found);
  }

  /** Writes a whole file, in place of what was there. @throws Failure `storage/…`. */
  static write(
    store: FileStore,
    path: string,
    origin: FindOrigin,
    images: readonly FoundImage[],
  ): Promise<void> {
    return store.write(path, new TextEncoder().encode(formatText(origin, images)));
  }

  /** What is stored, whatever found it; null where nothing is. */
  static async read(store: FileStore, path: string): Promise<{ origin: FindOrigin; file: FoundFile } | null> {
    if (!(await store.exists(path))) return null;
    // Not written anew: another tab may be adding to it.
    const { origin, images } = parseText(new TextDecoder().decode(await store.read(path)));
    return origin && { origin, file: new FoundFile(store, path, byName(images)) };
  }

  /** All images that were looked at, in the order in which they were. */
  get images(): readonly FoundImage[] {
    return [...this.found.values()];
  }

  /** What was found of an image, if it was looked at. */
  get(name: string): FoundImage | undefined {
    return this.found.get(name);
  }

  /** Keeps what was found of an image. @throws Failure `find/file-gone`, `storage/…`. */
  async add(image: FoundImage): Promise<void> {
    await this.expectThere();
    await this.store.append(this.path, new TextEncoder().encode(`${formatLine(image)}\n`));
    this.found.set(image.name, image);
  }

  /** @throws Failure `find/file-gone` where the file was deleted, perhaps with its dataset, since it was opened. */
  async expectThere(): Promise<void> {
    if (await this.store.exists(this.path)) return;
    throw new Failure({
      code: 'find/file-gone',
      what: 'What was found was deleted while the search went on, perhaps with its dataset.',
      where: this.path,
      cure: 'Search again, if the images are still there.',
    });
  }
}

const byName = (images: readonly FoundImage[]): Map<string, FoundImage> =>
  new Map(images.map((image) => [image.name, image] as const));

/** What tells the answers of a tuned model from others: its tensors, and the dataset that it is asked for. */
export async function tuningHash({
  tensors,
  dataset = 0,
}: Pick<Tuning, 'tensors' | 'dataset'>): Promise<string> {
  const hash = await tensorsHash(tensors);
  return dataset > 0 ? `${hash} ${dataset}` : hash;
}

/** The identity of an adapter or of what tells classes, by its tensors as that of a model. */
export async function tensorsHash(tensors: ReadonlyMap<string, HostTensor>): Promise<string> {
  const hasher = new ModelHasher();
  for (const [name, tensor] of tensors) await hasher.add(name, tensor);
  return hasher.digest();
}

function formatLine({ name, width, height, objects }: FoundImage): string {
  return JSON.stringify({
    name,
    width,
    height,
    objects: objects.map(
      ({ runs, predictedIou, stability, likeness, point, classValue, classConfidence }) => ({
        counts: textOfCounts(countsOf(runs)),
        predictedIou,
        stability,
        likeness,
        point,
        classValue,
        classConfidence,
      }),
    ),
  });
}

/** @returns undefined where the text is none. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What found the images, which is null where the first line is damaged or cut off, and the images. */
function parseText(text: string): {
  readonly origin: FindOrigin | null;
  readonly images: readonly FoundImage[];
} {
  const [first = '', ...lines] = text.split('\n');
  const images = lines.flatMap(parseLine);
  const [image] = images;
  const header = migrated(parsedJson(first), image ? image.width * image.height : null);
  const { success, output } = v.safeParse(HeaderSchema, header);
  if (!success) return { origin: null, images };
  const { version: _, ...origin } = output;
  return { origin, images };
}

const formatHeader = ({ model, adapter, scale, settings, classes, likeness, name }: FindOrigin): string =>
  JSON.stringify({ version: VERSION, model, adapter, scale, settings, classes, likeness, name });

const formatText = (origin: FindOrigin, images: readonly FoundImage[]): string =>
  `${[formatHeader(origin), ...images.map(formatLine)].join('\n')}\n`;

const identity = ({ name: _, ...origin }: FindOrigin): string => formatHeader(origin);

function parseLine(text: string): FoundImage[] {
  const parsed = v.safeParse(LineSchema, parsedJson(text));
  if (!parsed.success) return [];
  const { name, width, height } = parsed.output;
  const objects: FoundObject[] = [];
  for (const { counts, ...rest } of parsed.output.objects) {
    const runs = runsOfCounts(counts, width * height);
    if (!runs) return [];
    objects.push({ ...maskObject(runs, width), ...rest });
  }
  return [{ name, width, height, objects }];
}

function countsOf(runs: Runs): number[] {
  const counts: number[] = [];
  let end = 0;
  for (let i = 0; i < runs.length; i += 2) {
    const [start, length] = [runs[i] as number, runs[i + 1] as number];
    counts.push(start - end, length);
    end = start + length;
  }
  return counts;
}

/** @returns null when the lengths are not those of a mask of so many pixels. */
function runsOfCounts(text: string, pixels: number): Runs | null {
  const counts = countsOfText(text);
  if (!counts || counts.length % 2 !== 0) return null;
  const runs = new Uint32Array(counts.length);
  let at = 0;
  for (let i = 0; i < counts.length; i += 2) {
    const [before, length] = [counts[i] as number, counts[i + 1] as number];
    if (before < (i === 0 ? 0 : 1) || length < 1) return null;
    runs[i] = at + before;
    runs[i + 1] = length;
    at += before + length;
  }
  return at <= pixels ? runs : null;
}

function otherOrigin(path: string): Failure {
  return new Failure({
    code: 'find/other-origin',
    what: 'What was found here was found by another model, adapter or scale, or with other settings.',
    where: path,
    cure: `Go on with the same (settings are ${Object.keys(FIND_FIELDS).join(', ')}), name another folder, or remove this file.`,
  });
}
