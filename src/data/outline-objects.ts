/** Masks that hold the outlines of objects alone, as programs export them to be looked at. */
import { areaOf, forEachSpan, runsOfValues, subtract } from './labels/runs.ts';
import { filled, partsOf } from './labels/shaping.ts';
import { NO_RUNS, type Runs } from './labels/types.ts';
import { notice } from './outcome.ts';
import type { ObjectRegion, ObjectSet, Refusal } from './types.ts';

/** Objects that are looked at in an image, the largest first. */
const MOST_OBJECTS = 50;
/** Share of the objects from which on those of a dataset are outlines. */
const MOST = 0.8;
/** A line is narrower in pixels. */
const NARROW = 5;
/** Shares of what a line goes around that lie in one part, and that are background. */
const ONE_PART = 0.9;
const EMPTY = 0.95;

/** Counts the objects of a dataset that are thin closed lines around background. */
export class OutlineCounts {
  private objects = 0;
  private outlines = 0;
  private first = '';

  /** @param mask the file that the objects come from. */
  add(objects: ObjectSet, mask: string): void {
    const largest = objects.regions.slice(0, MOST_OBJECTS);
    this.objects += largest.length;
    const lines = largest.filter((region) => isNarrow(objects, region));
    if (lines.length === 0) return;
    const runs = runsOfValues(objects.map, Math.max(...lines.map(({ id }) => id)));
    for (const region of lines) {
      if (!isOutline(objects, region, runs[region.id - 1] ?? NO_RUNS)) continue;
      if (this.outlines === 0) this.first = mask;
      this.outlines++;
    }
  }

  remarks(): Refusal[] {
    if (this.outlines === 0 || this.outlines < MOST * this.objects) return [];
    const which =
      this.objects === 1
        ? 'The object is a thin closed line'
        : `${this.outlines} of ${this.objects} objects that were looked at are thin closed lines`;
    return [
      notice(
        'data/mask-outlines',
        this.first,
        `${which} around background, as outlines are without what is in them. They were taken as they are, so a model learns lines.`,
        'If what is in them belongs to the objects, export masks instead, or fill them and drop them again: in ImageJ by Process > Binary > Fill Holes, in Python by scipy.ndimage.binary_fill_holes(mask), for each value alone where objects have numbers.',
      ),
    ];
  }
}

/** Whether an object is a line that closes around at least half as many pixels as it has itself, nearly all background. */
function isOutline({ map, width }: ObjectSet, { area }: ObjectRegion, runs: Runs): boolean {
  const inside = subtract(filled(runs, width), runs);
  const all = areaOf(inside);
  if (2 * all < area) return false;
  const [largest = inside] = partsOf(inside, width, 4);
  let empty = 0;
  forEachSpan(inside, width, (y, x0, x1) => {
    for (let x = x0; x < x1; x++) if (map[y * width + x] === 0) empty++;
  });
  return areaOf(largest) >= ONE_PART * all && empty >= EMPTY * all;
}

/** Whether no square of {@link NARROW} pixels is the object's as a whole. */
function isNarrow({ map, width }: ObjectSet, { id, box: [x0, y0, x1, y1] }: ObjectRegion): boolean {
  const columns = x1 - x0;
  // The side of the largest square that ends at a pixel.
  const sides = new Uint8Array(columns * (y1 - y0));
  for (let i = 0; i < sides.length; i++) {
    const x = i % columns;
    if (map[(y0 + (i - x) / columns) * width + x0 + x] !== id) continue;
    const before =
      x === 0 || i < columns
        ? 0
        : Math.min(sides[i - 1] ?? 0, sides[i - columns] ?? 0, sides[i - columns - 1] ?? 0);
    sides[i] = before + 1;
    if (sides[i] === NARROW) return false;
  }
  return true;
}
