/** From statistics of all masks of a role to their reading, with the evidence for it. */
import { IGNORED } from '../objects.ts';
import { notice, refusal } from '../outcome.ts';
import type { Refusal } from '../types.ts';
import { distance } from './bins.ts';
import { type Gathered, gather } from './gather.ts';
import { levelsOf } from './levels.ts';
import {
  type MaskReading,
  type MaskRole,
  type MaskSamples,
  type ReadingChanges,
  settingText,
  TRANSPARENT,
  valueText,
} from './reading.ts';
import type { MaskStatistics } from './statistics.ts';
import type { Table, ValueFacts } from './table.ts';

/** What was found out of the masks of one role. */
export interface InferredReading {
  /** Null when the masks cannot be read: a refusal in `remarks` says why. */
  readonly reading: MaskReading | null;
  /** A sentence for each part of the reading: what, and how it is known. */
  readonly evidence: readonly string[];
  /** What is not certain, and masks that are left out. */
  readonly remarks: readonly Refusal[];
  /** The values, or levels, that occur, those of most pixels first; none where the samples are not read. */
  readonly values: readonly ValueShare[];
}

/** A value that occurs, with its share of all pixels, 0–1. */
export interface ValueShare {
  readonly value: number;
  readonly share: number;
}

/** A value, or a level, and what is known of it. */
interface Known {
  readonly value: number;
  readonly pixels: number;
  readonly edge: number;
  readonly masks: number;
  readonly edgeMasks: number;
  /** Of masks of plain values alone. */
  readonly facts: ValueFacts | null;
}

/** The reading of a role's masks. */
export function inferReading(
  stats: MaskStatistics,
  role: MaskRole,
  changes: ReadingChanges = {},
): InferredReading {
  return new Inference(stats, role, changes).result();
}

/** The values that fill a mask of one class: the usual ways to write "yes". */
const YES = new Set([1, 255, 65_535]);
/** Values that mean "no class" in many formats. */
const VOID = new Set([254, 255, 65_534, 65_535]);
/** Class ids under which 255 beside them is no class. */
const SMALL_IDS = 64;
/** Values that a person is offered. */
const MOST_CHOICES = 64;
/** Levels of a lossy file under which its values were ids and not greys. */
const LEAST_LOSSY_LEVEL = 32;

/** One inference: what is certain is evidence, what is not is a remark. */
class Inference {
  private readonly evidence: string[] = [];
  private readonly remarks: Refusal[] = [];
  private readonly gathered: Gathered;
  private readonly samples: MaskSamples;
  private known: readonly Known[] = [];

  constructor(
    private readonly stats: MaskStatistics,
    private readonly role: MaskRole,
    private readonly changes: ReadingChanges,
  ) {
    this.gathered = gather(stats);
    this.samples = this.gathered.samples;
    this.evidence.push(...this.gathered.evidence);
  }

  result(): InferredReading {
    const reading = this.read();
    const values = this.known
      .map((one) => ({ value: one.value, share: this.share(one) }))
      .sort((a, b) => b.share - a.share)
      .slice(0, MOST_CHOICES);
    return { reading, evidence: this.evidence, remarks: this.remarks, values };
  }

  private read(): MaskReading | null {
    this.refuseOthers();
    if (this.stats.whiteZeroFiles.length > 0) this.whiteZero();
    if (this.changes.threshold !== undefined) return this.withThreshold(this.changes.threshold);
    const found = this.values();
    if (found === null) return null;
    const { known, levels } = found;
    this.known = known;
    if (known.length === 0) return null;
    const chosen = this.chosenValues(known);
    if (chosen === null) return null;
    const background = this.background(known);
    const ignored = this.ignored(known, background);
    const foreground = known
      .map(({ value }) => value)
      .filter((value) => !same(value, background) && !ignored.includes(value));
    if (!this.canLabel(foreground, levels)) return null;
    const meaning = this.meaning(known, foreground, levels);
    const threshold = this.threshold(levels);
    return {
      samples: this.samples,
      background,
      ignored,
      levels,
      threshold,
      meaning,
      zeroLabel: zeroLabel(background, foreground),
      transparentUnder: this.gathered.transparentUnder,
    };
  }

