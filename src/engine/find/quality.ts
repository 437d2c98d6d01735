import { sharedPixels } from '../../data/labels/runs.ts';
import { boxesMeet, type MaskObject } from '../../data/mask-runs.ts';

/** The objects of one image: those that are there and those that were found. */
export interface FindComparison {
  readonly truth: readonly MaskObject[];
  /** Pixels that are neither an object nor background; null where there are none. */
  readonly ignored: MaskObject | null;
  readonly found: readonly (MaskObject & { readonly score: number })[];
}

/** How well the objects of images were found, whatever their classes. */
export interface FindQuality {
  /** Average precision at IoU .5, and its mean over IoU .5, .55 … .95; null without an object to find. */
  readonly ap50: number | null;
  readonly ap: number | null;
  /** Objects that are there. */
  readonly objects: number;
  /** Objects that were found, without those that lie in ignored pixels. */
  readonly found: number;
  /** Of the objects those that nothing found matches at IoU .5. */
  readonly missed: number;
  /** Of those the ones in which at least two found objects lie with more than half of their pixels. */
  readonly split: number;
  /** Of those the ones that lie with more than half in a found object that holds more than half of another as well. */
  readonly merged: number;
}

const THRESHOLDS = Array.from({ length: 10 }, (_, i) => (50 + 5 * i) / 100);

/**
 * Average precision by COCO's matching and interpolation (pycocotools' `COCOeval`), without its limit of 100 objects an image:
 * the best scored first, each takes the object with the highest IoU that is still free.
 */
export function findQuality(images: readonly FindComparison[]): FindQuality {
  const compared = images.map(compare);
  const objects = compared.reduce((sum, { truth }) => sum + truth.length, 0);
  const precisions = THRESHOLDS.map((threshold) =>
    averagePrecision(
      compared.flatMap((image) => matched(image, threshold).hits),
      objects,
    ),
  );
  const counts = { missed: 0, split: 0, merged: 0 };
  for (const image of compared) {
    const { taken } = matched(image, THRESHOLDS[0] as number);
    for (const [g, { area }] of image.truth.entries()) {
      if (taken.has(g)) continue;
      counts.missed++;
      const parts = image.found.filter((found, f) => 2 * image.shared(f, g) > found.area);
      if (parts.length >= 2) counts.split++;
      const isHeld = (f: number, other: number, of: number) => 2 * image.shared(f, other) > of;
      const isMerged = image.found.some(
        (_, f) => isHeld(f, g, area) && image.truth.some((other, o) => o !== g && isHeld(f, o, other.area)),
      );
      if (isMerged) counts.merged++;
    }
  }
  return {
    ap50: objects === 0 ? null : (precisions[0] ?? 0),
    ap: objects === 0 ? null : precisions.reduce((sum, ap) => sum + ap, 0) / precisions.length,
    objects,
    found: compared.reduce((sum, { found }) => sum + found.length, 0),
    ...counts,
  };
}

interface Compared {
  readonly truth: readonly MaskObject[];
  /** The best scored first. */
  readonly found: FindComparison['found'];
  /** Pixels that a found object shares with one that is there. */
  readonly shared: (found: number, truth: number) => number;
}

function compare({ truth, ignored, found }: FindComparison): Compared {
  const isIgnored = (object: MaskObject): boolean =>
    ignored !== null && 2 * sharedPixels(object.runs, ignored.runs) > object.area;
  const ordered = found.filter((object) => !isIgnored(object)).toSorted((a, b) => b.score - a.score);
  const shared = ordered.map((object) =>
    truth.map((other) => (boxesMeet(object.box, other.box) ? sharedPixels(object.runs, other.runs) : 0)),
  );
  return { truth, found: ordered, shared: (f, g) => shared[f]?.[g] ?? 0 };
}

interface Hit {
  readonly score: number;
  readonly isHit: boolean;
}

function matched({ truth, found, shared }: Compared, threshold: number): { hits: Hit[]; taken: Set<number> } {
  const taken = new Set<number>();
  const hits = found.map(({ area, score }, f): Hit => {
    let best = -1;
    let bestIou = threshold;
    for (const [g, other] of truth.entries()) {
      if (taken.has(g)) continue;
      const both = shared(f, g);
      const iou = both / (area + other.area - both);
      if (iou < bestIou) continue;
      bestIou = iou;
      best = g;
    }
    if (best >= 0) taken.add(best);
    return { score, isHit: best >= 0 };
  });
  return { hits, taken };
}

/** The mean of the precisions at recalls 0, .01 … 1, each the best at that recall or a higher one. */
function averagePrecision(hits: readonly Hit[], objects: number): number {
  const ordered = hits.toSorted((a, b) => b.score - a.score);
  const recalls: number[] = [];
  const precisions: number[] = [];
  let right = 0;
  for (const [i, { isHit }] of ordered.entries()) {
    if (isHit) right++;
    recalls.push(right / objects);
    precisions.push(right / (i + 1));
  }
  for (let i = precisions.length - 2; i >= 0; i--)
    precisions[i] = Math.max(precisions[i] as number, precisions[i + 1] as number);
  let sum = 0;
  for (let percent = 0, i = 0; percent <= 100; percent++) {
    while (i < recalls.length && (recalls[i] as number) < percent / 100) i++;
    sum += precisions[i] ?? 0;
  }
  return sum / 101;
}
