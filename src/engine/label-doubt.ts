/** How much it would help to label an image, or to look at its labels again: what a model makes of it. */
import { seenSize, windowAround } from '../data/crops.ts';
import type { LoadedSample } from '../data/dataset.ts';
import { IGNORED } from '../data/objects.ts';
import type { Box, ObjectRegion, ObjectSet, Scale } from '../data/types.ts';
import {
  type LowResAnswer,
  type Prompts,
  type Segmenter,
  SegmentImage,
  type VariantWeights,
} from './segmenter.ts';

/** Clicks on an image that has no labels, along either side: as many as one pass of the decoder answers. */
const GRID = 4;
/** Objects of an image that are compared with the model's masks. */
const MOST_COMPARED = 16;
/** Who is asked. */
export type Answering = Pick<Segmenter, 'answer'>;

/** How far from the threshold logits may be moved for {@link stabilityOf}, as in SAM's automatic masks. */
const STABILITY_OFFSET = 1;
/** Cells of the low-resolution grid under which an object is too small to be compared. */
const FEWEST_CELLS = 8;

/** What was found out of an image: figures by which images are sorted. */
export type Doubt =
  /** Means over clicks on a grid. */
  | { readonly kind: 'unsure'; readonly points: number; readonly iou: number; readonly stability: number }
  /** IoU of the model's masks, asked with boxes, and the labels; null where there is no object to compare. */
  | {
      readonly kind: 'disagrees';
      readonly objects: number;
      readonly worst: number | null;
      readonly mean: number;
    };

/** 0–1, the larger the sooner. */
export function scoreOf(doubt: Doubt): number {
  switch (doubt.kind) {
    case 'unsure':
      return 1 - Math.min(1, Math.max(0, doubt.iou)) * doubt.stability;
    case 'disagrees':
      return doubt.worst === null ? 0 : 1 - doubt.worst;
  }
}

/** A sentence with its figures. */
export function reasonOf(doubt: Doubt): string {
  const figure = (value: number): string => value.toFixed(2);
  switch (doubt.kind) {
    case 'unsure':
      return `The model expects an IoU of ${figure(doubt.iou)} for its masks of ${doubt.points} points, and their edges are stable to ${figure(doubt.stability)}.`;
    case 'disagrees': {
      const { objects, worst, mean } = doubt;
      if (worst === null) return 'No object is large enough to be compared with the model’s masks.';
      return objects === 1
        ? `The model’s mask and the label of the one object have an IoU of ${figure(worst)}.`
        : `The model’s mask and the label of one object have an IoU of ${figure(worst)}; of ${objects} objects the mean is ${figure(mean)}.`;
    }
  }
}

/** An image of a dataset with its labels. */
export interface LookedAt {
  /** Names the image for the segmenter: equal ids mean equal images. */
  readonly id: string;
  readonly sample: Pick<LoadedSample, 'image' | 'objects'>;
  /** Of the dataset. */
  readonly scale: Scale;
}

/** Clicks over an image that has no labels: how sure the model is of its masks there. */
export async function uncertainty(
  segmenter: Answering,
  weights: VariantWeights,
  { id, sample: { image }, scale }: LookedAt,
): Promise<Doubt> {
  const { width, height } = image;
  const region = seenRegion([width / 2, height / 2, width / 2, height / 2], scale, image);
  const answers = await segmenter.answer(new SegmentImage(id, image, region), weights, gridPoints(region));
  const mean = (of: (answer: LowResAnswer) => number) =>
    answers.reduce((sum, answer) => sum + of(answer), 0) / answers.length;
  return {
    kind: 'unsure',
    points: answers.length,
    iou: mean(({ predictedIou }) => predictedIou),
    stability: mean(stabilityOf),
  };
}

/** Boxes around labelled objects: how well the model's masks agree with the labels. */
export async function disagreement(
  segmenter: Answering,
  weights: VariantWeights,
  { id, sample: { image, objects }, scale }: LookedAt,
): Promise<Doubt> {
  const [first] = objects.regions;
  const nothing: Doubt = { kind: 'disagrees', objects: 0, worst: null, mean: 0 };
  if (!first) return nothing;
  const region = seenRegion(first.box, scale, image);
  const inside = objects.regions.filter(({ box }) => isInside(box, region)).slice(0, MOST_COMPARED);
  const answers = await segmenter.answer(
    new SegmentImage(id, image, region),
    weights,
    inside.map(
      ({ box: [x0, y0, x1, y1] }): Prompts => ({ points: [], box: { x0, y0, x1, y1 }, previous: null }),
    ),
  );
  const ious = answers.flatMap(
    (answer, i) => iouWith(answer, objects, inside[i] as ObjectRegion, region) ?? [],
  );
  if (ious.length === 0) return nothing;
  const mean = ious.reduce((sum, iou) => sum + iou, 0) / ious.length;
  return { kind: 'disagrees', objects: ious.length, worst: Math.min(...ious), mean };
}

/** What the model sees at once: the whole image, or a crop around a box at the dataset's scale. */
function seenRegion(box: Box, scale: Scale, image: { readonly width: number; readonly height: number }): Box {
  if (scale === 'whole') return [0, 0, image.width, image.height];
  const { width, height } = seenSize(image, scale);
  return windowAround(box, Math.max(width, height), image);
}

const isInside = ([x0, y0, x1, y1]: Box, [left, top, right, bottom]: Box): boolean =>
  x0 >= left && y0 >= top && x1 <= right && y1 <= bottom;

/** The middles of a coarse grid's cells. */
function gridPoints([x0, y0, x1, y1]: Box): Prompts[] {
  const steps = Array.from({ length: GRID }, (_, i) => (i + 0.5) / GRID);
  return steps.flatMap((v) =>
    steps.map((u) => ({
      points: [{ x: x0 + u * (x1 - x0), y: y0 + v * (y1 - y0), positive: true }],
      box: null,
      previous: null,
    })),
  );
}

/** SAM's stability: the IoU of the mask at a higher threshold and at a lower one; 0 where nothing is over either. */
export function stabilityOf({ logits, threshold }: Pick<LowResAnswer, 'logits' | 'threshold'>): number {
  let [inner, outer] = [0, 0];
  for (const logit of logits) {
    if (logit > threshold + STABILITY_OFFSET) inner++;
    if (logit > threshold - STABILITY_OFFSET) outer++;
  }
  return outer === 0 ? 0 : inner / outer;
}

/**
 * IoU of a mask and a labelled object, over the cells of the low-resolution grid whose middles lie in the image; ignored
 * pixels take no part.
 * @returns null where the object has too few cells.
 */
export function iouWith(
  { logits, side, threshold, transform }: LowResAnswer,
  { map, width }: ObjectSet,
  { id }: ObjectRegion,
  [left, top]: Box,
): number | null {
  const { scaleX, scaleY, modelSize, originalSize } = transform;
  const cell = modelSize / side;
  let [both, either, cells] = [0, 0, 0];
  for (let v = 0; v < side; v++) {
    const y = Math.floor(((v + 0.5) * cell) / scaleY);
    if (y >= originalSize[0]) break;
    for (let u = 0; u < side; u++) {
      const x = Math.floor(((u + 0.5) * cell) / scaleX);
      if (x >= originalSize[1]) break;
      const label = map[(top + y) * width + left + x];
      if (label === IGNORED) continue;
      const isLabelled = label === id;
      const isMasked = (logits[v * side + u] as number) > threshold;
      if (isLabelled) cells++;
      if (isLabelled && isMasked) both++;
      if (isLabelled || isMasked) either++;
    }
  }
  return cells < FEWEST_CELLS ? null : both / either;
}
