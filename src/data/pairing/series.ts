import { isArrayName, type NameParts } from '../file-names.ts';
import {
  hasMeaning,
  isNumber,
  isRoleWord,
  lookOf,
  meaningOf,
  type NameMeaning,
  stackOf,
  type Token,
  tokensOf,
  uncounted,
} from './words.ts';

/** A file in its series. */
export interface SeriesFile {
  readonly parts: NameParts;
  /** Its name without extension, as {@link lookOf} has it. */
  readonly stem: string;
  /** Names of the image that it may be the mask of, beside its own: the likeliest first. */
  readonly cores: readonly string[];
  /** A shorter name under which it may be sought, when it is an image: `7` of `img_7`. */
  readonly bare?: string;
}

/** Files of one folder that are of one sort by their names: all of it, or those with one affix. */
export interface Series {
  readonly folders: readonly string[];
  /** The words that mark its files, without numbers at their end; `''` for files without a mark. */
  readonly affix: string;
  /** What the affix says. */
  readonly meaning: NameMeaning | undefined;
  /** How the affix was found. `base`: other files have the same name without it. `inner`: it is a word within their
   * names. `extension`: PNGs beside JPEGs, arrays beside images. */
  readonly by: 'folder' | 'base' | 'word' | 'inner' | 'shape' | 'extension';
  readonly files: readonly SeriesFile[];
}

interface Place {
  readonly affix: string;
  readonly cores: readonly string[];
  readonly bare?: string;
  readonly meaning: NameMeaning | undefined;
  readonly by: Series['by'];
}

const PLAIN: Place = { affix: '', cores: [], meaning: undefined, by: 'folder' };

/**
 * The series of one folder. An affix is what a name has beyond another name of the folder (`a_cp_masks` beside `a`), or
 * a word for a role in a name (`mask001`, `p1_mask_z0`), or, when the names of the whole folder fall into few groups
 * that count through the same numbers, what begins or ends those (`raw001`, `out001`).
 */
export function seriesOf(files: readonly NameParts[]): Series[] {
  const [first] = files;
  if (!first) return [];
  const stems = new Map(files.map(({ stem }) => [lookOf(stem), stem.normalize('NFC')]));
  const photos = new Set(files.filter(isJpeg).map(({ stem }) => lookOf(stem)));
  const noArrays = new Set(files.filter((parts) => !isArrayName(parts)).map(({ stem }) => lookOf(stem)));
  const isMaskBeside = (parts: NameParts, stem: string) =>
    isArrayName(parts) ? noArrays.has(stem) : isMaskFormat(parts) && photos.has(stem);
  const places = placesOf(
    stems,
    new Map(files.map(({ file, stem }) => [lookOf(file), lookOf(stem)])),
    first.folders,
    photos,
  );
  const groups = new Map<string, { place: Place; files: SeriesFile[] }>();
  for (const parts of files) {
    const stem = lookOf(parts.stem);
    let place = places.get(stem) ?? PLAIN;
    if (place.affix === '' && isMaskBeside(parts, stem)) {
      place = { ...PLAIN, affix: `.${parts.extension}`, by: 'extension' };
    } else if (isNumbered(place) && isMaskFormat(parts) && place.cores.some((root) => photos.has(root))) {
      // `leaf-1.png` and `leaf-2.png` beside `leaf.jpg` may be its objects; what they look like decides.
      place = { ...place, affix: `.N.${parts.extension}`, by: 'base' };
    }
    let group = groups.get(place.affix);
    if (!group) {
      group = { place, files: [] };
      groups.set(place.affix, group);
    }
    const { cores, bare } = place;
    group.files.push({ parts, stem, cores, ...(bare === undefined ? {} : { bare }) });
  }
  return [...groups.values()].map(({ place: { affix, meaning, by }, files: own }) => ({
    folders: first.folders,
    affix,
    meaning,
    by,
    files: own,
  }));
}

