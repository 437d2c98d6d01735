/** Thresholds that suit a model: where those that are set leave nothing, and where its objects are known. */
import type { FindThresholds } from '../../config/find.ts';
import { sharedPixels } from '../../data/labels/runs.ts';
import { boxesMeet, type MaskObject } from '../../data/mask-runs.ts';
import { type Proposal, selectObjects } from './select.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Objects that loosened thresholds should leave, where there are as many. */
const FEW = 3;

/**
 * Thresholds that leave the answers which miss the given ones by the least; they are moved as little as that takes.
 * @returns null where there is no answer.
 */
export function loosened(
  proposals: readonly Proposal[],
  image: Size,
  thresholds: FindThresholds,
): FindThresholds | null {
  const pixels = image.width * image.height;
  const { iou, stability, likeness, minArea, maxArea } = thresholds;
  const missedBy = ({ predictedIou, stability: own, likeness: alike = 1, area }: Proposal): number =>
    Math.max(0, iou - predictedIou) +
    Math.max(0, stability - own) +
    Math.max(0, likeness - alike) +
    // A size that is not wanted is worse than a doubt.
    (area < minArea || area > maxArea * pixels ? 2 : 0);
  const nearest = proposals.toSorted((a, b) => missedBy(a) - missedBy(b));
  if (nearest.length === 0) return null;
  for (let count = FEW; ; count *= 2) {
    const some = nearest.slice(0, count);
    const loose = {
      ...thresholds,
      iou: Math.min(iou, below(some.map(({ predictedIou }) => predictedIou))),
      stability: Math.min(stability, below(some.map(({ stability: own }) => own))),
      likeness: Math.min(likeness, below(some.map(({ likeness: alike = 1 }) => alike))),
      minArea: Math.min(minArea, ...some.map(({ area }) => area)),
      maxArea: Math.max(maxArea, Math.ceil((100 * Math.max(...some.map(({ area }) => area))) / pixels) / 100),
    };
    const found = selectObjects(proposals, image, loose).length;
    if (found >= FEW || count >= nearest.length) return loose;
  }
}

/** The next hundredth under the lowest of some values, which all pass by it. */
const below = (values: readonly number[]): number =>
  Math.max(0, Math.floor(100 * Math.min(...values) - 0.01) / 100);

/** An image whose objects are known, and what the model answered there. */
export interface KnownImage extends Size {
  readonly proposals: readonly Proposal[];
  readonly truth: readonly MaskObject[];
  /** Pixels that are neither an object nor background; null where there are none. */
  readonly ignored: MaskObject | null;
}

/** Objects that are there, that were found, and how many of those that are there were found at IoU .5. */
export interface FindCounts {
  readonly objects: number;
  readonly found: number;
  readonly right: number;
}

export interface ChosenThresholds {
  readonly thresholds: FindThresholds;
  readonly counts: FindCounts;
}

/** From the strictest, which is kept among equal ones. */
const IOUS = [0.9, 0.88, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.4, 0.3, 0.2];
const STABILITIES = [0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5];
const LIKENESSES = [0.8, 0.7, 0.6, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05];
/** Tried beside what is set: masks may lie within each other, or each must lie apart from its parts. */
const NESTINGS = [1, 0.7];
/** How much smaller and larger than the known objects another may be, in area: half and twice their width. */
const SIZE_MARGIN = 4;

/**
 * The thresholds by which most known objects are found with the fewest others (the highest F1 at IoU .5). Sizes are those of
 * the known objects, with a margin. Answers that are told how much they are like labelled objects are chosen by that, with the
 * least that the model itself must think of them.
 * @param least predicted IoU and stability of answers that have a likeness.
 * @param settle called between two tries, so that others get the thread.
 * @returns null where no object is known.
 */
