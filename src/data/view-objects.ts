import { connectedParts, type LabelRuns, runsInView } from './label-runs.ts';
import { IGNORED, type ObjectRule } from './objects.ts';
import type { ObjectRegion } from './types.ts';
import { sizeOfView, type View } from './view.ts';

/** The objects that a view shows; boxes and pixels are those of the view. */
export interface ViewObjects {
  readonly width: number;
  readonly height: number;
  /** Largest first. */
  readonly regions: readonly ObjectRegion[];
  readonly runs: ViewRuns;
}

/** Runs inside a view. The runs are mirrored, not transposed: where the view is, their rows are its columns. */
export interface ViewRuns {
  readonly runs: LabelRuns;
  readonly isTransposed: boolean;
  /** What each run belongs to: the id of a region, a class label, or -1 (`IGNORED`); 0 for an object left out. */
  readonly ids: Int32Array;
}

/** The runs of a map inside a view, by their own values. */
export function viewRuns(map: LabelRuns, view: View): ViewRuns {
  const runs = runsInView(map, view);
  return { runs, isTransposed: view.isTransposed, ids: runs.values };
}

/**
 * The objects of a label map inside a view, as `findObjects` finds them in a copy of what the view shows: an object that
 * the view's edge cuts is what is left of it, two objects where it is cut in two. Largest first, of equal areas the one
 * whose first pixel comes first in the view's rows.
 * @param leastArea objects with fewer pixels in the view are left out.
 */
export function findViewObjects(
  map: LabelRuns,
  rule: ObjectRule,
  view: View,
  leastArea: number,
): ViewObjects {
  const { runs, isTransposed } = viewRuns(map, view);
  const parts = rule === 'ids' ? partsByValue(runs) : connectedParts(runs);
  const found = measure(runs, parts, isTransposed);
  const kept = found
    .filter(({ area }) => area >= leastArea)
    .sort((a, b) => b.area - a.area || a.first - b.first);
  const idOfPart = new Map(kept.map(({ part }, i) => [part, i + 1]));
  const ids = runs.values.map((value, run) =>
    value === IGNORED ? IGNORED : (idOfPart.get(parts[run] as number) ?? 0),
  );
  const regions = kept.map(({ label, area, box }, i): ObjectRegion => ({ id: i + 1, label, area, box }));
  return { ...sizeOfView(view), regions, runs: { runs, isTransposed, ids } };
}

/**
 * Pixel n of an object, counted in the view's rows.
 * @param n from 0 to the object's area, exclusive.
 */
export function pixelOfObject(
  { runs: { runs, isTransposed, ids } }: Pick<ViewObjects, 'runs'>,
  { id, box }: ObjectRegion,
  n: number,
): readonly [x: number, y: number] {
  const { rows, starts, ends } = runs;
  let left = n;
  if (!isTransposed) {
    for (let y = box[1]; y < box[3]; y++) {
      for (let run = rows[y] as number; run < (rows[y + 1] as number); run++) {
        if (ids[run] !== id) continue;
        const start = starts[run] as number;
        const length = (ends[run] as number) - start;
        if (left < length) return [start + left, y];
        left -= length;
      }
    }
  } else {
    // The view's rows are columns of the runs: count the object's pixels in each, then look into the one.
    const [x0, y0, x1, y1] = box;
    const changes = new Int32Array(y1 - y0 + 1);
    const own: number[] = [];
    for (let row = x0; row < x1; row++) {
      for (let run = rows[row] as number; run < (rows[row + 1] as number); run++) {
        if (ids[run] !== id) continue;
        own.push(row, run);
        const [from, to] = [(starts[run] as number) - y0, (ends[run] as number) - y0];
        changes[from] = (changes[from] as number) + 1;
        changes[to] = (changes[to] as number) - 1;
      }
    }
    for (let y = y0, count = 0; y < y1; y++) {
      count += changes[y - y0] as number;
      if (left >= count) {
        left -= count;
        continue;
      }
      for (let i = 0; i < own.length; i += 2) {
        const run = own[i + 1] as number;
        if ((starts[run] as number) <= y && y < (ends[run] as number) && left-- === 0)
          return [own[i] as number, y];
      }
    }
  }
  throw new RangeError(`object ${id} has no pixel ${n}`);
}

/** A part for every value; 0 for ignored runs. */
function partsByValue({ values }: LabelRuns): Int32Array {
  const index = new Map<number, number>();
  return values.map((value) => {
    if (value === IGNORED) return 0;
    const part = index.get(value) ?? index.size + 1;
    index.set(value, part);
    return part;
  });
}

interface Part {
  readonly part: number;
  readonly label: number;
  area: number;
  /** Index of its first pixel in the view's rows. */
  first: number;
  readonly box: [x0: number, y0: number, x1: number, y1: number];
}

function measure(runs: LabelRuns, parts: Int32Array, isTransposed: boolean): Part[] {
  const { width, height, rows, starts, ends, values } = runs;
  const found = new Map<number, Part>();
  for (let row = 0; row < height; row++) {
    for (let run = rows[row] as number; run < (rows[row + 1] as number); run++) {
      const part = parts[run] as number;
      if (part === 0) continue;
      const start = starts[run] as number;
      const end = ends[run] as number;
      const first = isTransposed ? start * height + row : row * width + start;
      let known = found.get(part);
      if (!known) {
        const label = values[run] as number;
        known = { part, label, area: 0, first, box: [start, row, end, row + 1] };
        found.set(part, known);
      }
      const { box } = known;
      known.area += end - start;
      if (first < known.first) known.first = first;
      if (start < box[0]) box[0] = start;
      if (end > box[2]) box[2] = end;
      box[3] = row + 1;
    }
  }
  const all = [...found.values()];
  if (!isTransposed) return all;
  return all.map(({ box: [x0, y0, x1, y1], ...rest }) => ({ ...rest, box: [y0, x0, y1, x1] }));
}
