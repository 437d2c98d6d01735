import { type FindThresholds, scoreOf } from '../../config/find.ts';
import { sharedPixels } from '../../data/labels/runs.ts';
import type { Runs } from '../../data/labels/types.ts';
import { boxesMeet, type MaskObject, maskObject } from '../../data/mask-runs.ts';
import type { Box } from '../../data/types.ts';
import { withoutSmallRegions } from './regions.ts';

/** An object that was found, in pixels of its image. */
export interface FoundObject {
  readonly runs: Runs;
  readonly area: number;
  readonly box: Box;
  readonly predictedIou: number;
  readonly stability: number;
  /** How much it is like labelled objects, 0 to 1, where these were learnt from. */
  readonly likeness?: number;
  /** The click that found it. */
  readonly point: readonly [x: number, y: number];
  /** Its class, where classes are known, and how sure that is, 0 to 1, where it was told from others. */
  readonly classValue?: number;
  readonly classConfidence?: number;
}

/** An answer of the model, before any is left out for another. */
export interface Proposal extends FoundObject {
  /** Number of the crop that it was found in. */
  readonly crop: number;
  /** Pixels of that crop. */
  readonly cropArea: number;
  /** The mean of the embedding over its pixels, where it was kept. */
  readonly feature?: Float32Array;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * The objects among the model's answers, the best first within a crop: `SamAutomaticMaskGenerator` from the first threshold on, with
 * likeness and nesting beside it.
 * Everything that orders is stable, so equal proposals give equal objects.
 * @param proposals in the order in which they were made.
 */
export function selectObjects(
  proposals: readonly Proposal[],
  image: Size,
  thresholds: FindThresholds,
): FoundObject[] {
  const { iou, stability, likeness, boxOverlap, maskOverlap, nesting, minArea, maxArea, minRegion } =
    thresholds;
  const passing = proposals.filter(
    (each) => each.predictedIou > iou && each.stability >= stability && (each.likeness ?? 1) >= likeness,
  );
  const crops = [...new Set(passing.map(({ crop }) => crop))].map((number) => {
    const own = passing.filter(({ crop }) => crop === number);
    return withoutDuplicates(own, scoreOf, boxIou, boxOverlap);
  });
  // Of what several crops show, the smaller crop shows more detail.
  const distinct = withoutDuplicates(crops.flat(), ({ cropArea }) => 1 / cropArea, boxIou, boxOverlap);
  const cleaned = minRegion > 0 ? withCleanMasks(distinct, image, minRegion, boxOverlap) : distinct;
  const most = maxArea * image.width * image.height;
  const sized = cleaned.filter(({ area }) => area >= minArea && area <= most);
  const apart = maskOverlap < 1 ? withoutDuplicates(sized, scoreOf, maskIou, maskOverlap) : sized;
  const kept = nesting < 1 ? withoutDuplicates(apart, scoreOf, nestedShare, nesting) : apart;
  return kept.map(({ crop: _, cropArea: __, feature: ___, ...found }) => found);
}

/** Cleans masks, and leaves out what is a duplicate thereby; of two, one that was clean before stays. */
function withCleanMasks(
  proposals: readonly Proposal[],
  image: Size,
  least: number,
  overlap: number,
): Proposal[] {
  const cleaned = proposals.map((proposal) => {
    const runs = withoutSmallRegions(proposal.runs, proposal.box, image, least);
    if (runs === proposal.runs) return { proposal, box: proposal.box, isClean: 1 };
    const own = maskObject(runs, image.width);
    return { proposal: { ...proposal, ...own }, box: own.box, isClean: 0 };
  });
  return withoutDuplicates(cleaned, ({ isClean }) => isClean, boxIou, overlap).map(
    ({ proposal }) => proposal,
  );
}

/**
 * Non-maximum suppression: the best first (of equal ones the earlier), each unless it overlaps a better one by more than
 * `most`.
 */
export function withoutDuplicates<T>(
  items: readonly T[],
  scoreOf: (item: NoInfer<T>) => number,
  overlapOf: (a: NoInfer<T>, b: NoInfer<T>) => number,
  most: number,
): T[] {
  const kept: T[] = [];
  const ordered = items.toSorted((a, b) => scoreOf(b) - scoreOf(a));
  for (const item of ordered) if (kept.every((better) => !(overlapOf(better, item) > most))) kept.push(item);
  return kept;
}

/** IoU of boxes as SAM measures it: between the centres of their outer pixels, so that a box of one column has no area. */
export function boxIou({ box: a }: { readonly box: Box }, { box: b }: { readonly box: Box }): number {
  const width = Math.max(0, Math.min(a[2], b[2]) - 1 - Math.max(a[0], b[0]));
  const height = Math.max(0, Math.min(a[3], b[3]) - 1 - Math.max(a[1], b[1]));
  const shared = width * height;
  return shared / (innerArea(a) + innerArea(b) - shared);
}

const innerArea = ([x0, y0, x1, y1]: Box) => (x1 - 1 - x0) * (y1 - 1 - y0);

/** IoU of two objects of an image. */
function maskIou(a: MaskObject, b: MaskObject): number {
  if (!boxesMeet(a.box, b.box)) return 0;
  const shared = sharedPixels(a.runs, b.runs);
  return shared / (a.area + b.area - shared);
}

/** The share of the smaller of two objects that lies within the other. */
function nestedShare(a: MaskObject, b: MaskObject): number {
  if (!boxesMeet(a.box, b.box)) return 0;
  return sharedPixels(a.runs, b.runs) / Math.min(a.area, b.area);
}
