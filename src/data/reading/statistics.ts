import type { Raster } from '../decode/raster.ts';
import type { ImageFormat } from '../types.ts';
import { areManyVocColours, isVocPalette } from '../voc-colours.ts';
import type { ValueKind } from './bins.ts';
import { levelsOf } from './levels.ts';
import { type MaskTable, tableOf } from './mask-table.ts';
import type { MaskSamples } from './reading.ts';
import { emptyTable, mergeTable, type Table, type ValueFacts } from './table.ts';
import { colourChannels, isGrey, paletteColour, pixelsOf, type Values, valuesOf } from './values.ts';

/** What samples may be looked at: those of a reading, and colours with what is transparent apart. */
export type View = MaskSamples | 'visible';

/** Whose colours an image has that shows through, or a palette. */
export const kindOf = (view: View): ValueKind =>
  view === 'grey' || view === 'alpha'
    ? 'number'
    : view === 'colour' || view === 'visible'
      ? 'colour'
      : 'name';

/** What is known of one mask file. */
export interface MaskFacts {
  readonly file: string;
  readonly format: ImageFormat;
  readonly lossy: boolean;
  readonly isWhiteZero: boolean;
  readonly channels: number;
  /** The samples that the mask is in by its form. */
  readonly natural: 'grey' | 'palette' | 'colour' | 'channels';
  readonly views: ReadonlyMap<View, MaskTable>;
  /** Colours of the palette indices that occur. */
  readonly palette: ReadonlyMap<number, number> | null;
  readonly alpha: { readonly least: number; readonly most: number } | null;
  /** Whether more than one channel is set somewhere, of masks in channels. */
  readonly hasOverlap: boolean;
}

/** Looks at a mask, turned upright or not: nothing here depends on it. */
export function maskFacts(raster: Raster, file: string): MaskFacts {
  const { width, height, lossy, palette, format } = raster;
  const views = new Map<View, MaskTable>();
  const look = (view: View, values: Values) => {
    // Colours of VOC stand for numbers: neighbours that are alike say nothing.
    const isNames = view === 'colour' && !lossy && areNames(values, palette);
    const kind = isNames ? 'name' : kindOf(view);
    const table = tableOf({ width, height, values, kind }, lossy, file);
    views.set(view, table);
    return table;
  };
  const values = (samples: MaskSamples, transparentUnder: number | null = null) =>
    valuesOf(raster, { samples, transparentUnder });
  const natural = naturalSamples(raster);
  const base = {
    file,
    format,
    lossy,
    isWhiteZero: raster.isWhiteZero ?? false,
    channels: colourChannels(raster),
    views,
    palette: palette ? usedColours(raster, palette) : null,
    alpha: raster.hasAlpha ? spread(values('alpha')) : null,
    hasOverlap: natural === 'channels' && overlaps(raster),
  };
  if (palette) {
    const colours = look('colour', values('colour'));
    if (colours.isFuzzy) return { ...base, natural: 'colour' };
    look('palette', values('palette'));
    return { ...base, natural };
  }
  look(natural, values(natural));
  if (base.alpha && base.alpha.least < opaque(raster)) {
    look('alpha', values('alpha'));
    look('visible', values('colour', transparentUnder(base.alpha.most)));
  }
  return { ...base, natural };
}

const areNames = (colours: Values, palette: Uint8Array | undefined) =>
  palette ? isVocPalette(palette) : areManyVocColours(colours);

const opaque = ({ bits }: Raster) => 2 ** bits - 1;

/** Under half of the largest alpha, and where that is 0. */
export const transparentUnder = (most: number): number => Math.max(1, Math.ceil(most / 2));

function naturalSamples(raster: Raster): MaskFacts['natural'] {
  if (raster.palette) return 'palette';
  if (isGrey(raster)) return 'grey';
  return colourChannels(raster) === 3 ? 'colour' : 'channels';
}

function usedColours({ data }: Raster, palette: Uint8Array): Map<number, number> {
  const used = new Map<number, number>();
  for (let i = 0; i < data.length; i++) {
    const index = data[i] as number;
    if (!used.has(index)) used.set(index, paletteColour(palette, index));
  }
  return used;
}

function spread(values: Values): { least: number; most: number } {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return { least, most };
}