/** Whether a name has nothing but a number beyond another one. */
const isNumbered = ({ affix, cores, bare }: Place) => affix === '' && cores.length > 0 && bare === undefined;

export const isJpeg = ({ extension }: NameParts) => ['jpg', 'jpeg', 'jpe', 'jfif'].includes(extension);
const isMaskFormat = ({ extension }: NameParts) =>
  ['png', 'tif', 'tiff', 'gif', 'bmp', 'pgm', 'ppm'].includes(extension);

/** A core that stands for the folder: of `image.png` and `mask.png`, whose names say their roles alone. */
const folderCore = (folders: readonly string[]) => `/${lookOf(folders.join('/'))}`;

function placesOf(
  stems: ReadonlyMap<string, string>,
  byFile: ReadonlyMap<string, string>,
  folders: readonly string[],
  photos: ReadonlySet<string>,
): Map<string, Place> {
  const derived = new Map<string, { root: string; affix: string }>();
  for (const [look, stem] of stems) {
    const found = baseOf(look, stem, stems, byFile);
    if (found) derived.set(look, found);
  }
  // From the shortest on, so that what a base is derived from is known: `a_mask_1`, `a_mask`, `a`.
  const places = new Map<string, Place>();
  const counts = new Map<string, number>();
  const resolved = new Map<string, { root: string; affix: string }>();
  for (const look of [...derived.keys()].sort((a, b) => a.length - b.length)) {
    const own = derived.get(look);
    if (!own) continue;
    const above = resolved.get(own.root);
    const whole = above ? { root: above.root, affix: `${above.affix}_${own.affix}` } : own;
    resolved.set(look, whole);
    const affix = affixOf(tokensOf(whole.affix));
    counts.set(affix, (counts.get(affix) ?? 0) + 1);
  }
  const roots = stems.size - resolved.size;
  const bases = new Set<string>();
  const numbered: string[] = [];
  const rare: { look: string; root: string; affix: string }[] = [];
  for (const [look, { root, affix: text }] of resolved) {
    const tokens = tokensOf(text);
    const affix = affixOf(tokens);
    const meaning = meaningOf(tokens);
    const count = counts.get(affix) ?? 0;
    if (affix === '') numbered.push(look);
    else if (meaning?.role !== undefined || meaning?.isAside || count * 2 >= roots) {
      places.set(look, { affix, cores: [root], meaning, by: 'base' });
      if (meaning?.role !== 'image' && !meaning?.isAside) bases.add(root);
    } else rare.push({ look, root, affix });
  }
  // Of a photograph with a mask what is no photograph says more of it, also where few have such a file.
  for (const { look, root, affix } of rare) {
    if (bases.has(root) && photos.has(root) && !photos.has(look))
      places.set(look, { affix, cores: [root], meaning: undefined, by: 'base' });
  }
  const shared = sharedWords(stems);
  for (const [look, stem] of stems) {
    if (places.has(look) || bases.has(look) || numbered.includes(look)) continue;
    const marked = markedPlace(look, stem, folders, shared);
    if (marked) places.set(look, marked);
  }
  placeBeside(stems, places, new Set([...bases, ...numbered]));
  for (const look of numbered) {
    const root = resolved.get(look)?.root ?? look;
    const above = places.get(root);
    // `a_1` belongs where `a` is: a further object of it, or just another image.
    places.set(look, above ? { ...above, cores: [root, ...above.cores] } : { ...PLAIN, cores: [root] });
  }
  // What only hangs on a file whose own name is a mark (`label_viz` beside `label`) belongs to that one's core.
  for (const [look, place] of places) {
    const above = place.by === 'base' ? places.get(place.cores[0] ?? '') : undefined;
    if (above) places.set(look, { ...place, cores: [...place.cores, ...above.cores] });
  }
  if ([...places.values()].every(({ affix }) => affix === '')) placeByShape(stems, places);
  return places;
}