export async function chosenThresholds(
  images: readonly KnownImage[],
  thresholds: FindThresholds,
  least: Pick<FindThresholds, 'iou' | 'stability'> | null = null,
  settle: () => Promise<void> = () => Promise.resolve(),
): Promise<ChosenThresholds | null> {
  const areas = images.flatMap(({ truth }) => truth.map(({ area }) => area));
  if (areas.length === 0) return null;
  const shares = images.flatMap(({ truth, width, height }) =>
    truth.map(({ area }) => area / (width * height)),
  );
  const sized = {
    ...thresholds,
    minArea: Math.floor(Math.min(...areas) / SIZE_MARGIN),
    maxArea: Math.min(1, Math.ceil(100 * SIZE_MARGIN * Math.max(...shares)) / 100),
  };
  const tries = least
    ? LIKENESSES.map((likeness) => ({ ...sized, ...least, likeness }))
    : IOUS.flatMap((iou) => STABILITIES.map((stability) => ({ ...sized, iou, stability, likeness: 0 })));
  const nestings = [...new Set([thresholds.nesting, ...NESTINGS])];
  const matched = images.map((image) => ({ image, matches: matchesOf(image) }));
  let best: ChosenThresholds | null = null;
  for (const each of tries) {
    for (const nesting of nestings) {
      await settle();
      const tried = { ...each, nesting };
      const counts = total(matched.map(({ image, matches }) => countsOf(image, matches, tried)));
      if (!best || f1Of(counts) > f1Of(best.counts)) best = { thresholds: tried, counts };
    }
  }
  return best;
}

/** How many known objects are found by some thresholds. */
export function countFound(images: readonly KnownImage[], thresholds: FindThresholds): FindCounts {
  return total(images.map((image) => countsOf(image, matchesOf(image), thresholds)));
}

/** F1: 1 where every object is found and nothing else. */
export const f1Of = ({ objects, found, right }: FindCounts): number => (2 * right) / (objects + found);

/** IoU from which on an answer shows an object. */
const SHOWS = 0.5;
const IGNORED = -1;

/** The known object that each answer shows, of which there is one at most; `IGNORED` of one in ignored pixels. */
function matchesOf(image: KnownImage): Map<Proposal['runs'], number> {
  const matches = new Map<Proposal['runs'], number>();
  for (const { runs } of image.proposals.filter((proposal) => isIgnored(proposal, image)))
    matches.set(runs, IGNORED);
  for (const proposal of image.proposals) {
    const { known, iou } = bestMatch(proposal, image.truth, SHOWS);
    if (iou >= SHOWS) matches.set(proposal.runs, known);
  }
  return matches;
}

/** Whether most of an answer is neither object nor background. */
export function isIgnored({ runs, area }: MaskObject, { ignored }: Pick<KnownImage, 'ignored'>): boolean {
  return ignored !== null && 2 * sharedPixels(runs, ignored.runs) > area;
}

/**
 * The known object that a mask shows best, and their IoU; 0 where that is lower than `least`.
 * @returns `known`: its index, the last of equally good ones.
 */
export function bestMatch(
  { runs, area, box }: MaskObject,
  truth: readonly MaskObject[],
  least: number,
): { readonly known: number; readonly iou: number } {
  let best = { known: -1, iou: 0 };
  for (const [i, known] of truth.entries()) {
    // Of masks that differ that much in size none reaches it.
    if (!boxesMeet(box, known.box) || least * area > known.area || least * known.area > area) continue;
    const shared = sharedPixels(runs, known.runs);
    const iou = shared / (area + known.area - shared);
    if (iou >= least && iou >= best.iou) best = { known: i, iou };
  }
  return best;
}

function countsOf(
  image: KnownImage,
  matches: ReadonlyMap<Proposal['runs'], number>,
  thresholds: FindThresholds,
): FindCounts {
  // Cleaning gives masks other pixels and costs time; whether an object is found hardly depends on it.
  const found = selectObjects(image.proposals, image, { ...thresholds, minRegion: 0 })
    .map(({ runs }) => matches.get(runs))
    .filter((match) => match !== IGNORED);
  const right = new Set(found.filter((match) => match !== undefined)).size;
  return { objects: image.truth.length, found: found.length, right };
}

const total = (counts: readonly FindCounts[]): FindCounts =>
  counts.reduce(
    (sum, each) => ({
      objects: sum.objects + each.objects,
      found: sum.found + each.found,
      right: sum.right + each.right,
    }),
    { objects: 0, found: 0, right: 0 },
  );
