/** What words in the names of files and folders say. The tables are data: a new word is one more entry. */
import type { Split } from '../types.ts';

/** Which file of a sample a mask becomes. */
export type MaskField = 'mask' | 'labels' | 'instances';

/** What a name says about the files that carry it. */
export interface NameMeaning {
  readonly role?: 'image' | 'mask';
  readonly field: MaskField;
  /** A preview, an edge map, a field of view …: taken for the mask only where there is no better one. Of images: said
   * by a word for colours alone, which in a folder of masks is a preview. */
  readonly isAside: boolean;
}

type Meaning = 'image' | 'colour' | 'mask' | 'labels' | 'instances' | 'object' | 'aside' | 'filler';

const WORDS: ReadonlyMap<string, Meaning> = table({
  image:
    'image images img imgs im ims photo photos photograph photographs pic pics picture pictures scan scans original ' +
    'originals orig raw input inputs frame frames still stills source src',
  colour: 'rgb color colour colors colours colored coloured',
  mask:
    'mask masks msk msks gt gts groundtruth groundtruths truth annotation annotations anno annos annot annots ann anns annotated ' +
    'labeled labelled lbl lbls lab seg segs segm segmentation segmentations segmented segmap segmaps semantic semantics ' +
    'manual target targets trimap trimaps matte mattes matting alpha alphas silhouette silhouettes foreground pixelmap pixelmaps parsing',
  labels: 'label labels class classes',
  instances: 'instance instances inst identities',
  object: 'object objects',
  aside:
    'viz vis visual visualization visualisation overlay overlays preview previews blend edge edges boundary boundaries ' +
    'contour contours skeleton skeletons distance depth weight weights track tra fov conditioning superpixel superpixels roi vague heatmap heatmaps prob ' +
    'probs pred preds prediction predictions flow flows outline outlines centers centres centroids thumb thumbs ' +
    'thumbnail thumbnails colormap colormaps colourmap colourmaps result results output outputs err error errors erroneous',
  filler: 'ground and with id ids of map maps binary bin jpeg jpg png tif tiff bmp gif dir cp final',
});

/** Words that beside one for masks say that these are painted to be looked at, and alone say nothing: `masks_human`. */
const PAINTED = new Set(['human']);

/** Words for a part of one set, of which there are several: `seq1`. */
const PARTS_OF_SETS = new Set(
  'seq sequence video vid clip patient subject case scene slide volume vol stack fold'.split(' '),
);

const SPLITS: ReadonlyMap<string, Split> = table({
  train: 'train training',
  val: 'val valid validation dev',
  test: 'test testing',
});

/** Short words that name a split only beside another word: `imagesTr`, `DUTS-TE`. */
const SHORT_SPLITS: ReadonlyMap<string, Split> = table({ train: 'tr', val: 'vd', test: 'ts te' });

function table<V extends string>(words: Readonly<Record<V, string>>): ReadonlyMap<string, V> {
  const entries = Object.entries(words) as [V, string][];
  return new Map(entries.flatMap(([value, list]) => list.split(' ').map((word) => [word, value] as const)));
}

/** Equal for names that look equal: in any case, and whether accents are composed or decomposed. */
export const lookOf = (name: string) => name.normalize('NFC').toLowerCase();

/** A word in a name: in lower case, and where it lies. */
export interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Words and numbers of a name; a new one begins at a separator, a capital, and between letters and digits. */
export function tokensOf(name: string): Token[] {
  const tokens: Token[] = [];
  for (const match of name.matchAll(/\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lo}+|\p{N}+/gu)) {
    const text = match[0].toLowerCase();
    const cut = cutOf(text);
    const start = match.index;
    const end = start + match[0].length;
    if (cut === 0) tokens.push({ text, start, end });
    else {
      tokens.push({ text: text.slice(0, cut), start, end: start + cut });
      tokens.push({ text: text.slice(cut), start: start + cut, end });
    }
  }
  return tokens;
}

