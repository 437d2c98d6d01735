/**
 * How the values of mask files become objects, said for a whole dataset. Values are numbers as the file has them: grey
 * levels, palette indices, alpha, channel numbers from 1, NaN; a colour is 65536·R + 256·G + B.
 */

/**
 * What of a file's samples is the mask: its grey values, palette indices, colours, alpha, or which of its channels is
 * set (1 for the first, 0 for none).
 */
export type MaskSamples = 'grey' | 'palette' | 'colour' | 'alpha' | 'channels';

/** What values stand for: all are foreground (components are objects), each is a class, or each is an object. */
export type MaskMeaning = 'foreground' | 'classes' | 'objects';

/** The value of a pixel that is transparent where the mask is read by its colours: next to all colours. */
export const TRANSPARENT = 0x1000000;

/** The mask files of one role, read alike. */
export interface MaskReading {
  readonly samples: MaskSamples;
  /** Null where no value is background. */
  readonly background: number | null;
  /** Values of pixels that take no part. */
  readonly ignored: readonly number[];
  /**
   * The values that are meant where files hold others beside them (smoothed edges, what JPEG changed): every pixel
   * counts as one of these. Null where each value is meant as it stands.
   */
  readonly levels: readonly number[] | null;
  /**
   * Splits numbers instead of levels: the side of the background is background, and the other, to which the threshold
   * itself belongs where it is the upper one, is foreground.
   */
  readonly threshold: number | null;
  readonly meaning: MaskMeaning;
  /** Of objects: a value divided by it is its class, and a smaller one is a class itself; without it values say none. */
  readonly classStep?: number;
  /** The label of value 0 where another value is the background; 0 where 0 is. */
  readonly zeroLabel: number;
  /** Alpha under which a pixel counts as transparent, where colours are read and transparency means something. */
  readonly transparentUnder: number | null;
}

/** What a role of mask files is for; files of one object each count as `masks`. */
export type MaskRole = 'masks' | 'labels' | 'instances';

/** The reading of a dataset, by role. A role without files has none. */
export type DatasetReading = Readonly<Partial<Record<MaskRole, MaskReading>>>;

/** Which channels of an image file are shown as red, green and blue, counted from 1. */
export type ChannelChoice = readonly [red: number, green: number, blue: number];

/** Whether runs of pixels are counted along the rows, or down the columns, each time from the top left. */
export type RunOrder = 'rows' | 'columns';

/** Parts of a reading that a person has chosen; what is absent is inferred. */
export interface ReadingChanges {
  /** Null: no value is background. */
  readonly background?: number | null;
  readonly ignored?: readonly number[];
  /** Values at or above are foreground. */
  readonly threshold?: number;
  /** True: each value is an object; false: objects are connected pixels. */
  readonly instances?: boolean;
  /** Channels of the images that are shown as red, green and blue, from 1. */
  readonly channels?: ChannelChoice;
  /** How the runs of a file are counted that does not say it. */
  readonly runs?: RunOrder;
}

/** A value as a sentence has it: 255, (140, 90, 30), transparent, NaN. */
export function valueText(value: number | null, samples: MaskSamples): string {
  if (value === null) return 'none';
  if (Number.isNaN(value)) return 'NaN';
  if (samples !== 'colour') return String(value);
  if (value === TRANSPARENT) return 'transparent';
  return `(${value >> 16}, ${(value >> 8) & 255}, ${value & 255})`;
}

/** A value as a setting has it: 255, #8c5a1e, transparent, nan, none. */
export function settingText(value: number | null, samples: MaskSamples): string {
  if (value === null) return 'none';
  if (Number.isNaN(value)) return 'nan';
  if (samples !== 'colour') return String(value);
  return value === TRANSPARENT ? 'transparent' : `#${value.toString(16).padStart(6, '0')}`;
}

/** A value in JSON: a number, or the text of {@link settingText} of what is none. */
export function valueJson(value: number | null, samples: MaskSamples): number | string | null {
  return value === null || (samples !== 'colour' && !Number.isNaN(value))
    ? value
    : settingText(value, samples);
}

/** The reading of the files that a dataset's objects are found in. */
export function objectReading({ instances, labels, masks }: DatasetReading): MaskReading | undefined {
  return instances ?? labels ?? masks;
}

/** The reading of the files that say classes. */
export function classReading({ labels, masks }: DatasetReading): MaskReading | undefined {
  return labels ?? masks;
}

/** A value of a setting; undefined when the text is none. The opposite of {@link settingText}. */
export function parseValue(text: string): number | undefined {
  const trimmed = text.trim().toLowerCase();
  if (trimmed === 'nan') return Number.NaN;
  if (trimmed === 'transparent') return TRANSPARENT;
  if (/^#[0-9a-f]{6}$/.test(trimmed)) return Number.parseInt(trimmed.slice(1), 16);
  return /^-?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : undefined;
}
