/** Objects of which a file gives runs alone, put into an image of a size. */
import { partsOf } from '../labels/shaping.ts';
import type { Runs } from '../labels/types.ts';
import type { RunOrder } from '../reading/reading.ts';
import { pixelsOf } from './rasterise.ts';
import type { AnnotatedObject, PlacedObject, Shape } from './shape.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Objects by their place in an image; masks of a whole class as the parts of them that touch.
 * @param order of runs of which their file does not say it.
 * @returns undefined when runs go beyond the image.
 */
export function placedObjects(
  objects: readonly AnnotatedObject[],
  size: Size,
  order: RunOrder = 'columns',
): PlacedObject[] | undefined {
  const placed: PlacedObject[] = [];
  for (const object of objects) {
    const { shape, isMask, ...others } = object;
    if (shape.kind !== 'open-runs') {
      placed.push({ ...others, shape });
      continue;
    }
    const end = (shape.runs.at(-2) ?? 0) + (shape.runs.at(-1) ?? 0);
    if (end > size.width * size.height) return undefined;
    const whole = runsShape(shape.runs, size, order);
    const shapes = isMask ? partShapes(pixelsOf(whole, size), size) : [whole];
    placed.push(...shapes.map((part) => ({ ...others, shape: part })));
  }
  return placed;
}

function runsShape(runs: Runs, { width, height }: Size, order: RunOrder): Shape {
  const counts = new Int32Array(runs.length);
  for (let i = 0, at = 0; i < runs.length; i += 2) {
    const [start, length] = [runs[i] as number, runs[i + 1] as number];
    counts[i] = start - at;
    counts[i + 1] = length;
    at = start + length;
  }
  return { kind: 'runs', counts, order, x: 0, y: 0, width, height };
}

/** The parts of a mask, in the order of their first pixels. */
function partShapes(pixels: Runs, size: Size): Shape[] {
  return partsOf(pixels, size.width)
    .sort(([a = 0], [b = 0]) => a - b)
    .map((runs) => runsShape(runs, size, 'rows'));
}
