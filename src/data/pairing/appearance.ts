import { decodeImage } from '../decode/image.ts';
import { type LazyFile, readBytes } from '../lazy-file.ts';
import type { RgbImage } from '../types.ts';

/** What a file looks like, as far as pairing asks. */
export interface Appearance {
  /** Share of pixels that are as their right and their lower neighbour, 0–1: near 1 in masks, low in photographs. */
  readonly flatness: number;
  /** Whether pixels of a grid of {@link GRID} × {@link GRID} differ from what lies along the edges. */
  readonly foreground: Uint8Array;
  /** Share of `foreground` that is set, 0–1. */
  readonly share: number;
}

/** Looks at a file; undefined when it cannot be read. */
export type Peek = (path: string) => Promise<Appearance | undefined>;

/** Files that are looked at in one drop, and the largest one, bytes: names decide where these are used up. */
const MOST_FILES = 60;
const MOST_BYTES = 48 * 2 ** 20;
const GRID = 96;
/** Levels by which neighbours in a lossy file may differ. */
const SAME = 2;
/** More colours on the grid, of which some differ much: a lossy file, whose foreground is what differs clearly. */
const FEW_COLOURS = 16;
const CLEARLY = 40;

/** A {@link Peek} into files that remembers what it saw and stops at its limits. */
export function peekInto(files: ReadonlyMap<string, LazyFile>): Peek {
  const seen = new Map<string, Promise<Appearance | undefined>>();
  return (path) => {
    const known = seen.get(path);
    if (known) return known;
    const file = files.get(path);
    const looked =
      file && file.size <= MOST_BYTES && seen.size < MOST_FILES ? look(file) : Promise.resolve(undefined);
    if (file) seen.set(path, looked);
    return looked;
  };
}

async function look(file: LazyFile): Promise<Appearance | undefined> {
  const bytes = await readBytes(file, MOST_BYTES);
  const decoded = bytes.ok ? await decodeImage(bytes.value, file.path) : bytes;
  return decoded.ok ? appearanceOf(decoded.value.image) : undefined;
}

type Pixels = Pick<RgbImage, 'width' | 'height' | 'data'>;

/** What an image looks like. */
function appearanceOf(image: Pixels): Appearance {
  const { width, height, data } = image;
  const isSame = (a: number, b: number) => {
    for (let c = 0; c < 3; c++) if (Math.abs((data[a + c] ?? 0) - (data[b + c] ?? 0)) > SAME) return false;
    return true;
  };
  let flat = 0;
  for (let y = 0; y < height - 1; y++) {
    for (let x = 0; x < width - 1; x++) {
      const at = 3 * (y * width + x);
      if (isSame(at, at + 3) && isSame(at, at + 3 * width)) flat++;
    }
  }
  const foreground = foregroundOf(image);
  const share = foreground.filter(Boolean).length / foreground.length;
  return { flatness: flat / Math.max(1, (width - 1) * (height - 1)), foreground, share };
}

/** Where a grid differs from what is most frequent along the edges of the image: at all, or clearly in a lossy file. */
function foregroundOf(image: Pixels): Uint8Array {
  const { width, height, data } = image;
  const background = edgeColour(image);
  const differences = new Uint8Array(GRID * GRID);
  const colours = new Set<number>();
  for (let i = 0; i < differences.length; i++) {
    const x = Math.floor((((i % GRID) + 0.5) * width) / GRID);
    const y = Math.floor(((Math.floor(i / GRID) + 0.5) * height) / GRID);
    const at = 3 * (y * width + x);
    for (let c = 0; c < 3; c++) {
      const by = Math.abs((data[at + c] ?? 0) - (data[background + c] ?? 0));
      differences[i] = Math.max(differences[i] ?? 0, by);
    }
    colours.add(colourAt(data, at));
  }
  const isLossy = colours.size > FEW_COLOURS && differences.some((by) => by > 2 * CLEARLY);
  return differences.map((by) => (by > (isLossy ? CLEARLY : 0) ? 1 : 0));
}

const colourAt = (data: Uint8Array, at: number) =>
  ((data[at] ?? 0) << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0);

/** Offset of a pixel whose colour is the most frequent one along the edges. */
function edgeColour({ width, height, data }: Pixels): number {
  const counts = new Map<number, { at: number; count: number }>();
  const add = (x: number, y: number) => {
    const at = 3 * (y * width + x);
    const colour = colourAt(data, at);
    const known = counts.get(colour);
    if (known) known.count++;
    else counts.set(colour, { at, count: 1 });
  };
  for (let x = 0; x < width; x++) {
    add(x, 0);
    add(x, height - 1);
  }
  for (let y = 0; y < height; y++) {
    add(0, y);
    add(width - 1, y);
  }
  let best = { at: 0, count: 0 };
  for (const each of counts.values()) if (each.count > best.count) best = each;
  return best.at;
}

/** What several files of one image look like together. */
export function together([first, ...others]: readonly Appearance[]): Appearance | undefined {
  if (!first || others.length === 0) return first;
  const foreground = first.foreground.map((set, i) =>
    set || others.some((other) => other.foreground[i]) ? 1 : 0,
  );
  return { ...first, foreground, share: foreground.filter(Boolean).length / foreground.length };
}

/** Overlap of what is set in two grids: intersection over union, 0–1. */
export function overlapOf(a: Appearance, b: Appearance): number {
  let both = 0;
  let either = 0;
  for (let i = 0; i < a.foreground.length; i++) {
    if (a.foreground[i] && b.foreground[i]) both++;
    if (a.foreground[i] || b.foreground[i]) either++;
  }
  return either === 0 ? 0 : both / either;
}
