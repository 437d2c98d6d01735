/** Names of classes by their number, as sets and models of Hugging Face have them. */
import { isRecord } from '../../config/is-record.ts';
import { isImageName, nameParts } from '../file-names.ts';
import type { AnnotationFormat, AnnotationSource } from './annotation-format.ts';

/** `id2label.json` (`{"0": "wall", "1": "building"}`) or `label2id.json`, whatever their names, also as fields of a `config.json`. */
export const labelIds: AnnotationFormat = {
  id: 'label-ids',
  name: 'id2label.json',
  extensions: ['json'],
  onlyNames: true,
  recognises: (source) => namesOf(source).size > 0,
  read: (source) => ({
    images: [],
    classTable: { file: source.path, classes: [], numbers: namesOf(source) },
  }),
};

/** Files of names and numbers that may be anything, such as counts, are told by their own name. */
const SAYS_LABELS = /label|class|categor/i;

function namesOf({ json, path }: AnnotationSource): ReadonlyMap<number, string> {
  if (!isRecord(json)) return new Map();
  if (isRecord(json.id2label)) return byNumber(json.id2label);
  if (isRecord(json.label2id)) return byName(json.label2id);
  const numbers = byNumber(json);
  return numbers.size > 0 || !SAYS_LABELS.test(nameParts(path).file) ? numbers : byName(json);
}

function byNumber(record: Readonly<Record<string, unknown>>): ReadonlyMap<number, string> {
  return all(Object.entries(record), ([key, value]) => [key, value]);
}

function byName(record: Readonly<Record<string, unknown>>): ReadonlyMap<number, string> {
  return all(Object.entries(record), ([key, value]) => [value, key]);
}

/** The names; none where one of the entries is no number with a name of its own. */
function all(
  entries: readonly (readonly [string, unknown])[],
  of: (entry: readonly [string, unknown]) => readonly [number: unknown, name: unknown],
): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const entry of entries) {
    const [number, name] = of(entry);
    const value = typeof number === 'string' && /^-?\d+$/.test(number) ? Number(number) : number;
    if (!Number.isInteger(value) || typeof name !== 'string' || isImageName(nameParts(name)))
      return new Map();
    names.set(Number(value), name.trim());
  }
  return names.size === entries.length ? names : new Map();
}
