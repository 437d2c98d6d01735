import { storedPixel } from '../decode/orientation.ts';
import { nameParts } from '../file-names.ts';
import type { ObjectOrigin } from '../labels/types.ts';
import type { LazyFile } from '../lazy-file.ts';
import { refuse } from '../outcome.ts';
import type { RunOrder } from '../reading/reading.ts';
import type { LabelMap } from '../types.ts';
import type { AnnotatedImage } from './annotation-format.ts';
import { type Drawing, drawObjects, encodeMap, fitsPng } from './draw.ts';
import type { ImageRemarks } from './image-remarks.ts';
import { placedObjects } from './placed-objects.ts';
import { TooMuchWork } from './rasterise.ts';
import type { FoundOrder, RunsFile } from './run-order.ts';
import { type PlacedObject, scaledShape } from './shape.ts';

/** Masks that are drawn when they are read. */
export interface MaskFiles {
  /** A number for each object. */
  readonly instances: LazyFile;
  /** A number for each class, where there are several. */
  readonly labels?: LazyFile;
  /** Who made objects, by their number, where that is said. */
  readonly origins?: ReadonlyMap<number, ObjectOrigin>;
}

/** How the runs of an image were found to be counted, and its masks in either order. */
export interface RunMasks {
  readonly found: FoundOrder;
  masksIn(order: RunOrder): MaskFiles | undefined;
}