  /** The values that are meant, and the levels where others are beside them. */
  private values(): { known: Known[]; levels: readonly number[] | null } | null {
    const { statistics, kind } = this.gathered;
    const { plain, fuzzy } = statistics;
    const plainKnown = [...plain.values.values()].map((facts): Known => ({ ...facts, facts }));
    if (fuzzy.masks === 0) return { known: plainKnown, levels: null };
    const lossy = this.lossyText();
    if (this.role === 'instances') {
      const what = lossy ? `a lossy ${lossy}, so its object ids` : 'smoothed, so its object ids';
      this.refuseFiles(
        'data/mask-lossy',
        statistics.fuzzyFiles,
        `is ${what} cannot be recovered`,
        'Export it as PNG, without smoothing.',
      );
      return plain.masks > 0 ? { known: plainKnown, levels: null } : null;
    }
    const levels = levelsOf(fuzzy, kind);
    const range = kind === 'colour' ? 255 : fuzzy.scale;
    const isNear = (value: number) =>
      (levels ?? []).some((level) => distance(level.value, value, kind) <= 0.04 * range);
    const fits = plainKnown.every(({ value }) => Number.isNaN(value) || isNear(value));
    if (levels !== null && fits && !this.isOfIds(levels, fuzzy)) {
      this.snapped(levels.map(({ value }) => value));
      return {
        known: levels.map((level): Known => ({ ...level, facts: null })),
        levels: levels.map(({ value }) => value),
      };
    }
    if (plain.masks >= fuzzy.masks && plain.masks > 0) {
      const values = this.list(plainKnown.map(({ value }) => value));
      this.refuseFiles(
        lossy ? 'data/mask-lossy' : 'data/mask-unlike-others',
        statistics.fuzzyFiles,
        `${lossy ? `is a lossy ${lossy}` : 'has smoothed edges'}, while the other masks hold the plain values ${values}, so that its values cannot be told`,
        'Export it from the original as PNG, without smoothing and without loss.',
      );
      return { known: plainKnown, levels: null };
    }
    if (levels !== null && !fits && !this.isOfIds(levels, fuzzy)) {
      this.refuseFiles(
        'data/mask-unlike-others',
        statistics.plainFiles,
        `holds other values than ${this.list(levels.map(({ value }) => value))}, which the other masks, smoothed or lossy, are near to`,
        'Put it into a dataset of its own.',
      );
      this.snapped(levels.map(({ value }) => value));
      return {
        known: levels.map((level): Known => ({ ...level, facts: null })),
        levels: levels.map(({ value }) => value),
      };
    }
    this.refuseFiles(
      'data/mask-lossy',
      [...statistics.fuzzyFiles, ...statistics.plainFiles],
      lossy
        ? `is a lossy ${lossy}, in which values as close as the ids 0, 1 and 2 cannot be told apart any more`
        : 'is smoothed, and its values lie too close together to be told apart',
      'Export it from the original as PNG, which loses nothing.',
    );
    return null;
  }

  /** Whether lossy masks held ids: values so close to each other that they are mixed. */
  private isOfIds(levels: readonly Known0[], fuzzy: Table): boolean {
    if (this.stats.lossy.files.length === 0) return false;
    const top = Math.max(
      ...levels.map(({ value }) => (this.gathered.kind === 'colour' ? brightest(value) : value)),
    );
    if (levels.length > 1) return top < LEAST_LOSSY_LEVEL;
    let off = 0;
    for (const { offMode } of fuzzy.bins.values()) off += offMode;
    return top < LEAST_LOSSY_LEVEL && off > 0.002 * fuzzy.pixels;
  }

  private lossyText(): string {
    return [...this.stats.lossy.formats].map((format) => (format === 'webp' ? 'WebP' : 'JPEG')).join(' and ');
  }

