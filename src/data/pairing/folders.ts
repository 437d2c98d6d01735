import type { Split } from '../types.ts';
import {
  isNumber,
  isRoleWord,
  lookOf,
  meaningOf,
  type NameMeaning,
  splitOfTokens,
  type Token,
  tokensOf,
  uncounted,
  withoutSplit,
} from './words.ts';

/** One folder of a path, taken apart. */
export interface Component {
  readonly name: string;
  readonly tokens: readonly Token[];
  readonly meaning: NameMeaning | undefined;
  readonly split: Split | undefined;
  /** What is left of the name without the word for its split: equal for `cracks_train` and `cracks_val`. */
  readonly unsplit: string;
  /** What is left of the name without the words for a role: equal for `train_images` and `train_masks`. */
  readonly rest: string;
}

/** In `Class1` the word only counts what has images and masks of its own. */
const isNumberedClass = ({ text }: Token, next: Token | undefined) =>
  text === 'class' && next !== undefined && isNumber(next);

const components = new Map<string, Component>();
/** More than any drop has in different names; what was kept is forgotten then. */
const MOST_KEPT = 50_000;

/** A folder's name taken apart; a zip counts as a folder. */
export function componentOf(name: string): Component {
  const known = components.get(name);
  if (known) return known;
  const tokens = tokensOf(name.replace(/\.zip$/i, '').normalize('NFC'));
  const saying = tokens.filter((token, i) => !isNumberedClass(token, tokens[i + 1]));
  const rest = tokens.filter((token) => !isRoleWord(token)).map(({ text }) => text);
  const component = {
    name,
    tokens,
    meaning: meaningOf(saying),
    split: splitOfTokens(tokens),
    unsplit: withoutSplit(tokens)
      .map(({ text }) => text)
      .join(' '),
    rest: tokens.length === 0 ? lookOf(name) : rest.join(' '),
  };
  if (components.size >= MOST_KEPT) components.clear();
  components.set(name, component);
  return component;
}

/** A folder's path without the words for a role: equal for `set/images/train` and `set/train_masks`. */
export function bareOf(folders: readonly string[]): string[] {
  return folders.map((name) => componentOf(name).rest).filter((rest) => rest !== '');
}

/** The split that a path names, the innermost folder first. */
export function splitOfFolders(folders: readonly string[]): Split | undefined {
  return folders.map((name) => componentOf(name).split).findLast((split) => split !== undefined);
}

/** Whether a folder's name is a split and nothing else. */
export function isSplitOnly(name: string): boolean {
  const { tokens, split } = componentOf(name);
  return (
    split !== undefined && tokens.every((token) => isNumber(token) || splitOfTokens([token]) !== undefined)
  );
}

/** How many leading entries two lists share. */
export function sharedStart(a: readonly string[], b: readonly string[]): number {
  let n = 0;
  while (n < a.length && n < b.length && a[n] === b[n]) n++;
  return n;
}

/** What is left of `own` when the folders that both paths begin and end with are taken away. */
export function differenceOf(own: readonly string[], other: readonly string[]): string[] {
  const start = sharedStart(own, other);
  let end = 0;
  while (end < Math.min(own.length, other.length) - start && own.at(-1 - end) === other.at(-1 - end)) end++;
  return own.slice(start, own.length - end);
}

/** The words of a path that are none for a role. */
export const wordsOf = (folders: readonly string[]) => bareOf(folders).flatMap((rest) => rest.split(' '));

/** What a folder of one case is called among those of all cases: `p1_outline` of the case `p1` is `*_outline`. */
export const inAnyCase = (folder: string, stem: string): string => lookOf(folder).replaceAll(stem, '*');

/** Whether each of two folders lies in one that the other does not, as `masks/june` and `images/may`. */
export function areApart(masks: readonly string[], images: readonly string[]): boolean {
  const isOwn = (name: string, others: readonly string[]) => {
    const { meaning, rest } = componentOf(name);
    if (meaning !== undefined || rest === '') return false;
    const words = wordsOf(others);
    return !rest.split(' ').every((word) => words.includes(word));
  };
  return masks.some((name) => isOwn(name, images)) && images.some((name) => isOwn(name, masks));
}

const shapes = new WeakMap<readonly string[], string>();

/** A path without its numbers: equal for folders that count something. */
export function shapeOf(folders: readonly string[]): string {
  const known = shapes.get(folders);
  if (known !== undefined) return known;
  const shape = uncounted(folders.join('/'));
  shapes.set(folders, shape);
  return shape;
}
