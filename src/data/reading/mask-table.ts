/** What one mask says of its values: how many pixels, beside which others, in which shapes. */
import { connectedParts, runsOf } from '../label-runs.ts';
import { fuzzyBins, type ValueImage, type ValueKind } from './bins.ts';
import { highest, looksFuzzy } from './fuzziness.ts';
import { TRANSPARENT } from './reading.ts';
import { emptyTable, MOST_SHAPES, MOST_VALUES, type Table, type ValueFacts } from './table.ts';
import type { Values } from './values.ts';

/** The facts of one mask. */
export interface MaskTable extends Table {
  /** Whether values are mixed at their edges: the mask was smoothed, or lossily compressed. */
  readonly isFuzzy: boolean;
}

/** Counts the values of one mask. @param isLossy whether its codec changed them. */
export function tableOf(image: ValueImage, isLossy: boolean, file: string): MaskTable {
  const { width, height, kind } = image;
  const { index, facts, uncounted } = indexValues(image, file);
  const table = { ...emptyTable(), masks: 1, pixels: width * height, edge: edgePixels(width, height) };
  compareNeighbours(image, index, facts);
  const isFuzzy = isLossy || (kind !== 'name' && looksFuzzy(facts, table.pixels, kind));
  if (isFuzzy && kind !== 'name') return { ...table, ...fuzzyBins(image), isFuzzy };
  if (facts.length > 2) measureShapes(image, index, facts);
  for (const one of facts) {
    one.aloneMasks = facts.length <= 2 ? 1 : 0;
    table.values.set(one.value, one);
  }
  return { ...table, uncounted, ids: idsOf(facts, kind), isFuzzy: false };
}

const newFacts = (value: number, firstFile: string): ValueFacts => ({
  value,
  firstFile,
  pixels: 0,
  core: 0,
  alike: 0,
  between: 0,
  edge: 0,
  masks: 1,
  edgeMasks: 0,
  aloneMasks: 0,
  parts: 0,
  inland: 0,
  boxPixels: 0,
  depth: 0,
  contacts: new Map(),
});

const edgePixels = (width: number, height: number): number =>
  width < 2 || height < 2 ? width * height : 2 * (width + height) - 4;

/** Every pixel's value by its number among the values; {@link MOST_VALUES} for those beyond. */
function indexValues({ values }: ValueImage, file: string) {
  const index = new Uint16Array(values.length);
  const numbers = new Map<number, number>();
  const facts: ValueFacts[] = [];
  let uncounted = 0;
  let last = values[0] as number;
  let at = -1;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (at < 0 || value !== last) {
      // -0 is 0 for a map, and NaN one value.
      const known = numbers.get(value);
      if (known !== undefined) at = known;
      else if (facts.length < MOST_VALUES) {
        at = facts.length;
        facts.push(newFacts(value, file));
        numbers.set(value, at);
      } else at = MOST_VALUES;
      last = value;
    }
    index[i] = at;
    const one = facts[at];
    if (one) one.pixels++;
    else uncounted++;
  }
  return { index, facts, uncounted };
}

/** Counts core, alike, between, edge and contacts. */
function compareNeighbours(
  { width, height, values, kind }: ValueImage,
  index: Uint16Array,
  facts: readonly ValueFacts[],
): void {
  const sides = new Uint8Array(facts.length + 1);
  const core = new Uint32Array(MOST_VALUES + 1);
  const hasContacts = facts.length <= MOST_SHAPES;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const own = index[i] as number;
      const isEdge = x === 0 || y === 0 || x === width - 1 || y === height - 1;
      // Most pixels are like all around them.
      if (
        !isEdge &&
        index[i - 1] === own &&
        index[i + 1] === own &&
        index[i - width] === own &&
        index[i + width] === own &&
        index[i - width - 1] === own &&
        index[i - width + 1] === own &&
        index[i + width - 1] === own &&
        index[i + width + 1] === own
      ) {
        core[own] = (core[own] as number) + 1;
        continue;
      }
      const one = facts[own];
      if (isEdge && one) {
        one.edge++;
        sides[own] =
          (sides[own] as number) |
          (x === 0 ? 1 : 0) |
          (y === 0 ? 2 : 0) |
          (x === width - 1 ? 4 : 0) |
          (y === height - 1 ? 8 : 0);
      }
      if (!one) continue;
      let there = 8;
      let equal = 0;
      if (!isEdge) {
        if (index[i - width - 1] === own) equal++;
        if (index[i - width] === own) equal++;
        if (index[i - width + 1] === own) equal++;
        if (index[i - 1] === own) equal++;
        if (index[i + 1] === own) equal++;
        if (index[i + width - 1] === own) equal++;
        if (index[i + width] === own) equal++;
        if (index[i + width + 1] === own) equal++;
      } else {
        there = 0;
        for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
          for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
            if (nx === x && ny === y) continue;
            there++;
            if (index[ny * width + nx] === own) equal++;
          }
        }
      }
      if (equal >= Math.min(2, there)) one.alike++;
      if (equal === there) {
        one.core++;
        continue;
      }
      if (kind !== 'name' && isBetween(values, i, x, y, width, height, kind)) one.between++;
      if (!hasContacts) continue;
      if (x > 0 && index[i - 1] !== own) touch(facts, own, index[i - 1] as number);
      if (y > 0 && index[i - width] !== own) touch(facts, own, index[i - width] as number);
    }
  }
  facts.forEach((one, i) => {
    one.core += core[i] as number;
    one.alike += core[i] as number;
    if (sides[i] === 15) one.edgeMasks = 1;
  });
}