  private snapped(levels: readonly number[]): void {
    const { fuzzyFiles } = this.gathered.statistics;
    const lossy = this.lossyText();
    const how = lossy ? `lossy ${lossy} changed` : 'smoothed edges or lost precision mixed';
    const threshold = this.threshold(levels);
    const count = `${fuzzyFiles.length} of ${this.stats.masks} masks`;
    if (threshold !== null) {
      const what = `In ${count} ${how} the values between ${this.list(levels)}: they are read with a threshold of ${threshold}.`;
      this.evidence.push(what);
      this.look(
        'data/mask-smoothed',
        what,
        `Look at the edges; choose another threshold with --threshold or "threshold" in dataset.json, or in the preview.`,
      );
      return;
    }
    const what = `In ${count} ${how} the values: each pixel counts as the nearest of ${this.list(levels)}.`;
    this.evidence.push(what);
    this.look(
      'data/mask-snapped',
      what,
      'Look at the edges, and export the masks from the original as PNG if they are wrong.',
    );
  }

  /** Halfway between two levels that are numbers. */
  private threshold(levels: readonly number[] | null): number | null {
    if (levels?.length !== 2 || this.gathered.kind !== 'number') return null;
    const [low = 0, high = 0] = levels;
    const middle = (low + high) / 2;
    return this.gathered.statistics.fuzzy.scale <= 1 ? middle : Math.ceil(middle);
  }

  /** A reading with a person's threshold, which needs no more evidence. */
  private withThreshold(threshold: number): MaskReading | null {
    if (this.gathered.kind !== 'number') {
      this.refuseAll(
        'data/reading-threshold',
        'A threshold needs grey masks or alpha, and these are colours or indices',
        'Leave out --threshold, or save the masks as grey.',
      );
      return null;
    }
    const background = this.changes.background ?? 0;
    this.evidence.push(
      `${threshold} is the threshold, as you chose: values on the side of ${background} are background.`,
    );
    return {
      samples: this.samples,
      background,
      ignored: this.changes.ignored ?? [],
      levels: null,
      threshold,
      meaning: this.role === 'masks' ? 'foreground' : 'classes',
      zeroLabel: 0,
      transparentUnder: null,
    };
  }

  /** Values that a person chose; null, with a refusal, when one does not occur. */
  private chosenValues(known: readonly Known[]): true | null {
    const { background, ignored = [] } = this.changes;
    const chosen = [...(background === undefined || background === null ? [] : [background]), ...ignored];
    const missing = chosen.find((value) => !known.some((one) => same(one.value, value)));
    if (missing === undefined) return true;
    const values = this.list(known.map(({ value }) => value));
    this.refuseAll(
      'data/reading-no-such-value',
      `${this.text(missing)} is no value of these masks: they hold ${values}`,
      `Choose among ${known
        .slice(0, 8)
        .map(({ value }) => settingText(value, this.samples))
        .join(', ')}.`,
    );
    return null;
  }

  private background(known: readonly Known[]): number | null {
    const { changes } = this;
    if (changes.background !== undefined) {
      this.evidence.push(`${this.text(changes.background)} is the background, as you chose.`);
      return changes.background;
    }
    const usual = this.usualBackground(known);
    const usualKnown = known.find(({ value }) => same(value, usual));
    const best = known.reduce((a, b) => (this.edgeShare(b) > this.edgeShare(a) ? b : a));
    if (usualKnown && best === usualKnown) return this.certain(usualKnown);
    if (usualKnown) return this.againstUsual(usualKnown, best, known);
    if (this.fillsFrame(best) && known.length > 1) {
      if (this.samples === 'colour' && best.value === 0xffffff) return this.certain(best);
      this.uncertain(best);
      return best.value;
    }
    return this.noBackground(usual, known);
  }

  /** 0, black, what is transparent, or NaN. */
  private usualBackground(known: readonly Known[]): number {
    const has = (value: number) => known.some((one) => same(one.value, value));
    if (this.samples === 'colour' && has(TRANSPARENT)) return TRANSPARENT;
    if (this.samples === 'palette') {
      const isBlack = (index: number) => this.stats.palette?.get(index) === 0;
      const black = known.find(({ value }) => value !== 0 && isBlack(value));
      return black && !isBlack(0) ? black.value : 0;
    }
    return !has(0) && has(Number.NaN) ? Number.NaN : 0;
  }