function overlaps(raster: Raster): boolean {
  const { data, channels } = raster;
  const of = colourChannels(raster);
  for (let i = 0, at = 0; i < pixelsOf(raster); i++, at += channels) {
    let set = 0;
    for (let c = 0; c < of; c++) if (data[at + c] !== 0) set++;
    if (set > 1) return true;
  }
  return false;
}

/** A view of all masks that have it. */
export interface ViewStatistics {
  /** Masks of plain values, and their files. */
  readonly plain: Table;
  readonly plainFiles: string[];
  /** Masks whose values are mixed at their edges. */
  readonly fuzzy: Table;
  readonly fuzzyFiles: string[];
  /** Masks of so many values that nothing is meant by them. */
  readonly photoFiles: string[];
  /** Masks of two values of which one lies around the other, and that value. */
  readonly frames: Frame[];
}

/** A mask whose edges one value holds, while the other touches none. */
export interface Frame {
  readonly file: string;
  readonly value: number;
}

/** The value that lies around the only other one of a mask; undefined where there is none. */
function frameOf(table: Table, values: readonly Pick<ValueFacts, 'value' | 'edge' | 'edgeMasks'>[]) {
  const [a, b] = values;
  if (!a || !b || values.length !== 2) return undefined;
  const [outer, inner] = a.edge > b.edge ? [a, b] : [b, a];
  const isFrame = outer.edgeMasks > 0 && outer.edge >= 0.9 * table.edge && inner.edge <= 0.02 * table.edge;
  return isFrame ? outer.value : undefined;
}

/** Statistics of the masks of one role; their memory grows with nothing but the masks' paths. */
export class MaskStatistics {
  masks = 0;
  readonly natural: Record<MaskFacts['natural'], number> = { grey: 0, palette: 0, colour: 0, channels: 0 };
  readonly views = new Map<View, ViewStatistics>();
  /** Colours of palette indices; null where two files disagree. */
  palette: Map<number, number> | null = new Map();
  /** Masks with alpha, those with transparent pixels, and the largest alpha. */
  readonly alpha = { masks: 0, transparent: 0, most: 0 };
  readonly lossy: { readonly formats: Set<ImageFormat>; readonly files: string[] } = {
    formats: new Set(),
    files: [],
  };
  readonly whiteZeroFiles: string[] = [];
  readonly overlapFiles: string[] = [];
  channels = 0;

  add(facts: MaskFacts): void {
    this.masks++;
    this.natural[facts.natural]++;
    this.channels = Math.max(this.channels, facts.channels);
    if (facts.lossy) {
      this.lossy.formats.add(facts.format);
      this.lossy.files.push(facts.file);
    }
    if (facts.isWhiteZero) this.whiteZeroFiles.push(facts.file);
    if (facts.hasOverlap) this.overlapFiles.push(facts.file);
    for (const [index, colour] of facts.palette ?? []) {
      const known = this.palette?.get(index);
      if (known === undefined) this.palette?.set(index, colour);
      else if (known !== colour) this.palette = null;
    }
    if (facts.alpha) {
      this.alpha.masks++;
      if (facts.views.has('alpha')) this.alpha.transparent++;
      this.alpha.most = Math.max(this.alpha.most, facts.alpha.most);
    }
    for (const [view, table] of facts.views) this.addView(view, table, facts.file);
  }

  view(view: View): ViewStatistics {
    let known = this.views.get(view);
    if (!known) {
      known = {
        plain: emptyTable(),
        plainFiles: [],
        fuzzy: emptyTable(),
        fuzzyFiles: [],
        photoFiles: [],
        frames: [],
      };
      this.views.set(view, known);
    }
    return known;
  }

  private addView(view: View, table: MaskTable, file: string): void {
    const all = this.view(view);
    const levels = table.isFuzzy ? levelsOf(table, kindOf(view)) : [...table.values.values()];
    if (levels === null) {
      all.photoFiles.push(file);
      return;
    }
    mergeTable(table.isFuzzy ? all.fuzzy : all.plain, table);
    (table.isFuzzy ? all.fuzzyFiles : all.plainFiles).push(file);
    const frame = frameOf(table, levels);
    if (frame !== undefined) all.frames.push({ file, value: frame });
  }
}