const affixOf = (tokens: readonly Token[]) => {
  const end = tokens.findLastIndex((token) => !isNumber(token)) + 1;
  return tokens
    .slice(0, end)
    .map(({ text }) => text)
    .join(' ');
};

/** The longest other name of the folder that this one begins or ends with, and what is left. */
function baseOf(
  look: string,
  stem: string,
  stems: ReadonlyMap<string, string>,
  byFile: ReadonlyMap<string, string>,
): { root: string; affix: string } | undefined {
  const exact = stem.length === look.length ? stem : look;
  const places = boundariesOf(look);
  let found: { root: string; affix: string } | undefined;
  const consider = (root: string | undefined, length: number, affix: string) => {
    if (root === undefined || root === look || (found && found.root.length >= length)) return;
    found = { root, affix };
  };
  // The number of a page is no name of another file: `a_mask page 1` has nothing to do with `1`.
  const last = (stackOf(look) ?? look).length + 1;
  for (const { end, next } of places) {
    const [before, after] = [look.slice(0, end), look.slice(next)];
    consider(stems.has(before) ? before : byFile.get(before), end, exact.slice(next));
    if (next > last) continue;
    consider(stems.has(after) ? after : byFile.get(after), look.length - next, exact.slice(0, end));
  }
  return found;
}

/** Where a name may fall in two: at its separators (left out), and between letters and digits. */
export function boundariesOf(look: string): { end: number; next: number }[] {
  const found: { end: number; next: number }[] = [];
  for (const match of look.matchAll(/(?<=.)[\s_.\-()[\]]+(?=.)|(?<=\p{N})(?=\p{L})|(?<=\p{L})(?=\p{N})/gsu)) {
    const end = match.index;
    // A closing bracket belongs to what is before it: `benign (1)`.
    const kept = /^[)\]]+/.exec(match[0])?.[0].length ?? 0;
    const opened = /[([]+$/.exec(match[0])?.[0].length ?? 0;
    if (match[0].length > 0 && kept + opened >= match[0].length && kept === 0) continue;
    found.push({ end: end + kept, next: end + match[0].length - opened });
  }
  return found;
}

/** Words that are in all names, which tell none from another. */
function sharedWords(stems: ReadonlyMap<string, string>): ReadonlySet<string> {
  let shared: Set<string> | undefined;
  for (const stem of stems.values()) {
    const words = new Set(tokensOf(stem).map(({ text }) => text));
    shared = shared ? new Set([...shared].filter((word) => words.has(word))) : words;
    if (shared.size === 0) break;
  }
  return shared ?? new Set();
}

/**
 * A name with words for a role at its end, a number after them or not, else within it, else at its start.
 * @param shared words that are in all names of the folder.
 */