  private certain(one: Known): number {
    const why = one.value === 0 || this.samples !== 'palette' ? '' : ', which the palette shows black';
    this.evidence.push(`${this.value(one)} is background${why}: ${this.shares(one)}.`);
    return one.value;
  }

  private uncertain(one: Known): void {
    const what = `${this.value(one)} is taken as background: ${this.shares(one)}.`;
    this.evidence.push(what);
    this.look('data/reading-background', what, this.otherBackground());
  }

  /** 0 occurs, but another value fills the frame. */
  private againstUsual(usual: Known, best: Known, known: readonly Known[]): number {
    const isFilled = this.fillsFrame(best) && this.share(best) > this.share(usual);
    if (known.length === 2) {
      if (isFilled && this.edgeShare(usual) <= 0.02 && best.edgeMasks >= 0.9 * this.stats.masks) {
        const what = `${this.value(best)} is taken as background and ${this.text(usual.value)} as foreground, inverted: ${this.shares(best)}.`;
        this.evidence.push(what);
        this.look('data/reading-background', what, this.otherBackground());
        return best.value;
      }
      if (isFilled && this.edgeShare(best) >= 0.9) this.doubtful(usual, best);
      return this.certain(usual);
    }
    if (
      isFilled &&
      (this.isStripe(usual) ||
        this.isRim(
          usual,
          known.filter((one) => one !== best),
          best.value,
        ))
    ) {
      this.uncertain(best);
      return best.value;
    }
    if (isFilled && this.share(best) >= 0.75 && this.edgeShare(best) >= 0.75) this.doubtful(usual, best);
    return this.certain(usual);
  }

  private doubtful(usual: Known, best: Known): void {
    this.look(
      'data/reading-background',
      `${this.value(usual)} is taken as background, although ${this.text(best.value)} may be it: ${this.shares(best)}.`,
      `If ${this.text(best.value)} is the background, say so with --background ${settingText(best.value, this.samples)}, "background" in dataset.json, or in the preview.`,
    );
  }

  /** No value is background by its place. */
  private noBackground(usual: number, known: readonly Known[]): number | null {
    const [only] = known;
    if (known.length === 1 && only && this.stats.masks > 0) {
      const what = `${this.text(only.value)} is the only value of these masks, so that all of every image is foreground and nothing background.`;
      this.evidence.push(what);
      this.look(
        'data/reading-background',
        what,
        `If it is the background, say so with --background ${settingText(only.value, this.samples)}.`,
      );
      return null;
    }
    const what = `No value is background: ${this.text(usual)} does not occur, and none of ${this.list(known.map(({ value }) => value))} surrounds the others, so that each is a class.`;
    this.evidence.push(what);
    this.look('data/reading-background', what, this.otherBackground());
    return null;
  }

  private otherBackground(): string {
    return 'If another value is the background, choose it with --background, "background" in dataset.json, or in the preview.';
  }

  /** A value that covers much and lies around the others. */
  private fillsFrame(one: Known): boolean {
    return this.edgeShare(one) >= 0.6 && this.share(one) >= 0.3 && one.masks >= 0.6 * this.stats.masks;
  }

  /** Whether a value lies in rectangles at the edge of the image, as where there was nothing to look at. */
  private isStripe({ facts, value }: Known): boolean {
    if (!facts || Number.isNaN(value)) return false;
    return facts.parts > 0 && facts.inland === 0 && facts.pixels >= 0.95 * facts.boxPixels;
  }