function touch(facts: readonly ValueFacts[], a: number, b: number): void {
  const [one, other] = [facts[a], facts[b]];
  if (!one || !other) return;
  one.contacts.set(other.value, (one.contacts.get(other.value) ?? 0) + 1);
  other.contacts.set(one.value, (other.contacts.get(one.value) ?? 0) + 1);
}

/** Whether a value lies strictly between those of its neighbours, of a colour in no channel outside of them. */
function isBetween(
  values: Values,
  i: number,
  x: number,
  y: number,
  width: number,
  height: number,
  kind: ValueKind,
): boolean {
  let isInside = false;
  for (let shift = kind === 'colour' ? 16 : 0; shift >= 0; shift -= 8) {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
      for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
        const at = ny * width + nx;
        if (at === i) continue;
        const value = partOf(values[at] as number, kind, shift);
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    const own = partOf(values[i] as number, kind, shift);
    if (!(own >= low && own <= high)) return false;
    if (own > low && own < high) isInside = true;
  }
  return isInside;
}

/** A number as it is, of a colour one channel; NaN where it is transparent. */
function partOf(value: number, kind: ValueKind, shift: number): number {
  if (kind !== 'colour') return value;
  return value === TRANSPARENT ? Number.NaN : (value >> shift) & 255;
}

/** Parts of every value and, where there are few values, how deep they are. */
function measureShapes(
  { width, height }: ValueImage,
  index: Uint16Array,
  facts: readonly ValueFacts[],
): void {
  // Of 12 million pixels there are some ten thousand runs; 0 is a value here, which runs would leave out.
  const data = new Int32Array(index.length);
  for (let i = 0; i < data.length; i++) data[i] = (index[i] as number) + 1;
  const runs = runsOf({ width, height, data });
  const parts = connectedParts(runs);
  // Of each part, by its first run: x0, x1 and y1.
  const boxes = { left: runs.starts.slice(), right: runs.ends.slice(), bottom: new Int32Array(parts.length) };
  for (let y = 0; y < height; y++) {
    for (let run = runs.rows[y] as number; run < (runs.rows[y + 1] as number); run++) {
      const part = (parts[run] as number) - 1;
      boxes.left[part] = Math.min(boxes.left[part] as number, runs.starts[run] as number);
      boxes.right[part] = Math.max(boxes.right[part] as number, runs.ends[run] as number);
      boxes.bottom[part] = y + 1;
    }
  }
  for (let y = 0; y < height; y++) {
    for (let run = runs.rows[y] as number; run < (runs.rows[y + 1] as number); run++) {
      const one = facts[(runs.values[run] as number) - 1];
      if (!one || parts[run] !== run + 1) continue;
      const [x0, x1] = [boxes.left[run] as number, boxes.right[run] as number];
      const y1 = boxes.bottom[run] as number;
      one.parts++;
      if (x0 > 0 && y > 0 && x1 < width && y1 < height) one.inland++;
      one.boxPixels += (x1 - x0) * (y1 - y);
    }
  }
  if (facts.length > MOST_SHAPES) return;
  const depths = depthsOf(width, height, index);
  for (let i = 0; i < index.length; i++) {
    const one = facts[index[i] as number];
    if (one && (depths[i] as number) > one.depth) one.depth = depths[i] as number;
  }
}

/** Steps, diagonals included, to the nearest pixel of another value. */
function depthsOf(width: number, height: number, index: Uint16Array): Uint16Array {
  const out = new Uint16Array(index.length).fill(0xffff);
  const relax = (i: number, at: number) => {
    const through = index[at] === index[i] ? Math.min(0xfffe, out[at] as number) + 1 : 1;
    if (through < (out[i] as number)) out[i] = through;
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (x > 0) relax(i, i - 1);
      if (y === 0) continue;
      if (x > 0) relax(i, i - width - 1);
      relax(i, i - width);
      if (x < width - 1) relax(i, i - width + 1);
    }
  }
  for (let y = height - 1; y >= 0; y--) {
    for (let x = width - 1; x >= 0; x--) {
      const i = y * width + x;
      if (x < width - 1) relax(i, i + 1);
      if (y === height - 1) continue;
      if (x > 0) relax(i, i + width - 1);
      relax(i, i + width);
      if (x < width - 1) relax(i, i + width + 1);
    }
  }
  return out;
}

function idsOf(facts: readonly ValueFacts[], kind: ValueKind): Table['ids'] {
  const objects = facts.filter(({ value }) => value !== 0 && value !== TRANSPARENT && !Number.isNaN(value));
  const none = emptyTable().ids;
  if (objects.length === 0) return none;
  const isMeasured = facts.length > 2;
  return {
    masks: 1,
    count: objects.length,
    highest: kind === 'colour' ? highestNumber(objects) : highest(objects),
    parts: isMeasured ? objects.reduce((total, { parts }) => total + parts, 0) : objects.length,
    least: objects.length,
    most: objects.length,
  };
}

/**
 * The highest of the numbers that colours stand for where these are ids: written into one channel, or into several with
 * the lowest byte in red (as COCO's panoptic masks have it) or in blue. Of the ways the one of the lowest numbers.
 */
function highestNumber(colours: readonly ValueFacts[]): number {
  const channels = [16, 8, 0].map((shift) => colours.map(({ value }) => (value >> shift) & 255));
  const used = channels.filter((channel) => channel.some((byte) => byte > 0));
  const highestOf = (bytes: readonly (readonly number[])[]) =>
    highest(
      colours.map((_, i) => ({ value: bytes.reduce((sum, channel) => 256 * sum + (channel[i] ?? 0), 0) })),
    );
  return Math.min(highestOf(used), highestOf(used.toReversed()));
}
