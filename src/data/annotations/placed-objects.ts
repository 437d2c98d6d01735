/** Objects of which a file gives runs alone, put into an image of a size. */
import { connectedParts, LabelRunsWriter } from '../label-runs.ts';
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
    const shapes = isMask ? partsOf(pixelsOf(whole, size), size) : [whole];
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
function partsOf(pixels: Runs, size: Size): Shape[] {
  const { width, height } = size;
  const writer = new LabelRunsWriter(width, height);
  let row = 0;
  const toRow = (next: number) => {
    for (; row < next; row++) writer.endRow();
  };
  for (let i = 0; i < pixels.length; i += 2) {
    const start = pixels[i] as number;
    const end = start + (pixels[i + 1] as number);
    for (let from = start; from < end; ) {
      const y = Math.floor(from / width);
      const to = Math.min(end, (y + 1) * width);
      toRow(y);
      writer.add(from - y * width, to - y * width, 1);
      from = to;
    }
  }
  toRow(height);
  const lines = writer.done();
  const parts = new Map<number, number[]>();
  const partOfRun = connectedParts(lines);
  for (let y = 0; y < height; y++) {
    for (let run = lines.rows[y] as number; run < (lines.rows[y + 1] as number); run++) {
      const start = lines.starts[run] as number;
      const own = parts.get(partOfRun[run] as number) ?? [];
      parts.set(partOfRun[run] as number, own);
      own.push(y * width + start, (lines.ends[run] as number) - start);
    }
  }
  return [...parts.values()].map((runs) => runsShape(Uint32Array.from(runs), size, 'rows'));
}