  private ignored(known: readonly Known[], background: number | null): number[] {
    const { ignored } = this.changes;
    if (ignored) {
      if (ignored.length > 0) this.evidence.push(`${this.list(ignored)} is ignored, as you chose.`);
      return [...ignored];
    }
    const out: number[] = [];
    const ignore = (value: number, why: string) => {
      const what = `${this.text(value)} is ignored: ${why}.`;
      out.push(value);
      this.evidence.push(what);
      this.look(
        'data/reading-ignored',
        what,
        `If it stands for something, choose what is ignored with --ignore (none, or values), "ignore" in dataset.json, or in the preview.`,
      );
    };
    const others = known.filter(({ value }) => !same(value, background));
    for (const { value } of others) {
      if (Number.isNaN(value)) ignore(value, 'it is no number');
      else if (value === IGNORED && this.role !== 'masks') {
        out.push(value);
        this.evidence.push(`${value} is ignored.`);
      } else if (value < 0) ignore(value, 'negative values are no class');
    }
    if (this.role === 'instances') return out;
    if (background !== 0 && background !== null) {
      const zero = others.find(({ value }) => value === 0);
      if (zero && others.length > 1 && this.samples !== 'colour' && this.isStripe(zero))
        ignore(0, 'it lies in rectangles at the edge of the image, where there is no data');
    }
    const left = () => others.filter(({ value }) => !out.includes(value));
    for (const one of others) {
      if (!out.includes(one.value) && left().length > 1 && this.isRim(one, left(), background)) {
        ignore(
          one.value,
          `it lies only along borders of the others, at most ${2 * (one.facts?.depth ?? 0)} pixels wide`,
        );
      }
    }
    const isNumber = this.samples === 'grey' || this.samples === 'palette';
    for (const one of left()) {
      const rest = left().filter((other) => other !== one);
      const isVoid =
        isNumber &&
        VOID.has(one.value) &&
        rest.length > 0 &&
        rest.every(({ value }) => value <= SMALL_IDS) &&
        (one.facts?.aloneMasks ?? 0) < one.masks;
      if (isVoid)
        ignore(
          one.value,
          `beside the small class ids ${this.list(rest.map(({ value }) => value))} it usually means "no class"`,
        );
    }
    return out;
  }

  /** Whether a value is a rim: thin, and between each of the others and the background. */
  private isRim({ value, facts }: Known, others: readonly Known[], background: number | null): boolean {
    if (!facts || facts.depth === 0 || facts.parts === 0) return false;
    const isTrimap = this.samples === 'grey' && value === 3 && others.length === 2;
    if (facts.depth > (VOID.has(value) || isTrimap ? 12 : 3)) return false;
    const rest = others.filter((other) => other.value !== value);
    if (rest.length === 0 || background === null) return false;
    let all = 0;
    let direct = 0;
    for (const other of rest) {
      if (!other.facts || other.facts.depth <= facts.depth) return false;
      for (const [neighbour, pairs] of other.facts.contacts) {
        if (neighbour === value || same(neighbour, background)) all += pairs;
        if (same(neighbour, background)) direct += pairs;
      }
    }
    return all > 0 && direct <= 0.1 * all && (facts.contacts.get(background) ?? 0) > 0;
  }

  /** Labels are whole numbers; without them the masks are refused. */
  private canLabel(foreground: readonly number[], levels: readonly number[] | null): boolean {
    if (foreground.length <= 1 && this.role === 'masks') return true;
    const odd = foreground.find((value) => !Number.isInteger(value) || value > 0x7fffffff);
    if (odd === undefined || (levels?.length === 2 && this.role === 'masks')) return true;
    this.refuseAll(
      'data/mask-fractions',
      `These masks contain ${odd > 0x7fffffff ? 'values' : 'fractions'} such as ${odd}, which are no labels`,
      'Export them as 8-bit or 16-bit PNG of whole numbers, or give a --threshold from which a pixel is foreground.',
    );
    return false;
  }

  private meaning(
    known: readonly Known[],
    foreground: readonly number[],
    levels: readonly number[] | null,
  ): MaskReading['meaning'] {
    const { instances } = this.changes;
    const values = this.list(foreground);
    if (this.role === 'instances' || instances === true) {
      const why = instances ? ', as you chose' : '';
      this.evidence.push(`Each value is an object${why}.`);
      return 'objects';
    }
    if (this.role === 'labels') {
      this.evidence.push(`${values} ${foreground.length === 1 ? 'is a class' : 'are classes'}.`);
      return 'classes';
    }
    if (foreground.length === 0) return 'foreground';
    if (foreground.length === 1) {
      this.evidence.push(`${values} is foreground: pixels that touch are one object.`);
      return 'foreground';
    }
    const ids = levels || instances === false ? null : this.idsText();
    if (ids) {
      this.evidence.push(`Each value is an object: ${ids}.`);
      return 'objects';
    }
    const isAlone = known.every(
      ({ value, facts, masks }) =>
        !foreground.includes(value) || (facts !== null && facts.aloneMasks === masks),
    );
    if (isAlone && this.samples !== 'colour' && foreground.every((value) => YES.has(value))) {
      this.evidence.push(`${values} are foreground: every mask holds only one of them.`);
      return 'foreground';
    }
    this.evidence.push(`${values} are classes: pixels of one value that touch are one object.`);
    if (!levels) this.lookAtStrangers(known, foreground);
    return 'classes';
  }

