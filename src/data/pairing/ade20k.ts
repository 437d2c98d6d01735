/** Masks of ADE20K in full, which hold class and object of a pixel in one colour. */
import { readRaster } from '../decode/read-raster.ts';
import { encodeMaskPng } from '../encode-png.ts';
import { type LazyFile, type MaskFields, readBytes } from '../lazy-file.ts';
import { refuse, valueOrThrow } from '../outcome.ts';

/** As ADE20K calls them, beside `ADE_train_00000001.jpg`; a file of other masks is called otherwise. */
const SEGMENTATION = /(^|\/)ADE_[^/]+_\d{8}_seg\.png$/i;
const SEGMENTATION_END = /_seg\.png$/i;

/** The images of a drop whose masks are those of ADE20K, which has a folder for each scene: they are of one dataset. */
export function adeImages(paths: ReadonlyMap<string, unknown>): readonly string[] {
  return [...paths.keys()].flatMap((path) => {
    const image = path.replace(SEGMENTATION_END, '.jpg');
    return SEGMENTATION.test(path) && paths.has(image) ? [image] : [];
  });
}

/** The masks in the first file that is one of ADE20K, with which its other files say the same; undefined where none is. */
export function adeMasks(files: readonly LazyFile[]): Required<MaskFields> | undefined {
  const file = files.find(({ path }) => SEGMENTATION.test(path));
  if (!file) return undefined;
  const made = (role: string, value: (red: number, green: number, blue: number) => number): LazyFile => ({
    path: `${file.path}/${role}.png`,
    size: file.size,
    bytes: () => valuesOf(file, value),
  });
  const classOf = (red: number, green: number) => 256 * Math.floor(red / 10) + green;
  return {
    labels: made('labels', classOf),
    // Numbers of objects are not told from those of another class everywhere.
    instances: made('instances', (red, green, blue) => 256 * classOf(red, green) + blue),
  };
}

/** Each value that occurs becomes a number of its own where they do not fit a PNG; 0 stays 0. */
async function valuesOf(
  file: LazyFile,
  value: (red: number, green: number, blue: number) => number,
): Promise<Uint8Array> {
  const { width, height, channels, bits, data } = await readRaster(
    valueOrThrow(await readBytes(file)),
    file.path,
  );
  if (channels < 3 || bits !== 8)
    throw refuse(
      'data/mask-not-ade20k',
      file.path,
      'By its name this is a mask of ADE20K, which are colours of 8 bits, and this one is not.',
      'Download it again, or call it otherwise if it is another mask.',
    );
  const values = new Int32Array(width * height);
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const at = i * channels;
    const one = value(data[at] as number, data[at + 1] as number, data[at + 2] as number);
    values[i] = one;
    most = Math.max(most, one);
  }
  return encodeMaskPng({ width, height, data: most <= 65_535 ? values : renumbered(values) });
}

function renumbered(values: Int32Array): Int32Array {
  const numbers = new Map([[0, 0]]);
  return values.map((value) => {
    const number = numbers.get(value) ?? numbers.size;
    numbers.set(value, number);
    return number;
  });
}
