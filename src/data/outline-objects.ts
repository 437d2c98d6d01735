/** Masks that hold the outlines of objects alone, as programs export them to be looked at. */
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
    for (const region of objects.regions.slice(0, MOST_OBJECTS)) {
      this.objects++;
      if (!isOutline(objects, region)) continue;
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
function isOutline({ map, width }: ObjectSet, { id, area, box }: ObjectRegion): boolean {
  const [x0, y0, x1, y1] = box;
  // The box with what lies around it.
  const [w, h] = [x1 - x0 + 2, y1 - y0 + 2];
  const at = (x: number, y: number) => map[(y0 + y - 1) * width + x0 + x - 1];
  const isOwn = new Uint8Array(w * h);
  for (let y = 1; y < h - 1; y++) for (let x = 1; x < w - 1; x++) if (at(x, y) === id) isOwn[y * w + x] = 1;
  if (!isNarrow(isOwn, w)) return false;
  const seen = Uint8Array.from(isOwn);
  fill(seen, w, 0);
  let [inside, largest, empty] = [0, 0, 0];
  for (let i = 0; i < seen.length; i++) {
    if (seen[i]) continue;
    const part = fill(seen, w, i);
    inside += part.length;
    largest = Math.max(largest, part.length);
    for (const pixel of part) if (at(pixel % w, Math.floor(pixel / w)) === 0) empty++;
  }
  return 2 * inside >= area && largest >= ONE_PART * inside && empty >= EMPTY * inside;
}

/** Whether no square of {@link NARROW} pixels is set as a whole. */
function isNarrow(mask: Uint8Array, width: number): boolean {
  // The side of the largest square that ends at a pixel.
  const sides = new Uint8Array(mask.length);
  for (let i = width + 1; i < mask.length; i++) {
    if (!mask[i]) continue;
    const around = [sides[i - 1], sides[i - width], sides[i - width - 1]] as const;
    sides[i] = 1 + Math.min(...around.map((side) => side ?? 0), NARROW - 1);
    if (sides[i] === NARROW) return false;
  }
  return true;
}

/** Sets what is clear and hangs together with a pixel by its sides. @returns its pixels. */
function fill(mask: Uint8Array, width: number, from: number): number[] {
  const part = [from];
  mask[from] = 1;
  for (let i = 0; i < part.length; i++) {
    const pixel = part[i] as number;
    const x = pixel % width;
    const besides = [
      pixel - width,
      pixel + width,
      ...(x > 0 ? [pixel - 1] : []),
      ...(x < width - 1 ? [pixel + 1] : []),
    ];
    for (const next of besides) {
      if (mask[next] !== 0) continue;
      mask[next] = 1;
      part.push(next);
    }
  }
  return part;
}