function markedPlace(
  look: string,
  stem: string,
  folders: readonly string[],
  shared: ReadonlySet<string>,
): Place | undefined {
  const tokens = tokensOf(stem.length === look.length ? stem : look);
  if (tokens.length === 0 || !tokens.some(hasMeaning)) return undefined;
  const place = (marks: readonly Token[], cores: readonly string[], by: Place['by']): Place | undefined => {
    // What ends in its colours is no image where another word says masks: `a_gtFine_color` beside `a_leftImg8bit`.
    const own = meaningOf(marks);
    const isColour = own?.role === 'image' && own.isAside;
    const others = isColour
      ? tokens.filter((token) => !marks.includes(token) && !shared.has(token.text))
      : [];
    const meaning = meaningOf(others)?.role === 'mask' ? meaningOf([...marks, ...others]) : own;
    const [bare] = cores;
    if (!meaning || bare === undefined) return undefined;
    // A word for images only helps to find the name; it makes no series of its own.
    if (meaning.role === 'image' && !meaning.isAside) return { ...PLAIN, cores, bare };
    return { affix: affixOf(marks), cores, bare, meaning, by };
  };
  if (tokens.every(hasMeaning)) return place(tokens, [folderCore(folders)], 'word');
  const last = tokens.findLastIndex((token) => !isNumber(token)) + 1;
  const final = tokens.findLastIndex((token, i) => i < last && !isRoleWord(token)) + 1;
  const first = tokens.findIndex((token, i) => i >= final && hasMeaning(token));
  // `p1_mask_0001` may be the mask of `p1_0001`, or the first of `p1`.
  const coresBeside = (marks: readonly Token[]) => {
    const next = tokens.find(({ start }) => start >= (marks.at(-1)?.end ?? look.length));
    const numbered = next && isNumber(next) ? [without(look, [...marks, next])] : [];
    return [without(look, marks), ...numbered];
  };
  if (first >= 0 && first < last && startsAfterName(look, tokens[first])) {
    const marks = tokens.slice(first, last);
    return place(marks, coresBeside(marks), 'word');
  }
  const end = tokens.findLastIndex((token, i) => i < final && hasMeaning(token)) + 1;
  const start = tokens.findLastIndex((token, i) => i < end && !isRoleWord(token)) + 1;
  const inner = tokens.slice(start, end);
  const marks = inner.slice(inner.findIndex(hasMeaning));
  if (end > 0 && startsAfterName(look, marks[0])) return place(marks, coresBeside(marks), 'inner');
  const others = tokens.findIndex((token) => !hasMeaning(token));
  if (others < 1) return undefined;
  return place(tokens.slice(0, others), [look.slice(tokens[others]?.start ?? 0)], 'word');
}

const trimmed = (text: string) => text.replace(/[\s_.-]+$/, '');
const before = (look: string, marks: readonly Token[]) => trimmed(look.slice(0, marks[0]?.start));
const startsAfterName = (look: string, first: Token | undefined) => first && before(look, [first]) !== '';

/** A name without some words of it, and without what separates them: `p1_z0` of `p1_mask_z0`. */
function without(look: string, marks: readonly Token[]): string {
  const name = before(look, marks);
  const separator = look.slice(name.length, marks[0]?.start);
  const rest = look.slice(marks.at(-1)?.end);
  return name + (rest === '' || /^[\s_.-]/.test(rest) ? '' : separator) + rest;
}

/**
 * What begins as the names of marked files do that have no other: of `p1_rgb`, `p1_label` and `p1_fg` the last, where most
 * have such a one.
 */
function placeBeside(
  stems: ReadonlyMap<string, string>,
  places: Map<string, Place>,
  settled: ReadonlySet<string>,
): void {
  const cores = new Set(
    [...places.values()].flatMap(({ by, cores: [core] }) => (by === 'word' && core ? [core] : [])),
  );
  const found = new Map<string, Map<string, string>>();
  for (const [look, stem] of stems) {
    if (places.has(look) || settled.has(look)) continue;
    const at = boundariesOf(look).findLast(({ end }) => cores.has(look.slice(0, end)));
    const affix = at ? affixOf(tokensOf((stem.length === look.length ? stem : look).slice(at.next))) : '';
    if (at && affix !== '')
      found.set(affix, (found.get(affix) ?? new Map()).set(look, look.slice(0, at.end)));
  }
  for (const [affix, files] of found) {
    if (files.size * 2 < cores.size) continue;
    for (const [look, core] of files)
      places.set(look, { affix, cores: [core], bare: core, meaning: undefined, by: 'shape' });
  }
}

/** Letters from which on they count, as in `a`, `b`, `c`; two may be two sorts. */
const COUNTED = 3;

/**
 * Whether affixes tell no sorts apart: all say images (`wellA_img`, `wellB_img`), or they only count, being the same but
 * for a number (`s1`, `s2`) or letters that follow one another.
 */