/** An image and what annotations say of it. */
export interface AnnotatedFile {
  readonly path: string;
  /** As the file stores it. */
  readonly width: number;
  readonly height: number;
  /** EXIF orientation, 1 … 8. */
  readonly orientation: number;
  /** What a person knows as its annotation file. */
  readonly shownAs: string;
  readonly parts: readonly AnnotatedImage[];
  /** How the runs of a file are counted that does not say it. */
  orderOf(file: RunsFile): RunOrder;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size of an image as it is seen. */
export const uprightSize = ({
  width,
  height,
  orientation,
}: Pick<AnnotatedFile, 'width' | 'height' | 'orientation'>): Size =>
  orientation < 5 ? { width, height } : { width: height, height: width };

/** What objects without a class are called where others have one. */
export const UNNAMED = 'unnamed';

/** Share of an object's pixels from which on it is said that others hide it. */
const HIDDEN = 0.1;

/**
 * The masks of an image; undefined when what was annotated does not fit it, which `remarks` then say.
 * @param classes the number of every class by its name.
 */
export function maskFiles(
  image: AnnotatedFile,
  classes: ReadonlyMap<string, number>,
  remarks: ImageRemarks,
): MaskFiles | undefined {
  const isAsStored = wasAnnotatedAsStored(image);
  const size = isAsStored ? image : uprightSize(image);
  const objects: PlacedObject[] = [];
  for (const part of image.parts) {
    const fitted = fittedObjects(part, size, image, remarks);
    if (!fitted) return undefined;
    for (const object of fitted) objects.push(object);
  }
  const drawing = tryToDraw(objects, size);
  if (!drawing) {
    remarks.add('work', image.path);
    return undefined;
  }
  if (drawing.objects.length > 0 && drawing.objects.every(({ area }) => area === 0)) {
    remarks.add('outside', image.path);
    return undefined;
  }
  remarkOnObjects(drawing, objects, image.path, remarks);
  const hasIgnored = objects.some(({ isIgnored }) => isIgnored);
  const file = (
    role: 'instances' | 'labels',
    largest: number,
    value: (index: number) => number,
  ): LazyFile => {
    const asPng = fitsPng(largest, hasIgnored);
    const path = `${image.shownAs}/${nameParts(image.path).stem}-${role}.${asPng ? 'png' : 'tif'}`;
    const bytes = async () => {
      const map = tryToDraw(objects, size)?.instances;
      if (!map)
        throw refuse('data/annotation-too-much', path, 'Its outlines are too long.', 'Simplify them.');
      for (let i = 0; i < map.data.length; i++) {
        const id = map.data[i] as number;
        if (id > 0) map.data[i] = value(id - 1);
      }
      return encodeMap(isAsStored ? turned(map, image) : map, asPng);
    };
    return { path, size: 0, bytes };
  };
  const instances = file('instances', objects.length, (index) => index + 1);
  const known = objects.flatMap(({ origin }, index) => (origin ? [[index + 1, origin] as const] : []));
  const origins = known.length > 0 && { origins: new Map(known) };
  if (classes.size < 2) return { instances, ...origins };
  const values = objects.map(({ className = UNNAMED }) => classes.get(className) ?? 0);
  return { instances, labels: file('labels', classes.size, (index) => values[index] ?? 0), ...origins };
}

/** Some tools annotate the pixels as they are stored; it shows where width and height have changed places. */
function wasAnnotatedAsStored({ width, height, orientation, parts }: AnnotatedFile): boolean {
  return (
    orientation >= 5 &&
    width !== height &&
    parts.some((part) => part.width === width && part.height === height)
  );
}

/** The objects in pixels of the image; undefined when its size and that of the annotated one do not go together. */
function fittedObjects(
  { objects: found, width, height, isRelative, runs }: AnnotatedImage,
  size: Size,
  { path, orderOf }: Pick<AnnotatedFile, 'path' | 'orderOf'>,
  remarks: ImageRemarks,
): readonly PlacedObject[] | undefined {
  const annotated = width === undefined || height === undefined ? size : { width, height };
  const objects = placedObjects(found, annotated, runs && orderOf(runs));
  if (!objects) {
    remarks.add('beyond', `${path} (${annotated.width} × ${annotated.height} pixels)`);
    return undefined;
  }
  const scaled = (sx: number, sy: number) =>
    objects.map((object) => ({ ...object, shape: scaledShape(object.shape, sx, sy) }));
  if (isRelative) return scaled(size.width, size.height);
  if (width === undefined || height === undefined) return objects;
  if (width === size.width && height === size.height) return objects;
  const sizes = `${path}: ${width} × ${height} pixels, the image has ${size.width} × ${size.height}`;
  if (!hasSameAspect({ width, height }, size)) {
    remarks.add('size', sizes);
    return undefined;
  }
  remarks.add('scaled', sizes);
  return scaled(size.width / width, size.height / height);
}

/** Whether one may be the other scaled, each side rounded to whole pixels. */
function hasSameAspect(a: Size, b: Size): boolean {
  const ratio = (a.width * b.height) / (a.height * b.width);
  return Math.abs(ratio - 1) <= 1 / Math.min(a.width, a.height) + 1 / Math.min(b.width, b.height);
}

function tryToDraw(objects: readonly PlacedObject[], size: Size): Drawing | undefined {
  try {
    return drawObjects(objects, size);
  } catch (error) {
    if (error instanceof TooMuchWork) return undefined;
    throw error;
  }
}

function remarkOnObjects(
  drawing: Drawing,
  objects: readonly PlacedObject[],
  path: string,
  remarks: ImageRemarks,
): void {
  for (const { index, area, hidden } of drawing.objects) {
    const { className } = objects[index] ?? {};
    const which = className === undefined ? `object ${index + 1}` : `object ${index + 1}, ${className}`;
    if (area === 0) remarks.add('empty', `${path} (${which})`);
    else if (hidden > HIDDEN * area) remarks.add('hidden', `${path} (${which}: ${hidden} of ${area} pixels)`);
  }
}

/** A map of the pixels as they are stored, turned upright. */
function turned({ data }: LabelMap, { width, height, orientation }: AnnotatedFile): LabelMap {
  const out = new Int32Array(data.length);
  for (let y = 0, at = 0; y < width; y++) {
    for (let x = 0; x < height; x++, at++) {
      out[at] = data[storedPixel(orientation, x, y, width, height)] as number;
    }
  }
  return { width: height, height: width, data: out };
}