/** Where a word such as `trainannot` or `masktest` falls in two known ones; 0 when it does not. */
function cutOf(text: string): number {
  if (WORDS.has(text) || SPLITS.has(text)) return 0;
  for (const word of SPLITS.keys()) {
    const rest = text.length - word.length;
    if (rest > 1 && text.startsWith(word) && WORDS.has(text.slice(word.length))) return word.length;
    if (rest > 1 && text.endsWith(word) && WORDS.has(text.slice(0, rest))) return rest;
  }
  return 0;
}

/** What the words of a name say of its files; undefined when none of them is known. */
export function meaningOf(tokens: readonly Token[]): NameMeaning | undefined {
  const said = new Set(tokens.map(({ text }) => WORDS.get(text)));
  const isMask = said.has('mask') || said.has('labels') || said.has('instances');
  const isPainted = said.has('colour') || tokens.some(({ text }) => PAINTED.has(text));
  const isAside = said.has('aside') || (isMask && isPainted);
  if (isMask) {
    const isInstances = said.has('instances') || said.has('object');
    return {
      role: 'mask',
      field: isInstances ? 'instances' : said.has('labels') ? 'labels' : 'mask',
      isAside,
    };
  }
  if (isAside) return { field: 'mask', isAside };
  const isImage = said.has('image');
  return isImage || said.has('colour') ? { role: 'image', field: 'mask', isAside: !isImage } : undefined;
}

/** Whether a word says anything of what a file is, rather than which of them it is. */
export const isRoleWord = ({ text }: Token) => WORDS.has(text);

/** Whether a word alone says what a file is: {@link meaningOf} has something to say of it. */
export function hasMeaning({ text }: Token): boolean {
  const meaning = WORDS.get(text);
  return meaning !== undefined && meaning !== 'filler' && meaning !== 'object';
}

/** Whether a name says that it is one of several parts of a set. */
export const namesPartOfSet = (tokens: readonly Token[]) =>
  tokens.some(({ text }) => PARTS_OF_SETS.has(text));

export const isNumber = ({ text }: Token) => /^\p{N}+$/u.test(text);

/** The split that a name gives, where it says one alone (not `train_val`); short words count at the end of a longer name. */
export function splitOfTokens(tokens: readonly Token[]): Split | undefined {
  const said = new Set(tokens.flatMap(({ text }) => SPLITS.get(text) ?? []));
  if (said.size > 0) return said.size === 1 ? [...said][0] : undefined;
  const last = tokens.length > 1 ? tokens.at(-1) : undefined;
  return last && SHORT_SPLITS.get(last.text);
}

/** The words of a name that are none for the split that {@link splitOfTokens} finds. */
export function withoutSplit(tokens: readonly Token[]): readonly Token[] {
  const others = tokens.filter(({ text }) => !SPLITS.has(text));
  return others.length === tokens.length && splitOfTokens(tokens) ? tokens.slice(0, -1) : others;
}

const ANNOTATOR = /^(annotators?|experts?|readers?|raters?|observers?|users?|st|nd|rd|th)$/;

/** Names that tell people who drew, not what they drew: `reader2`, `1st_manual`, `gt_2`, but not `1. Leaves`. */
export const namesAnnotator = (tokens: readonly Token[]) =>
  tokens.some(({ text }) => ANNOTATOR.test(text)) ||
  (tokens.some(isNumber) && tokens.every((token) => isNumber(token) || isRoleWord(token)));

/** A text with # in place of every number: those that differ in numbers alone are equal. */
export const uncounted = (text: string): string => text.replace(/\p{N}+/gu, '#');

const PAGE = / page \d+$/;

/** The name of the stack that a page is of; undefined for names of other files. */
export const stackOf = (stem: string) => (PAGE.test(stem) ? lookOf(stem.replace(PAGE, '')) : undefined);
