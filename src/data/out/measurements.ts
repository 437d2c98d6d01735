import { type Cell, csv } from '../../config/csv.ts';
import type { Raster } from '../decode/raster.ts';
import { readRaster } from '../decode/read-raster.ts';
import { forEachSpan } from '../labels/runs.ts';
import type { Runs } from '../labels/types.ts';
import { readBytes } from '../lazy-file.ts';
import { attempt } from '../outcome.ts';
import type { LabelledImage, LabelledObject, LabelSet } from './label-set.ts';
import { measured } from './measure.ts';
import { type OutFormat, type OutRemarks, type OutWriter, textFile } from './out-format.ts';

/** A table of what is measured of each object. */
export const measurements: OutFormat = {
  id: 'csv',
  label: 'CSV of measurements',
  help: 'A table with a row for each object: area, box, centroid, perimeter, Feret, circularity, mean intensity; it holds no masks.',
  files: ['measurements.csv'],
  imageFolder: 'images',
  open: (set, remarks) => new TableWriter(set, remarks),
};

const COLUMNS = [
  'image',
  'object',
  'class',
  'score',
  'origin',
  'area_px',
  'x_px',
  'y_px',
  'width_px',
  'height_px',
  'centroid_x_px',
  'centroid_y_px',
  'perimeter_px',
  'feret_px',
  'min_feret_px',
  'circularity',
] as const;

class TableWriter implements OutWriter {
  private readonly rows: { readonly cells: readonly Cell[]; readonly means: readonly number[] }[] = [];

  constructor(
    private readonly set: LabelSet,
    private readonly remarks: OutRemarks,
  ) {}

  async add(image: LabelledImage): Promise<[]> {
    const raster = await this.rasterOf(image);
    for (const [i, object] of image.objects.entries()) {
      const means = raster ? meansOf(raster, object.runs, image.width) : [];
      this.rows.push({ cells: this.cellsOf(image, object, i + 1), means });
    }
    return [];
  }

  finish() {
    const channels = this.rows.reduce((most, { means }) => Math.max(most, means.length), 0);
    const header = [
      ...COLUMNS,
      ...this.unitColumns(),
      'mean',
      ...(channels > 1 ? Array.from({ length: channels }, (_, i) => `mean_channel_${i + 1}`) : []),
    ];
    const rows = this.rows.map(({ cells, means }) => {
      const mean = means.length === 0 ? null : means.reduce((sum, value) => sum + value, 0) / means.length;
      return [...cells, rounded(mean), ...(channels > 1 ? means.map(rounded) : [])];
    });
    return [textFile('measurements.csv', csv(header, rows))];
  }

  private unitColumns(): string[] {
    const { pixelSize } = this.set;
    if (!pixelSize) return [];
    const { unit } = pixelSize;
    return [
      `area_${unit}2`,
      ...['centroid_x', 'centroid_y', 'perimeter', 'feret', 'min_feret'].map((name) => `${name}_${unit}`),
    ];
  }

  private cellsOf({ name, width }: LabelledImage, object: LabelledObject, number: number): Cell[] {
    const { area, box, centroid, perimeter, feret, minFeret, circularity } = measured(object.runs, width);
    const [x0, y0, x1, y1] = box;
    const { className, score, origin } = object;
    const size = this.set.pixelSize?.size;
    const lengths = [...centroid, perimeter, feret, minFeret];
    return [
      name,
      number,
      className,
      score,
      origin,
      area,
      x0,
      y0,
      x1 - x0,
      y1 - y0,
      ...lengths.map(rounded),
      rounded(circularity),
      ...(size === undefined
        ? []
        : [area * size ** 2, ...lengths.map((length) => length * size)].map(rounded)),
    ];
  }

  /** The values of the image as its file has them; undefined, which is said, where they cannot be had. */
  private async rasterOf({ name, file, width, height }: LabelledImage): Promise<Raster | undefined> {
    const bytes = file && (await readBytes(file));
    const raster = bytes?.ok ? await attempt(name, () => readRaster(bytes.value, name)) : undefined;
    if (raster?.ok && raster.value.width === width && raster.value.height === height) return raster.value;
    if (!file) {
      // Kept masks: what Segment opened is not stored.
      this.remarks.add(
        'out/no-image',
        name,
        1,
        (count) =>
          `${count === 1 ? 'This image is' : `${count} images are`} not stored with the masks, so intensities could not be measured: the column is empty.`,
        'Save the masks as PNG files, drop them on the page together with their images, and write the measurements of that dataset.',
      );
      return undefined;
    }
    this.remarks.add(
      'out/no-intensity',
      name,
      1,
      (count) =>
        `${count === 1 ? 'This image' : `${count} images`} could not be read for its intensities: the column is empty.`,
      'Give the image as it was when it was labelled: this file is damaged, gone, or has another size.',
    );
    return undefined;
  }
}

/** To six digits, since what comes after is no measurement. */
const rounded = (value: number | null) => (value === null ? null : Number(value.toPrecision(6)));

/** The mean of each channel but alpha over the pixels of an object; of a palette those of its colours. */
function meansOf({ data, channels, hasAlpha, palette }: Raster, runs: Runs, width: number): number[] {
  const colours = channels - (hasAlpha ? 1 : 0);
  const sums = new Float64Array(palette ? 3 : colours);
  let count = 0;
  forEachSpan(runs, width, (y, x0, x1) => {
    for (let at = y * width + x0; at < y * width + x1; at++) {
      count++;
      for (let c = 0; c < sums.length; c++) {
        const value = palette ? palette[3 * (data[at] as number) + c] : data[at * channels + c];
        sums[c] = (sums[c] as number) + (value ?? 0);
      }
    }
  });
  return [...sums].map((sum) => sum / count);
}
