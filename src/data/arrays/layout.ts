/** Which axis of an array is what. */
import { refuse } from '../outcome.ts';
import { countOf } from './npy-header.ts';

/** Axes by their number; those that an array does not have are undefined. */
export interface Layout {
  readonly pages: number;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly pageAxis?: number;
  readonly yAxis: number;
  readonly xAxis: number;
  readonly channelAxis?: number;
  /** Whether the channels are planes of a class each; see `classPages`. */
  readonly areClasses?: true;
}

/** Values a pixel that an image has at most. */
export const FEW = 4;
/** Classes that a last axis may be of. */
const MOST_CLASSES = 64;

/**
 * H × W, H × W × C of up to four channels, N × H × W, N × H × W × C, N × C × H × W of up to four channels, and N × H × W × K of
 * classes; axes of one before these are passed over.
 * @throws Failure naming `file` for other shapes, and for those that may be two of these.
 */
export function layoutOf(shape: readonly number[], file: string): Layout {
  const first = shape.findIndex((size, i) => size !== 1 || shape.length - i <= 2);
  const skip = Math.max(0, first);
  const sizes = shape.slice(skip);
  const axis = (n: number) => n + skip;
  const [a = 0, b = 0, c = 0, d = 0] = sizes;
  const plane = (y: number, x: number) => ({
    height: sizes[y] ?? 0,
    width: sizes[x] ?? 0,
    yAxis: axis(y),
    xAxis: axis(x),
  });
  switch (sizes.length) {
    case 2:
      return { pages: 1, channels: 1, ...plane(0, 1) };
    case 3:
      if (c <= FEW) return { pages: 1, channels: c, channelAxis: axis(2), ...plane(0, 1) };
      if (a === b && c !== a) throw unclear(shape, file);
      // As many rows as that are rarely so narrow: values for each pixel, or slices behind rows and columns.
      if (c <= MOST_CLASSES && 2 * c < Math.min(a, b)) throw unclear(shape, file);
      return { pages: a, pageAxis: axis(0), channels: 1, ...plane(1, 2) };
    case 4:
      if (d > FEW && b <= FEW)
        return { pages: a, pageAxis: axis(0), channels: b, channelAxis: axis(1), ...plane(2, 3) };
      if (d <= FEW) return { pages: a, pageAxis: axis(0), channels: d, channelAxis: axis(3), ...plane(1, 2) };
      if (d > MOST_CLASSES) throw unclear(shape, file);
      return {
        pages: a,
        pageAxis: axis(0),
        channels: d,
        channelAxis: axis(3),
        ...plane(1, 2),
        areClasses: true,
      };
    default:
      throw sizes.length < 2 ? noPixels(shape, file) : unclear(shape, file);
  }
}

/** A shape in words. */
export const shapeText = (shape: readonly number[]): string => shape.join(' × ');

const unclear = (shape: readonly number[], file: string) =>
  refuse(
    'data/array-shape',
    file,
    `This array has ${shapeText(shape)} elements, and which of its axes are images, rows, columns and channels cannot be told.`,
    'In Python, move them to images, rows, columns (and channels): np.save("new.npy", np.moveaxis(array, -1, 0)) where the last counts the images.',
  );

/** The refusal of an array of planes whose values are no numbers of objects and no zeros and ones. */
export const byClass = (shape: readonly number[], file: string) =>
  refuse(
    'data/array-shape',
    file,
    `This array has ${shapeText(shape)} elements, so ${shape.at(-1)} values for each pixel, and they are no numbers of objects by class, as in PanNuke, nor zeros and ones of classes that lie apart.`,
    'In Python, make one map of them: where the largest tells the class np.save("labels.npy", array.argmax(-1)).',
  );

const noPixels = (shape: readonly number[], file: string) =>
  refuse(
    'data/array-no-image',
    file,
    `This array is ${shape.length === 0 ? 'one value' : `a list of ${countOf(shape)} values`}, not rows and columns of pixels.`,
    'Nothing is missing if it says nothing of objects; else save a number for each pixel, of the size of the image.',
  );