  /** A 0/255 mask among label maps. */
  private lookAtStrangers(known: readonly Known[], foreground: readonly number[]): void {
    if (this.samples === 'colour') return;
    for (const { value, facts, masks } of known) {
      if (!facts || !foreground.includes(value) || value < 128 || facts.aloneMasks < masks) continue;
      const rest = foreground.filter((other) => other !== value);
      if (rest.length === 0 || rest.some((other) => other > SMALL_IDS)) continue;
      const where = masks === 1 ? facts.firstFile : `${masks} masks, ${facts.firstFile} the first of them,`;
      this.look(
        'data/mask-unlike-others',
        `${value} occurs only in ${where} and alone there, while the other masks hold the classes ${this.list(rest)}: it is taken as a class of its own.`,
        `Write the class that is meant into that mask, or leave ${value} out with --ignore ${value} or "ignore" in dataset.json.`,
        facts.firstFile,
      );
    }
  }

  /** Why values are ids of objects; null when they are not. */
  private idsText(): string | null {
    const { ids, values } = this.gathered.statistics.plain;
    if (ids.masks === 0 || ids.most < 5) return null;
    const parts = ids.parts / ids.count;
    if (parts > 1.25) return null;
    const own = [...values.values()].filter((one) => one.value !== 0);
    const rare = own.filter(({ masks }) => masks === 1).length;
    const isDense = ids.count >= 0.8 * ids.highest && (ids.least < ids.most || ids.most >= 16);
    const isDrawn = ids.masks > 1 && rare >= 0.8 * own.length && own.length >= 16;
    if (!isDense && !isDrawn) return null;
    const spread = ids.least === ids.most ? `${ids.most}` : `${ids.least} to ${ids.most}`;
    return `a mask has ${spread} of them, each in one part (${parts.toFixed(2)} on average)`;
  }

  private whiteZero(): void {
    const files = this.stats.whiteZeroFiles;
    const what = `${this.filesText(files)} say WhiteIsZero (photometric interpretation 0): the values are taken as they are stored, where viewers show them inverted.`;
    this.evidence.push(what);
    this.look(
      'data/mask-white-is-zero',
      what,
      'Look at the preview; if foreground and background are exchanged, choose the other value with --background, "background" in dataset.json, or in the preview.',
      files.length === 1 ? files[0] : undefined,
    );
  }

  /** Masks that are none, and those in other samples than most. */
  private refuseOthers(): void {
    const { photoFiles } = this.gathered.statistics;
    for (const file of photoFiles) {
      this.remarks.push(
        refusal(
          'data/mask-looks-like-photo',
          file,
          'This mask has many colours or greys that blend into each other, like a photo or a preview with an overlay, so their meaning cannot be determined.',
          'Export the mask without smoothing: one plain colour, or one number, for each class or object.',
        ),
      );
    }
    const channels = this.stats.views.get('channels');
    if (this.samples !== 'channels') {
      if (channels)
        this.refuseFiles(
          'data/mask-channels',
          [...channels.plainFiles, ...channels.fuzzyFiles],
          `has ${this.stats.channels} channels, unlike the others`,
          'Export one grey channel with a number for each class.',
        );
      return;
    }
    if (this.stats.overlapFiles.length > 0) {
      this.refuseFiles(
        'data/mask-channels',
        this.stats.overlapFiles,
        `has ${this.stats.channels} channels of which several are set in one pixel, so that a pixel has no one class`,
        'Export one grey channel with a number for each class, or a file for each channel.',
      );
    } else {
      this.evidence.push(`A pixel's class is the channel that is set, of ${this.stats.channels} (one-hot).`);
    }
    for (const view of ['grey', 'colour', 'palette'] as const) {
      const others = this.stats.views.get(view);
      if (others)
        this.refuseFiles(
          'data/mask-channels',
          [...others.plainFiles, ...others.fuzzyFiles],
          `does not have the ${this.stats.channels} channels of the others`,
          'Export all masks alike.',
        );
    }
  }

