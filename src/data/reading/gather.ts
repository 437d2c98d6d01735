/** Which samples of a role's masks are read, and what is known of their values. */
import { addBin, type BinFacts, type ValueKind } from './bins.ts';
import { levelsOf } from './levels.ts';
import { type MaskSamples, TRANSPARENT } from './reading.ts';
import {
  kindOf,
  type MaskStatistics,
  transparentUnder,
  type View,
  type ViewStatistics,
} from './statistics.ts';
import { emptyTable, mapValues, mergeTable, type Table } from './table.ts';

/** The masks of a role as their samples are read. */
export interface Gathered {
  readonly samples: MaskSamples;
  readonly transparentUnder: number | null;
  readonly kind: ValueKind;
  readonly statistics: ViewStatistics;
  /** Why these samples, where it is not plain. */
  readonly evidence: readonly string[];
}

/** Colours that are told apart beside transparency; more are an image that was cut out. */
const MOST_COLOURS = 32;

/** Chooses samples by all masks of a role. */
export function gather(stats: MaskStatistics): Gathered {
  return withTransparency(stats) ?? natural(stats);
}

/** Masks in which transparency means something. */
function withTransparency(stats: MaskStatistics): Gathered | undefined {
  if (stats.alpha.transparent === 0) return undefined;
  const visible = stats.view('visible');
  const isTransparent = (value: number) => value === TRANSPARENT;
  const plainColours = [...visible.plain.values.keys()].filter((value) => !isTransparent(value));
  const seen = [...visible.plain.values.keys()].some(isTransparent);
  const levels = visible.fuzzyFiles.length > 0 ? levelsOf(visible.fuzzy, 'colour') : [];
  const colours = new Set([
    ...plainColours,
    ...(levels ?? []).map(({ value }) => value).filter((value) => !isTransparent(value)),
  ]);
  const isCutOut =
    levels === null ||
    visible.photoFiles.length > 0 ||
    colours.size > MOST_COLOURS ||
    (colours.size === 0 && visible.fuzzyFiles.length > 0);
  if (!isCutOut && !seen && visible.fuzzyFiles.length === 0) return undefined;
  if (isCutOut || colours.size <= 1) {
    const why = isCutOut
      ? 'what is not transparent shows an image'
      : 'all that is not transparent has one colour';
    return {
      samples: 'alpha',
      transparentUnder: null,
      kind: 'number',
      statistics: stats.view('alpha'),
      evidence: [`Alpha is the mask: ${why}.`],
    };
  }
  return {
    samples: 'colour',
    transparentUnder: transparentUnder(stats.alpha.most),
    kind: 'colour',
    statistics: visible,
    evidence: ['What is transparent has no colour.'],
  };
}

function natural(stats: MaskStatistics): Gathered {
  const { grey, palette, colour, channels } = stats.natural;
  if (channels > Math.max(grey + palette, colour)) return plainly('channels', stats.view('channels'));
  const greys = stats.view('grey');
  const isIndexed =
    stats.palette !== null &&
    [...greys.plain.values.keys()].every((value) => stats.palette?.has(value)) &&
    greys.fuzzyFiles.length === 0;
  if (colour === 0 && palette > 0 && isIndexed) {
    return plainly('palette', merged([stats.view('palette'), greys]));
  }
  if (colour === 0 && palette === 0) return plainly('grey', greys);
  // Views of palettes as colours are those of colour masks too.
  const all = merged([stats.view('colour'), asColours(greys)]);
  return isAllGrey(all) ? plainly('grey', asGreys(all)) : plainly('colour', all);
}

const plainly = (samples: View & MaskSamples, statistics: ViewStatistics): Gathered => ({
  samples,
  transparentUnder: null,
  kind: kindOf(samples),
  statistics,
  evidence: [],
});

function merged(views: readonly ViewStatistics[]): ViewStatistics {
  const [plain, fuzzy] = [emptyTable(), emptyTable()];
  for (const view of views) {
    mergeTable(plain, view.plain);
    mergeTable(fuzzy, view.fuzzy);
  }
  return {
    plain,
    fuzzy,
    plainFiles: views.flatMap(({ plainFiles }) => plainFiles),
    fuzzyFiles: views.flatMap(({ fuzzyFiles }) => fuzzyFiles),
    photoFiles: views.flatMap(({ photoFiles }) => photoFiles),
    frames: views.flatMap(({ frames }) => frames),
  };
}

const asColour = (grey: number) => Math.min(255, Math.max(0, Math.round(grey))) * 0x10101;

function asColours(view: ViewStatistics): ViewStatistics {
  const bins = (bin: number) => (bin < 0 ? bin : (bin >> 1) * 0x421);
  return {
    ...view,
    plain: mapValues(view.plain, asColour),
    fuzzy: mapBins(view.fuzzy, bins, asColour),
    frames: view.frames.map(({ file, value }) => ({ file, value: asColour(value) })),
  };
}

const isGreyColour = (value: number) =>
  value !== TRANSPARENT && value >> 16 === (value & 255) && ((value >> 8) & 255) === (value & 255);

/** Whether all that is meant is grey, as in an RGB file of black and white that a codec tinted. */
function isAllGrey({ plain, fuzzy }: ViewStatistics): boolean {
  const levels = fuzzy.masks > 0 ? levelsOf(fuzzy, 'colour') : [];
  if (levels === null || colouredShare(fuzzy) > MOST_TINTED) return false;
  return [...plain.values.keys(), ...levels.map(({ value }) => value)].every(isGreyColour);
}

/** Share of pixels of a colour in what a codec tinted at most: more is a cut-out on black or white. */
const MOST_TINTED = 0.01;
/** Ranges between the channels of a tinted grey. */
const TINT = 3;

function colouredShare({ bins, pixels }: Table): number {
  let coloured = 0;
  for (const [bin, one] of bins) {
    const channels = [bin >> 10, (bin >> 5) & 31, bin & 31];
    if (Math.max(...channels) - Math.min(...channels) > TINT) coloured += one.pixels;
  }
  return coloured / Math.max(1, pixels);
}

function asGreys(view: ViewStatistics): ViewStatistics {
  const bins = (bin: number) => (bin < 0 ? bin : 2 * (bin >> 10));
  return {
    ...view,
    plain: mapValues(view.plain, (value) => value & 255),
    fuzzy: mapBins(view.fuzzy, bins, (value) => value >> 16),
    frames: view.frames.map(({ file, value }) => ({ file, value: value & 255 })),
  };
}

function mapBins(table: Table, map: (bin: number) => number, value: (mode: number) => number): Table {
  const bins = new Map<number, BinFacts>();
  for (const [bin, one] of table.bins) addBin(bins, map(bin), { ...one, mode: value(one.mode) });
  return { ...table, bins, scale: 255 };
}
