import { encodeMaskPng } from '../encode-png.ts';
import { type LazyFile, readBytes } from '../lazy-file.ts';
import { refuse, valueOrThrow } from '../outcome.ts';
import { readMaskFile } from '../reading/mask-file.ts';
import type { LabelMap } from '../types.ts';

/** A mask of one class. */
export interface ClassFile {
  readonly label: number;
  readonly file: LazyFile;
}

/**
 * Masks of one class each as one label map, made when it is read: where a mask is foreground its label stands, of two
 * that overlap that of the smaller one.
 * @returns a PNG; its path names all that it is made of, as `masks/{leaf,stem}/0.png`.
 */
export function labelsOfClasses(masks: readonly ClassFile[]): LazyFile {
  const path = `${joinedPath(masks.map(({ file }) => file.path))}`;
  return { path, size: masks.reduce((sum, { file }) => sum + file.size, 0), bytes: () => combine(masks) };
}

async function combine(masks: readonly ClassFile[]): Promise<Uint8Array> {
  let labels: LabelMap | undefined;
  /** What each pixel's label covers in its mask. */
  let areas = new Uint32Array(0);
  for (const { label, file } of masks) {
    const bytes = valueOrThrow(await readBytes(file));
    const labelMap = valueOrThrow(await readMaskFile(bytes, file.path));
    if (!labels) {
      labels = { ...labelMap, data: new Int32Array(labelMap.data.length) };
      areas = new Uint32Array(labelMap.data.length);
    }
    if (labels.width !== labelMap.width || labels.height !== labelMap.height) {
      throw refuse(
        'data/mask-size',
        file.path,
        `The mask is ${labelMap.width} × ${labelMap.height} pixels and that of another class of its image ${labels.width} × ${labels.height}.`,
        'Export the masks of all classes at the size of their image.',
      );
    }
    let area = 0;
    for (const value of labelMap.data) if (value > 0) area++;
    for (let i = 0; i < labels.data.length; i++) {
      const other = areas[i] as number;
      if ((labelMap.data[i] as number) <= 0 || (other > 0 && other < area)) continue;
      labels.data[i] = label;
      areas[i] = area;
    }
  }
  return encodeMaskPng(labels ?? { width: 1, height: 1, data: new Int32Array(1) });
}

/** What several paths begin and end with, and between them what they differ in. */
function joinedPath(paths: readonly string[]): string {
  const [first = '', ...others] = paths;
  if (others.length === 0) return first;
  let start = 0;
  while (start < first.length && others.every((path) => path[start] === first[start])) start++;
  const shortest = Math.min(...paths.map(({ length }) => length)) - start;
  let end = 0;
  while (end < shortest && others.every((path) => path.at(-1 - end) === first.at(-1 - end))) end++;
  const middles = paths.map((path) => path.slice(start, path.length - end));
  return `${first.slice(0, start)}{${middles.join(',')}}${first.slice(first.length - end)}`;
}
