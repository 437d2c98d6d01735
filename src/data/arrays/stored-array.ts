/** Arrays that lie in a file, read page by page. */

import type { RasterData } from '../decode/raster.ts';
import { newSamples, samplesOf } from '../decode/samples.ts';
import { checkSize } from '../decode/size-check.ts';
import type { LazyFile } from '../lazy-file.ts';
import { limits } from '../limits.ts';
import { refuse } from '../outcome.ts';
import { bytesOf, type ElementType } from './element-type.ts';
import type { Layout } from './layout.ts';
import { extentOf, writeNpy } from './npy-header.ts';

export interface StoredArray {
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Whether the first axis runs fastest. */
  readonly isFortran: boolean;
  /** Bytes of its elements. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** The distance between neighbours along each axis, in elements. */
function stridesOf({ shape, isFortran }: Pick<StoredArray, 'shape' | 'isFortran'>): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  const order = isFortran ? shape.map((_, i) => i) : shape.map((_, i) => shape.length - 1 - i);
  let stride = 1;
  for (const axis of order) {
    strides[axis] = stride;
    stride *= shape[axis] ?? 1;
  }
  return strides;
}

/**
 * The elements of a page, rows top to bottom, channels side by side. Only its own bytes are read where they lie together.
 * @throws Failure naming `file`.
 */
export async function pageSamples(
  array: StoredArray,
  layout: Layout,
  page: number,
  file: string,
): Promise<RasterData> {
  const { width, height, channels } = layout;
  checkSize(file, width, height);
  const { type } = array;
  const size = bytesOf(type);
  const count = width * height * channels;
  const strides = stridesOf(array);
  const along = (axis: number | undefined) => (axis === undefined ? 0 : (strides[axis] ?? 0));
  const isTogether = layout.pageAxis === undefined || along(layout.pageAxis) === count;
  const all = isTogether ? count * size : extentOf(type, array.shape);
  if (all > limits.fileBytes) throw tooLarge(all, file);
  const bytes = await array.read(isTogether ? page * count * size : 0, all);
  const values = samplesOf(bytes, {
    ...type,
    rows: 1,
    perRow: all / size,
    perPixel: 1,
    predictor: 1,
  });
  const [dy, dx, dc] = [along(layout.yAxis), along(layout.xAxis), along(layout.channelAxis)];
  const isInOrder = isTogether && (channels === 1 || dc === 1) && dx === channels && dy === width * channels;
  if (isInOrder) return values;
  const out = newSamples(type, count);
  const from = isTogether ? 0 : page * along(layout.pageAxis);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) out[to++] = values[from + y * dy + x * dx + c * dc] as number;
    }
  }
  return out;
}

/**
 * Numbers of 0 … 255 that were kept as floats or long integers, as bytes: so do the sets that ship such arrays mean them. Floats
 * of 0 and 1 alone stay, since an image of them goes from black to white.
 */
export function asBytes(values: RasterData, { kind }: ElementType): RasterData {
  if (values instanceof Uint8Array) return values;
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!(value >= 0 && value <= 255) || value !== Math.floor(value)) return values;
    if (value > most) most = value;
  }
  return most <= 1 && kind === 'float' ? values : Uint8Array.from(values);
}

/** Values as a file of their own. */
function npyOfSamples(
  values: RasterData,
  { height, width, channels }: Pick<Layout, 'height' | 'width' | 'channels'>,
): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return writeNpy(typeOf(values), channels === 1 ? [height, width] : [height, width, channels], bytes);
}

/** The type of values in memory, whose bytes are in the order of the machine: all that browsers run on begin with the least. */
function typeOf(values: RasterData): ElementType {
  const name = values.constructor.name;
  const kind = name.startsWith('Float') ? 'float' : name.startsWith('U') ? 'unsigned' : 'signed';
  return { bits: 8 * values.BYTES_PER_ELEMENT, kind, littleEndian: true };
}

/**
 * A page of an array as a file, made when it is read.
 * @param path its own.
 */
export function pageFile(array: StoredArray, layout: Layout, page: number, path: string): LazyFile {
  const { width, height, channels } = layout;
  return {
    path,
    size: width * height * channels * bytesOf(array.type),
    bytes: async () =>
      npyOfSamples(asBytes(await pageSamples(array, layout, page, path), array.type), layout),
  };
}

const tooLarge = (bytes: number, file: string) =>
  refuse(
    'data/too-large',
    file,
    `Its array takes ${Math.round(bytes / 2 ** 20)} MiB and lies in an order in which no image of it can be read alone; ${limits.fileBytes / 2 ** 20} MiB can be read at once.`,
    'Save it again in C order with the images along its first axis: np.save("new.npy", np.ascontiguousarray(array)).',
  );