  private share({ pixels }: Known): number {
    const { plain, fuzzy } = this.gathered.statistics;
    return pixels / Math.max(1, plain.pixels + fuzzy.pixels);
  }

  private edgeShare({ edge }: Known): number {
    const { plain, fuzzy } = this.gathered.statistics;
    return edge / Math.max(1, plain.edge + fuzzy.edge);
  }

  private shares(one: Known): string {
    const touches =
      one.edgeMasks === this.stats.masks
        ? `touches every edge in all ${this.stats.masks} masks`
        : `${percent(this.edgeShare(one))} of the images' edges`;
    return `${percent(this.share(one))} of the pixels, ${touches}`;
  }

  private text(value: number | null): string {
    return valueText(value, this.samples);
  }

  private value({ value }: Known): string {
    const names: Readonly<Record<MaskSamples, string>> = {
      grey: 'Value',
      palette: 'Index',
      colour: 'Colour',
      alpha: 'Alpha',
      channels: 'Channel',
    };
    return value === TRANSPARENT ? 'What is transparent' : `${names[this.samples]} ${this.text(value)}`;
  }

  private list(values: readonly number[]): string {
    const sorted = [...values].sort((a, b) => a - b).map((value) => this.text(value));
    if (sorted.length > 8)
      return `${sorted.slice(0, 6).join(', ')} … ${sorted.at(-1)} (${sorted.length} values)`;
    return sorted.length < 2 ? sorted.join('') : `${sorted.slice(0, -1).join(', ')} and ${sorted.at(-1)}`;
  }

  private look(code: string, what: string, cure: string, file?: string): void {
    this.remarks.push(notice(code, file ?? this.place(), what, cure));
  }

  /** All masks of the role cannot be read. */
  private refuseAll(code: string, what: string, cure: string): void {
    const { plainFiles, fuzzyFiles } = this.gathered.statistics;
    for (const file of [...plainFiles, ...fuzzyFiles])
      this.remarks.push(refusal(code, file, `${what}.`, cure));
  }

  private refuseFiles(code: string, files: readonly string[], what: string, cure: string): void {
    for (const file of files) this.remarks.push(refusal(code, file, `This mask ${what}.`, cure));
  }

  private filesText(files: readonly string[]): string {
    return `${files.length} of ${this.stats.masks} masks`;
  }

  /** The folder that all masks lie in. */
  private place(): string {
    const { plainFiles, fuzzyFiles } = this.gathered.statistics;
    return commonFolder([...plainFiles, ...fuzzyFiles]);
  }
}

type Known0 = Pick<Known, 'value'>;

const same = (a: number | null, b: number | null) => a === b || (Number.isNaN(a) && Number.isNaN(b));

const brightest = (colour: number) => Math.max(colour >> 16, (colour >> 8) & 255, colour & 255);

const percent = (share: number) => `${share >= 0.1 ? Math.round(100 * share) : (100 * share).toFixed(1)} %`;

/** A label for 0 where it is no background: that of the value that is, or one that is free. */
function zeroLabel(background: number | null, foreground: readonly number[]): number {
  if (background === 0) return 0;
  const isLabel =
    background !== null && Number.isInteger(background) && background > 0 && background < TRANSPARENT;
  return isLabel ? background : Math.max(0, ...foreground) + 1;
}

function commonFolder(files: readonly string[]): string {
  const [first = '', ...others] = files;
  if (others.length === 0) return first;
  const folders = first.split('/').slice(0, -1);
  for (const other of others) {
    const parts = other.split('/');
    const same = folders.findIndex((folder, i) => folder !== parts[i]);
    if (same >= 0) folders.length = same;
  }
  return folders.length > 0 ? `${folders.join('/')}/` : first;
}
