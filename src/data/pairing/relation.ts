/** Finds by what rule the names of masks follow from those of images, when they are not the same. */
import { sortedByName } from '../natural-order.ts';
import { boundariesOf } from './series.ts';
import { isNumber, isRoleWord, splitOfTokens, stackOf, tokensOf, uncounted } from './words.ts';

/** Masks by which a rule is looked for; all are then tried with it. */
const SAMPLE = 40;
/** Rules that are tried in full. */
const TRIED = 6;

/** By what rule the names of masks follow from those of images. */
export interface Relation {
  /** For each mask stem the image stem that it belongs to. */
  readonly images: ReadonlyMap<string, string>;
  /** For some of them other image stems, which other rules give that are just as good. */
  readonly rivals: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * The rule that holds for most masks, at least half of them, else undefined; of those that hold for as many the one by
 * which the names share most. None goes from one split to another (`train-labels` and `test-volume`). The rules:
 *
 * - an image's whole name begins or ends the mask's (`leaf0_1` of `leaf0`), with other zeros before its numbers or not
 *   (`00007_hair` of `7`);
 * - both have an affix of their own around the same name (`man_seg000` and `t000`, `21_manual1` and `21_training`);
 * - both have a word of their own within the same name (`a_outline_z0` and `a_photo_z0`, `dogmask_1` and `dog_1`);
 * - the mask's whole name begins one image's (`a01_s1` of `a01_s1_w1a3f`), or those of a few, as of channels
 *   (`a_0000` and `a_0001`): then it belongs to the first;
 * - only zeros before their numbers tell them apart (`7` and `0007`);
 * - it is the only mask, and one image alone has its numbers (`man_seg003` of `t000`, `t001` …);
 * - where no other holds, its words of letters and numbers are among those of one image, or of its channels (`A01_binary`
 *   of `0003_A01_w1` and `0003_A01_w2`): then it belongs to the first.
 */
export function relate(masks: readonly string[], images: readonly string[]): Relation | undefined {
  const candidates = [
    contained(masks, images, same),
    contained(masks, images, withoutZeros),
    ...byAffixes(masks, images),
    ...byInnerWord(masks, images),
    beginning(masks, images),
    byNumbers(masks, images),
    onlyMask(masks, images),
  ]
    .filter(({ size }) => size * 2 >= masks.length)
    .map(withinSplits);
  const most = Math.max(0, ...candidates.map(({ size }) => size));
  if (most === 0) return byCodes(masks, images);
  const rated = candidates
    .filter(({ size }) => size === most)
    .map((found) => ({ found, shared: sharedBy(found) }));
  const likest = Math.max(...rated.map(({ shared }) => shared));
  const [best, ...others] = rated
    .filter(({ shared }) => shared === likest)
    .map(({ found }) => ({ found, names: sortedByName([...found.values()], (name) => name).join('\n') }))
    .sort((a, b) => (a.names < b.names ? -1 : a.names > b.names ? 1 : 0));
  if (!best) return undefined;
  const rivals = new Map<string, Set<string>>();
  for (const { found } of others) {
    for (const [mask, image] of found) {
      if (best.found.get(mask) !== image) rivals.set(mask, (rivals.get(mask) ?? new Set()).add(image));
    }
  }
  return { images: best.found, rivals };
}

const splitOf = (stem: string) => splitOfTokens(tokensOf(stem));

/** What is left of a rule without the pairs whose names say different splits. */
function withinSplits(found: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map(
    [...found].filter(([mask, image]) => {
      const [own, other] = [splitOf(mask), splitOf(image)];
      return own === undefined || other === undefined || own === other;
    }),
  );
}

/** How many letters in all the names of masks and their images begin and end with alike. */
function sharedBy(found: ReadonlyMap<string, string>): number {
  let shared = 0;
  for (const [mask, image] of found) {
    const { before, after } = sharedEnds(mask, image);
    shared += before + after;
  }
  return shared;
}

/**
 * The longest image name that a mask's begins with, else that it ends with.
 * @param as what names are compared as; an image whose name is then that of another too is none.
 */
function contained(
  masks: readonly string[],
  images: readonly string[],
  as: (name: string) => string,
): Map<string, string> {
  const names = uniqueNames(images, as);
  const imageOf = (text: string) => names.get(as(text)) ?? undefined;
  const found = new Map<string, string>();
  const shapes = new Set<string>();
  for (const mask of masks) {
    const places = boundariesOf(mask);
    const starts = places.findLast(({ end }) => imageOf(mask.slice(0, end)) !== undefined);
    const ends = starts ? undefined : places.find(({ next }) => imageOf(mask.slice(next)) !== undefined);
    const image = starts ? imageOf(mask.slice(0, starts.end)) : ends && imageOf(mask.slice(ends.next));
    if (image === undefined) continue;
    found.set(mask, image);
    if (ends) shapes.add(mask.slice(0, ends.end));
  }
  // A number at the end that happens to be an image's name says nothing when what is before it differs each time.
  const isByNumber = [...found.values()].some((image) => /^\p{N}+$/u.test(image));
  return shapes.size > 1 && isByNumber ? new Map() : found;
}

/** In what a mask's name and an image's differ. */
interface Difference {
  readonly mask: string;
  readonly image: string;
}

const reversed = (text: string) => [...text].reverse().join('');
const same = (text: string) => text;

/**
 * The differences that recur most between names that are neighbours when sorted. One pair alone shows no rule, and
 * another number none either: it is another image.
 */
function differences(
  masks: readonly string[],
  turned: readonly (readonly [string, string])[],
  turn: (text: string) => string,
  differ: (mask: string, image: string) => Difference | undefined,
): Difference[] {
  const votes = new Map<string, Difference & { count: number }>();
  const step = Math.max(1, Math.floor(masks.length / SAMPLE));
  for (let i = 0; i < masks.length; i += step) {
    const mask = turn(masks[i] ?? '');
    const at = placeIn(turned, mask);
    const seen = new Set<string>();
    for (let k = at - 2; k < at + 2; k++) {
      const image = turned[k]?.[0];
      const difference = image === undefined ? undefined : differ(mask, image);
      if (!difference || uncounted(difference.mask) === uncounted(difference.image)) continue;
      const key = `${difference.mask}\n${difference.image}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const known = votes.get(key);
      if (known) known.count++;
      else votes.set(key, { ...difference, count: 1 });
    }
  }
  return [...votes.values()]
    .sort((a, b) => b.count - a.count)
    .slice(0, TRIED)
    .filter(({ count }) => count > 1);
}

/** Names that are turned, in order, with what they are turned from. */
const sortedTurned = (names: readonly string[], turn: (text: string) => string) =>
  names.map((name) => [turn(name), name] as const).sort(([a], [b]) => (a < b ? -1 : 1));

/** An affix of the masks and one of the images, each at the same end. */
function byAffixes(masks: readonly string[], images: readonly string[]): Map<string, string>[] {
  return [same, reversed].flatMap((turn) => {
    const turned = sortedTurned(images, turn);
    const affixes = differences(masks, turned, turn, (mask, image) => {
      const shared = sharedName(mask, image);
      return shared === 0 ? undefined : { mask: mask.slice(shared), image: image.slice(shared) };
    });
    return affixes.map((affix) => {
      const byName = new Map<string, string>();
      for (const [text, image] of turned) {
        if (!text.endsWith(affix.image)) continue;
        const name = text.slice(0, text.length - affix.image.length);
        if (!byName.has(name)) byName.set(name, image);
      }
      const found = new Map<string, string>();
      for (const mask of masks) {
        const text = turn(mask);
        const image = text.endsWith(affix.mask) && byName.get(text.slice(0, text.length - affix.mask.length));
        if (image) found.set(mask, image);
      }
      return found;
    });
  });
}

/** A word of the masks and one of the images, either may be empty, each between the same beginning and end. */
function byInnerWord(masks: readonly string[], images: readonly string[]): Map<string, string>[] {
  const names = new Set(images);
  return [same, reversed].flatMap((turn) => {
    const words = differences(masks, sortedTurned(images, turn), turn, (a, b) => {
      const [mask, image] = [turn(a), turn(b)];
      const { before, after } = sharedEnds(mask, image);
      const word = {
        mask: mask.slice(before, mask.length - after),
        image: image.slice(before, image.length - after),
      };
      const isWord = before > 0 && after > 0 && ![word.mask, word.image].some((text) => /^\p{N}/u.test(text));
      return isWord ? word : undefined;
    });
    return words.map((word) => {
      const found = new Map<string, string>();
      for (const mask of masks) {
        for (let at = mask.indexOf(word.mask); at >= 0; at = mask.indexOf(word.mask, at + 1)) {
          const image = mask.slice(0, at) + word.image + mask.slice(at + word.mask.length);
          if (names.has(image)) found.set(mask, image);
          if (at >= mask.length) break;
        }
      }
      return found;
    });
  });
}

/** Endings of one name that are taken for channels of one image at most. */
const CHANNELS = 8;

/** The only image whose name begins with a mask's; of several with short endings (`_0000`, `_0001`) the first. */
function beginning(masks: readonly string[], images: readonly string[]): Map<string, string> {
  const sorted = sortedTurned(images, same);
  const found = new Map<string, string>();
  const taken = new Set<string>();
  // Of `a` and `a_1` the longer one is that of `a_1_0000`.
  for (const mask of masks.toSorted((a, b) => b.length - a.length)) {
    const fits: string[] = [];
    for (let k = placeIn(sorted, mask); sorted[k]?.[0].startsWith(mask) && fits.length <= CHANNELS; k++) {
      const image = sorted[k]?.[0] ?? '';
      if (boundariesOf(image).some(({ end }) => end === mask.length)) fits.push(image);
    }
    const [first] = fits.filter((image) => !taken.has(image));
    // A mask of a stack is that of none of its pages.
    const arePages = fits.length > 1 && fits.some((image) => stackOf(image) !== undefined);
    if (first === undefined || fits.length > CHANNELS || arePages) continue;
    found.set(mask, first);
    for (const image of fits) taken.add(image);
  }
  return found;
}

/** What a name is made of, and which of it has letters and numbers, as the name of a well. */
const piecesOf = (name: string) => name.split(/[\s_.-]+/);
const isCode = (word: string) => /^[\p{L}\p{N}]+$/u.test(word) && /\p{L}/u.test(word) && /\p{N}/u.test(word);

/**
 * For each mask, whose name has but codes, numbers and words for masks, the image with all of its codes, or the channels of one:
 * their names are the same up to the last of these.
 */
function byCodes(masks: readonly string[], images: readonly string[]): Relation | undefined {
  const byCode = new Map<string, Set<string>>();
  for (const image of images)
    for (const code of piecesOf(image).filter(isCode))
      byCode.set(code, (byCode.get(code) ?? new Set()).add(image));
  const found = new Map<string, string>();
  const rivals = new Map<string, Set<string>>();
  for (const mask of masks) {
    const codes = piecesOf(mask).filter(isCode);
    const others = tokensOf(
      piecesOf(mask)
        .filter((piece) => !isCode(piece))
        .join(' '),
    );
    if (!others.every((token) => isNumber(token) || isRoleWord(token))) continue;
    const having = codes.map((code) => byCode.get(code) ?? new Set<string>());
    const [rarest = new Set<string>()] = having.toSorted((a, b) => a.size - b.size);
    const fits = [...rarest].filter((image) => having.every((others) => others.has(image))).sort();
    const upTo = (image: string) => {
      const words = piecesOf(image);
      return words.slice(0, words.findLastIndex((word) => codes.includes(word)) + 1).join(' ');
    };
    const [image, ...channels] = fits;
    const areChannels = fits.length <= CHANNELS && new Set(fits.map(upTo)).size === 1;
    if (image === undefined || !areChannels) continue;
    found.set(mask, image);
    if (channels.length > 0) rivals.set(mask, new Set(channels));
  }
  const within = withinSplits(found);
  return within.size * 2 >= masks.length && within.size > 0 ? { images: within, rivals } : undefined;
}

/** The only image whose name is the mask's but for leading zeros. */
function byNumbers(masks: readonly string[], images: readonly string[]): Map<string, string> {
  const byName = uniqueNames(images, withoutZeros);
  return new Map(
    masks.flatMap((mask) => {
      const image = byName.get(withoutZeros(mask));
      return image ? [[mask, image] as const] : [];
    }),
  );
}

/** The only image with the numbers of a mask that is alone, where images are told apart by their numbers. */
function onlyMask([mask, ...others]: readonly string[], images: readonly string[]): Map<string, string> {
  const numbers = (name: string) =>
    withoutZeros(name)
      .match(/\p{N}+/gu)
      ?.join(' ') ?? '';
  const areCounted = images.length > 1 && new Set(images.map(uncounted)).size === 1;
  const image = uniqueNames(images, numbers).get(numbers(mask ?? ''));
  return mask !== undefined && others.length === 0 && areCounted && image
    ? new Map([[mask, image]])
    : new Map();
}

/** A name without the zeros before its numbers. */
export const withoutZeros = (name: string) => name.replace(/(?<!\p{N})0+(?=\p{N})/gu, '');

/** Names by what they are compared as; null where several are compared as the same. */
function uniqueNames(
  names: readonly string[],
  as: (name: string) => string,
): ReadonlyMap<string, string | null> {
  const found = new Map<string, string | null>();
  for (const name of names) found.set(as(name), (found.get(as(name)) ?? name) === name ? name : null);
  return found;
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

/** Lengths of what two names begin and end with alike; see {@link sharedName}. */
function sharedEnds(a: string, b: string): { readonly before: number; readonly after: number } {
  const before = sharedName(a, b);
  return { before, after: sharedName(reversed(a.slice(before)), reversed(b.slice(before))) };
}
