import { listed } from './annotations/image-remarks.ts';
import { nameParts } from './file-names.ts';
import { push } from './pairing/match.ts';
import { uncounted } from './pairing/words.ts';
import type { Refusal } from './types.ts';

/** Files that remarks name one by one. */
const SAID_ALONE = 3;

/** Remarks of which those that say the same of several files are one, with the others named in it. @param keyOf what is the same. */
export function joinAlike(remarks: readonly Refusal[], keyOf: (remark: Refusal) => string): Refusal[] {
  const alike = new Map<string, Refusal[]>();
  for (const each of remarks) push(alike, keyOf(each), each);
  return [...alike.values()].flatMap((list) => {
    const [first] = list;
    const others = [...new Set(list.map(({ file }) => file))].filter((file) => file !== first?.file);
    if (!first || others.length < SAID_ALONE) return list;
    const reason = `${first.reason} The same holds for ${others.length} other files: ${listed(others)}.`;
    return [{ ...first, reason }];
  });
}

/** Remarks of which those of files of one folder that say the same, but for names and numbers, are one. */
export const joinInFolders = (remarks: readonly Refusal[]): Refusal[] =>
  joinAlike(remarks, ({ file, code, severity, reason }) => {
    const { folders, stem } = nameParts(file);
    return [code, severity, uncounted(reason.replace(named(stem), '#')), ...folders].join('\n');
  });

/** A name where it stands alone, not within a word. */
const named = (stem: string) =>
  new RegExp(`(?<![\\p{L}\\p{N}])${stem.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')}(?![\\p{L}\\p{N}])`, 'gu');
