/** Arrays with a plane for each class: of numbers of objects, as PanNuke's masks are, or of zeros and ones. */
import type { LazyFile } from '../lazy-file.ts';
import type { Layout } from './layout.ts';
import { byClass } from './layout.ts';
import { writeNpy } from './npy-header.ts';
import { pageSamples, type StoredArray } from './stored-array.ts';

/** Pages that are looked at to see what the values are. */
const LOOKED_AT = 8;
/** Share of the pixels of which each is in a class or else, and only then, in the last plane, where that is the background's. */
const MOST = 0.99;
/** Share of the pixels in some plane that may be in two; PanNuke has few. */
const FEW = 0.05;

/** What the planes of an array are. */
interface Planes {
  /** Those of classes; behind them comes the background's, where objects have numbers and it has one. */
  readonly classes: number;
  /** The class of the first plane. */
  readonly first: 0 | 1;
  /** Whether the values are numbers of objects. */
  readonly areNumbers: boolean;
}

/**
 * A file for each page, with the objects and the classes in it: a class is 1 for the first plane. Where planes of zeros and ones
 * share out all pixels, the first is 0, as of a softmax.
 * @throws Failure naming `path` where the values are no whole numbers, or planes overlap.
 */
export async function classPages(
  array: StoredArray,
  layout: Layout,
  pathOf: (page: number) => string,
  path: string,
): Promise<LazyFile[]> {
  const planes = await lookAt(array, layout, path);
  return Array.from({ length: layout.pages }, (_, page): LazyFile => {
    const made = (own: string, isOfClasses: boolean): LazyFile => ({
      path: own,
      size: 4 * layout.width * layout.height,
      bytes: async () => mapOf(await wholeNumbers(array, layout, page, path), layout, planes, isOfClasses),
    });
    const own = pathOf(page);
    const labels = made(`${own}/labels.npy`, true);
    const fields = planes.areNumbers
      ? { instances: made(`${own}/instances.npy`, false), labels }
      : { labels };
    return { ...made(own, !planes.areNumbers), fields };
  });
}

async function wholeNumbers(array: StoredArray, layout: Layout, page: number, path: string) {
  const values = await pageSamples(array, layout, page, path);
  for (const value of values) if (value < 0 || value !== Math.floor(value)) throw byClass(array.shape, path);
  return values;
}

async function lookAt(array: StoredArray, layout: Layout, path: string): Promise<Planes> {
  const { channels, pages, width, height } = layout;
  const seen = Math.min(pages, LOOKED_AT);
  const kinds = new Set<number>();
  let [shared, inSome, inTwo] = [0, 0, 0];
  for (let i = 0; i < seen; i++) {
    const values = await wholeNumbers(array, layout, Math.floor((i * pages) / seen), path);
    for (let at = 0; at < values.length; at += channels) {
      const isLast = (values[at + channels - 1] as number) > 0;
      let set = 0;
      for (let c = 0; c < channels - 1; c++) {
        const value = values[at + c] as number;
        if (value === 0) continue;
        kinds.add(value);
        set++;
      }
      if (isLast ? set === 0 : set > 0) shared++;
      if (isLast || set > 0) inSome++;
      if (set + Number(isLast) > 1) inTwo++;
    }
  }
  if (inTwo > FEW * inSome) throw byClass(array.shape, path);
  const isShared = shared >= MOST * seen * width * height;
  return kinds.size > 1
    ? { classes: isShared ? channels - 1 : channels, first: 1, areNumbers: true }
    : { classes: channels, first: isShared ? 0 : 1, areNumbers: false };
}

/** Numbers of objects, those of a plane behind those of the one before it, or of classes. */
function mapOf(
  values: ArrayLike<number>,
  { channels, height, width }: Layout,
  { classes, first }: Planes,
  isOfClasses: boolean,
): Uint8Array {
  const map = new Int32Array(width * height);
  let before = 0;
  for (let c = 0; c < classes; c++) {
    let most = 0;
    for (let i = 0; i < map.length; i++) {
      const value = values[i * channels + c] as number;
      most = Math.max(most, value);
      if (value > 0) map[i] = isOfClasses ? c + first : before + value;
    }
    before += most;
  }
  return writeNpy(
    { bits: 32, kind: 'signed', littleEndian: true },
    [height, width],
    new Uint8Array(map.buffer),
  );
}
