/** What the arrays of an archive are for, by their names. */
import {
  hasMeaning,
  isRoleWord,
  type MaskField,
  meaningOf,
  splitOfTokens,
  type Token,
  tokensOf,
} from '../pairing/words.ts';
import type { Split } from '../types.ts';
import { classMap } from './class-map.ts';
import { FEW, layoutOf } from './layout.ts';
import type { Member } from './members.ts';

/** What the name of an array says. */
export interface Role {
  readonly field: 'image' | MaskField;
  readonly split: Split | undefined;
}

/** An array and what it is for. */
export interface Named extends Role {
  readonly member: Member;
}

/** Numbered objects with a list of the class of each, beside them, as these and a map of classes. */
export function withClasses(named: readonly Named[], members: readonly Member[]): readonly Named[] {
  const [objects, ...more] = named.filter(({ field }) => field === 'instances');
  if (!objects || more.length > 0 || isStack(objects.member) || named.some(({ field }) => field === 'labels'))
    return named;
  const { member } = objects;
  const parent = parentOf(member.name);
  const list = (words: RegExp) =>
    members.find((each) => isList(each) && parentOf(each.name) === parent && words.test(leafOf(each.name)));
  const classes = list(CLASS_LISTS);
  return classes
    ? [...named, { ...objects, field: 'labels', member: classMap(member, classes, list(ID_LISTS)) }]
    : named;
}

/** As HoVer-Net, Lizard and SBD call the list of the classes of objects, and that of their numbers. */
const CLASS_LISTS = /^(inst_?)?(class|type|categor)(e?s|y|ies)?$/i;
const ID_LISTS = /^(inst_?)?u?ids?$/i;

const isList = ({ type, shape }: Member) =>
  typeof type !== 'string' && shape.length === 2 && shape.filter((size) => size !== 1).length < 2;

const leafOf = (name: string) => name.slice(name.lastIndexOf('.') + 1);
const parentOf = (name: string) => name.slice(0, Math.max(0, name.lastIndexOf('.')));

/** Whether an array has rows and columns; lists of points and boxes have two axes too, and one of them is short. */
export const isOfPixels = ({ type, shape }: Member) =>
  typeof type !== 'string' && shape.filter((size) => size > FEW).length > 1;

/** What single letters, `data` and `type` say in archives, and nowhere else. */
const ONLY_HERE: Readonly<Record<string, Role['field']>> = {
  x: 'image',
  data: 'image',
  y: 'mask',
  type: 'labels',
};

/**
 * What a name says that has words for a role and for a split and no others: `gts`, `X_train`, `inst_map`, but not
 * `img_embeddings`. Of an element of a struct its own name says it, but for what `GTinst` in front of it says.
 */
export function roleOf(name: string): Role | undefined {
  const tokens = tokensOf(leafOf(name));
  const split = splitOfTokens(tokens);
  const words = tokens.filter((token) => splitOfTokens([token]) === undefined && !isFiller(token));
  const [word] = words;
  const field = words.length === 1 && word ? ONLY_HERE[word.text] : undefined;
  if (field) return { field, split };
  const meaning = words.every(hasMeaning) ? meaningOf(words) : undefined;
  if (meaning?.role === undefined || meaning.isAside) return undefined;
  if (meaning.role === 'image') return { field: 'image', split };
  return { field: /inst(ances?)?$/i.test(parentOf(name)) ? 'instances' : meaning.field, split };
}

const isFiller = (token: Token) => isRoleWord(token) && !hasMeaning(token);

/** Whether a name says an aid or a preview. */
export const saysAside = (name: string) => meaningOf(tokensOf(leafOf(name)))?.isAside === true;

/** Whether an array is several images. */
export const isStack = ({ type, shape, file }: Member) =>
  typeof type !== 'string' && layoutOf(shape, file.path).pages > 1;

/** A name without its places in cells and structs. */
export const withoutIndices = (name: string) => name.replace(/[({]\d+[)}]/g, '');
