/** What the official `SamAutomaticMaskGenerator` finds with the embedded model: tests/vectors/find. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { type FindSettings, parseFindSettings } from '../config/find.ts';
import { decodeImage } from '../data/decode/image.ts';
import { maskInBox } from '../data/mask-runs.ts';
import { valueOrThrow } from '../data/outcome.ts';
import type { RgbImage } from '../data/types.ts';
import type { FoundObject } from '../engine/find/select.ts';
import { type OpenModel, openModel } from '../engine/model.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';

interface OfficialMask {
  readonly segmentation: { readonly counts: readonly number[] };
  readonly area: number;
  /** x0, y0 and the distances to the last column and row. */
  readonly bbox: readonly [number, number, number, number];
  readonly predicted_iou: number;
  readonly stability_score: number;
  readonly point_coords: readonly [readonly [number, number]];
}

/** What was found with some settings. */
export interface OfficialCase {
  readonly settings: FindSettings;
  readonly masks: readonly OfficialMask[];
}

interface OfficialFile {
  readonly image: string;
  readonly cases: Readonly<
    Record<string, { readonly settings: Readonly<Record<string, number>>; readonly masks: OfficialMask[] }>
  >;
}

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The embedded model, the image, and what was found of it. */
export async function openOfficial(gpu: Gpu): Promise<{
  readonly model: OpenModel;
  readonly image: RgbImage;
  readonly caseOf: (name: string) => OfficialCase;
}> {
  const weights = await readFile(`${root}public/models/mopeft-sam-tiny/model.safetensors`);
  const model = await openModel(gpu, [bytesSource('model.safetensors', weights)]);
  const folder = `${root}tests/vectors/find/`;
  const { image: name, cases } = JSON.parse(await readFile(`${folder}find.json`, 'utf8')) as OfficialFile;
  const { image } = valueOrThrow(await decodeImage(new Uint8Array(await readFile(folder + name)), name));
  return {
    model,
    image,
    caseOf: (of) => {
      const { settings, masks } = cases[of] ?? { settings: {}, masks: [] };
      const parsed = parseFindSettings({
        pointsPerSide: settings.points_per_side,
        cropLayers: settings.crop_n_layers,
        iou: settings.pred_iou_thresh,
        stability: settings.stability_score_thresh,
        boxOverlap: settings.nms_thresh,
        minRegion: settings.min_mask_region_area,
      });
      return { settings: parsed, masks };
    },
  };
}

/**
 * The same objects in the same order, found by the same clicks; IoU at least .99, scores within 1e-3, boxes within a pixel.
 * Both sum in f32 in another order, so logits differ by about 1e-4 and a pixel whose logit is that close to the threshold may
 * fall on the other side: one of an object of 200 pixels is an IoU of .995, and the threshold 1 higher and lower, between
 * which stability is measured, has such pixels too.
 */
export function expectSameObjects(
  found: readonly FoundObject[],
  masks: readonly OfficialMask[],
  image: Pick<RgbImage, 'width' | 'height'>,
): void {
  const points = masks.map(({ point_coords: [point] }) => point.map((v) => expect.closeTo(v, 6)));
  expect(found.map(({ point }) => point)).toEqual(points);
  for (const [i, mask] of masks.entries()) {
    const object = found[i];
    if (!object) throw new Error('there are as many');
    expect(iouOf(object, mask.segmentation.counts, image)).toBeGreaterThanOrEqual(0.99);
    expect(Math.abs(object.predictedIou - mask.predicted_iou)).toBeLessThan(1e-3);
    expect(Math.abs(object.stability - mask.stability_score)).toBeLessThan(1e-3);
    const [left, top, width, height] = mask.bbox;
    const [x0, y0, x1, y1] = object.box;
    const differences = [x0 - left, y0 - top, x1 - 1 - left - width, y1 - 1 - top - height];
    expect(Math.max(...differences.map(Math.abs))).toBeLessThanOrEqual(1);
  }
}

/** @param counts of background, object, background … pixels, column by column. */
function iouOf(
  { runs, area }: FoundObject,
  counts: readonly number[],
  { width, height }: Pick<RgbImage, 'width' | 'height'>,
): number {
  const mask = maskInBox(runs, [0, 0, width, height], { width, height });
  expect(mask.reduce((sum, value) => sum + value, 0)).toBe(area);
  const columns = counts.flatMap((length, i) => Array<number>(length).fill(i % 2));
  let [both, either] = [0, 0];
  for (const [i, value] of columns.entries()) {
    const own = mask[(i % height) * width + Math.floor(i / height)] ?? 0;
    both += own * value;
    either += Math.max(own, value);
  }
  return both / either;
}
