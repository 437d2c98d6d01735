/** In which order of their runs objects stand out from the images that they lie in. */
import type { Runs } from '../labels/types.ts';
import type { RunOrder } from '../reading/reading.ts';
import type { Box, RgbImage } from '../types.ts';
import { placedObjects } from './placed-objects.ts';
import { pixelsOf } from './rasterise.ts';
import type { AnnotatedObject } from './shape.ts';

/** An image, its objects, and a way to see it. */
export interface SeenRuns {
  readonly objects: readonly AnnotatedObject[];
  readonly width: number;
  readonly height: number;
  /** As it is seen; undefined where it cannot be decoded. */
  image(): Promise<RgbImage | undefined>;
}

/** Images that are looked at, their pixels together, and objects of each: enough to tell, and soon done. */
const MOST_IMAGES = 24;
const MOST_PIXELS = 48_000_000;
const MOST_OBJECTS = 8;

/** How many objects stand out more from what surrounds them in one order than in the other. */
export async function standingOut(images: readonly SeenRuns[]): Promise<Readonly<Record<RunOrder, number>>> {
  const counts: Record<RunOrder, number> = { rows: 0, columns: 0 };
  const some = images.filter(({ objects }) => objects.length > 0);
  const step = Math.max(1, some.length / MOST_IMAGES);
  let pixels = 0;
  for (let at = 0; at < some.length; at += step) {
    const one = some[Math.floor(at)];
    if (!one) break;
    pixels += one.width * one.height;
    if (pixels > MOST_PIXELS && at > 0) break;
    const image = await one.image();
    if (image?.width !== one.width || image.height !== one.height) continue;
    const rows = contrasts(one, image, 'rows');
    const columns = contrasts(one, image, 'columns');
    for (let i = 0; i < Math.min(rows.length, columns.length); i++) {
      const [a, b] = [rows[i] as number, columns[i] as number];
      if (a !== b) counts[a > b ? 'rows' : 'columns']++;
    }
  }
  return counts;
}

/** Of some objects, the same in both orders: how much their mean brightness differs from that around them. */
function contrasts({ objects, width, height }: SeenRuns, image: RgbImage, order: RunOrder): number[] {
  const size = { width, height };
  const all = objects.map(
    (object) => placedObjects([object], size, order)?.map(({ shape }) => pixelsOf(shape, size)) ?? [],
  );
  const covered = new Uint8Array(width * height);
  for (const runs of all.flat())
    for (let i = 0; i < runs.length; i += 2)
      covered.fill(1, runs[i] as number, (runs[i] as number) + (runs[i + 1] as number));
  // Parts come in another sequence in the other order, so that those of a row count as one.
  return all.slice(0, MOST_OBJECTS).map((parts) => {
    const each = parts.slice(0, MOST_OBJECTS).map((runs) => contrast(runs, covered, image));
    return each.reduce((sum, value) => sum + value, 0) / Math.max(1, each.length);
  });
}

function contrast(runs: Runs, covered: Uint8Array, { width, height, data }: RgbImage): number {
  const bright = (at: number) =>
    (data[3 * at] as number) + (data[3 * at + 1] as number) + (data[3 * at + 2] as number);
  const box: [number, number, number, number] = [width, height, 0, 0];
  let [inside, count] = [0, 0];
  for (let i = 0; i < runs.length; i += 2) {
    const start = runs[i] as number;
    for (let at = start; at < start + (runs[i + 1] as number); at++) {
      const [x, y] = [at % width, Math.floor(at / width)];
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x + 1);
      box[3] = Math.max(box[3], y + 1);
      inside += bright(at);
      count++;
    }
  }
  let [around, pixels] = [0, 0];
  const [x0, y0, x1, y1] = wider(box, width, height);
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      if (covered[y * width + x] === 1) continue;
      around += bright(y * width + x);
      pixels++;
    }
  }
  return count === 0 || pixels === 0 ? 0 : Math.abs(inside / count - around / pixels);
}

/** A box with a quarter of its size around it, at least two pixels. */
function wider([x0, y0, x1, y1]: Box, width: number, height: number): Box {
  const [dx, dy] = [Math.max(2, (x1 - x0) >> 2), Math.max(2, (y1 - y0) >> 2)];
  return [Math.max(0, x0 - dx), Math.max(0, y0 - dy), Math.min(width, x1 + dx), Math.min(height, y1 + dy)];
}