function areAlike(affixes: readonly string[]): boolean {
  if (affixes.every((affix) => meaningOf(tokensOf(affix))?.role === 'image')) return true;
  const [first = '', ...others] = affixes
    .map((affix) => affix.replace(/^[\s_.-]+|[\s_.-]+$/g, ''))
    .sort((a, b) => (a < b ? -1 : 1));
  if (others.every((affix) => uncounted(affix) === uncounted(first))) return true;
  const code = (affix: string) => (/^\p{L}$/u.test(affix) ? affix.charCodeAt(0) : Number.NaN);
  return affixes.length >= COUNTED && others.every((affix, i) => code(affix) === code(first) + i + 1);
}

/** Names that are all of a few sorts, each with the same names beyond its first or its last word. */
function placeByShape(stems: ReadonlyMap<string, string>, places: Map<string, Place>): void {
  for (const side of [
    /^(?<affix>[^\p{N}]+)(?<core>\p{N}.*)$/su,
    /^(?<core>.+)(?<affix>[\s_.-][^\s_.-]*\p{L}[^\s_.-]*)$/su,
  ]) {
    const groups = new Map<string, Set<string>>();
    for (const look of stems.keys()) {
      const { affix = '', core = look } = side.exec(look)?.groups ?? {};
      const cores = groups.get(affix) ?? new Set();
      groups.set(affix, cores.add(core));
    }
    const [first, ...others] = groups.values();
    const isSplit =
      first !== undefined &&
      others.length > 0 &&
      others.length < 6 &&
      !groups.has('') &&
      !areAlike([...groups.keys()]) &&
      others.every(
        (cores) =>
          cores.size * 5 >= first.size * 4 &&
          [...cores].filter((core) => first.has(core)).length * 5 >= first.size * 4,
      );
    if (!isSplit) continue;
    for (const look of stems.keys()) {
      const { affix = '', core = look } = side.exec(look)?.groups ?? {};
      places.set(look, { affix: trimmed(affix), cores: [core], bare: core, meaning: undefined, by: 'shape' });
    }
    return;
  }
}

/** Files that a folder of one case holds at most. */
const CASE_FILES = 8;

/**
 * Where the names of whole neighbouring folders recur (`p1/scan`, `p1/outline`, `p2/scan` …), each name is a series of
 * its own: the folder is what tells one image from another.
 */
export function withCases(all: readonly Series[]): Series[] {
  const perFolder = new Map<string, number>();
  const pathOf = ({ folders }: Series) => folders.join('/');
  for (const series of all) perFolder.set(pathOf(series), (perFolder.get(pathOf(series)) ?? 0) + 1);
  const alike = new Map<string, Set<Series>>();
  for (const series of all) {
    const { folders, files, affix } = series;
    const isCase =
      affix === '' && perFolder.get(pathOf(series)) === 1 && files.length > 1 && files.length <= CASE_FILES;
    const folder = folders.at(-1);
    if (!isCase || folder === undefined || meaningOf(tokensOf(folder))) continue;
    if (!files.every(({ stem }) => /^[^\p{N}]*\p{L}[^\p{N}]*$/u.test(stem))) continue;
    const key = `${folders.slice(0, -1).join('/')}\n${files
      .map(({ stem }) => stem)
      .sort()
      .join('\n')}`;
    alike.set(key, (alike.get(key) ?? new Set()).add(series));
  }
  // `scans/a`, `outlines/a` recurs too; folders of cases are numbered, or more than the files in each.
  const areCases = (group: ReadonlySet<Series>) =>
    group.size > 1 &&
    [...group].every(
      ({ folders, files }) => /\p{N}/u.test(folders.at(-1) ?? '') || group.size > Math.max(2, files.length),
    );
  const cases = new Set([...alike.values()].filter(areCases).flatMap((group) => [...group]));
  return all.flatMap((series) => {
    if (!cases.has(series)) return [series];
    const core = folderCore(series.folders);
    return series.files.map(
      (file): Series => ({
        ...series,
        affix: file.stem,
        by: 'shape',
        files: [{ ...file, cores: [core], bare: core }],
      }),
    );
  });
}
