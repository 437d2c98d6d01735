/** Finds by what rule the names of masks follow from those of images, when they are not the same. */
import { boundariesOf } from './series.ts';

/** Masks by which a rule is looked for; all are then tried with it. */
const SAMPLE = 40;
/** Rules that are tried in full. */
const TRIED = 6;

/**
 * For each mask stem the image stem that it belongs to, or undefined when no rule holds for at least half of them:
 *
 * - an image's whole name begins or ends the mask's (`leaf0_1` of `leaf0`);
 * - both have an affix of their own around the same name (`man_seg000` and `t000`, `21_manual1` and `21_training`);
 * - the mask's whole name begins one image's (`a01_s1` of `a01_s1_w1a3f`);
 * - only zeros before their numbers tell them apart (`7` and `0007`).
 */
export function relate(masks: readonly string[], images: readonly string[]): Map<string, string> | undefined {
  const candidates = [
    contained(masks, images),
    ...byAffixes(masks, images),
    beginning(masks, images),
    byNumbers(masks, images),
  ];
  let best: Map<string, string> | undefined;
  for (const candidate of candidates) {
    if (candidate.size * 2 >= masks.length && candidate.size > (best?.size ?? 0)) best = candidate;
  }
  return best;
}

/** The longest image name that a mask's begins with, else that it ends with. */
function contained(masks: readonly string[], images: readonly string[]): Map<string, string> {
  const names = new Set(images);
  const found = new Map<string, string>();
  const shapes = new Set<string>();
  for (const mask of masks) {
    const places = boundariesOf(mask);
    const starts = places.findLast(({ end }) => names.has(mask.slice(0, end)));
    const ends = starts ? undefined : places.find(({ next }) => names.has(mask.slice(next)));
    const image = starts ? mask.slice(0, starts.end) : ends && mask.slice(ends.next);
    if (image === undefined) continue;
    found.set(mask, image);
    if (ends) shapes.add(mask.slice(0, ends.end));
  }
  // A number at the end that happens to be an image's name says nothing when what is before it differs each time.
  const isByNumber = [...found.values()].some((image) => /^\p{N}+$/u.test(image));
  return shapes.size > 1 && isByNumber ? new Map() : found;
}

/** An affix of the masks and one of the images, each at the same end. */
function byAffixes(masks: readonly string[], images: readonly string[]): Map<string, string>[] {
  const reversed = (text: string) => [...text].reverse().join('');
  const same = (text: string) => text;
  return [same, reversed].flatMap((turn) => {
    const turned = images.map((image) => [turn(image), image] as const).sort(([a], [b]) => (a < b ? -1 : 1));
    const votes = new Map<string, { mask: string; image: string; count: number }>();
    const step = Math.max(1, Math.floor(masks.length / SAMPLE));
    for (let i = 0; i < masks.length; i += step) {
      const mask = turn(masks[i] ?? '');
      const at = placeIn(turned, mask);
      const seen = new Set<string>();
      for (let k = at - 2; k < at + 2; k++) {
        const image = turned[k]?.[0];
        if (image === undefined) continue;
        const shared = sharedName(mask, image);
        if (shared === 0) continue;
        const vote = { mask: mask.slice(shared), image: image.slice(shared), count: 1 };
        const key = `${vote.mask}\n${vote.image}`;
        if (seen.has(key)) continue;
        seen.add(key);
        const known = votes.get(key);
        if (known) known.count++;
        else votes.set(key, vote);
      }
    }
    const best = [...votes.values()].sort((a, b) => b.count - a.count).slice(0, TRIED);
    // One pair alone shows no rule.
    return best
      .filter(({ count }) => count > 1)
      .map((vote) => {
        const byName = new Map<string, string>();
        for (const [text, image] of turned) {
          if (!text.endsWith(vote.image)) continue;
          const name = text.slice(0, text.length - vote.image.length);
          if (!byName.has(name)) byName.set(name, image);
        }
        const found = new Map<string, string>();
        for (const mask of masks) {
          const text = turn(mask);
          const image = text.endsWith(vote.mask) && byName.get(text.slice(0, text.length - vote.mask.length));
          if (image) found.set(mask, image);
        }
        return found;
      });
  });
}

/** The only image whose name begins with a mask's, or the first of several with short endings (`_0000`, `_0001`). */
function beginning(masks: readonly string[], images: readonly string[]): Map<string, string> {
  const sorted = images.map((image) => [image, image] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  const found = new Map<string, string>();
  for (const mask of masks) {
    const fits: string[] = [];
    for (let k = placeIn(sorted, mask); sorted[k]?.[0].startsWith(mask) && fits.length < 9; k++) {
      const image = sorted[k]?.[0] ?? '';
      if (boundariesOf(image).some(({ end }) => end === mask.length)) fits.push(image);
    }
    const [only, second] = fits;
    if (only !== undefined && second === undefined) found.set(mask, only);
  }
  return found;
}

/** The only image whose name is the mask's but for leading zeros. */
function byNumbers(masks: readonly string[], images: readonly string[]): Map<string, string> {
  const withoutZeros = (name: string) => name.replace(/(?<!\p{N})0+(?=\p{N})/gu, '');
  const byName = new Map<string, string | null>();
  for (const image of images) byName.set(withoutZeros(image), byName.has(withoutZeros(image)) ? null : image);
  return new Map(
    masks.flatMap((mask) => {
      const image = byName.get(withoutZeros(mask));
      return image ? [[mask, image] as const] : [];
    }),
  );
}

/** Where a text is or would be in a sorted list. */
function placeIn(sorted: readonly (readonly [string, string])[], text: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle]?.[0] ?? '') < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Length of what two names begin with alike, without a part of a number, and without what separates the rest. */
function sharedName(a: string, b: string): number {
  let n = 0;
  while (n < a.length && n < b.length && a[n] === b[n]) n++;
  const isDigit = (text: string, at: number) => /\p{N}/u.test(text[at] ?? '');
  if (isDigit(a, n) || isDigit(b, n)) while (n > 0 && isDigit(a, n - 1)) n--;
  return n;
}
