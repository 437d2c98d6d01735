/** What one inference finds: evidence for what is certain, remarks for what is not; and the words for both. */
import { notice, refusal } from '../outcome.ts';
import type { Refusal } from '../types.ts';
import type { ClassTable, NamedValues } from './class-table.ts';
import { type Gathered, gather } from './gather.ts';
import { type MaskRole, type MaskSamples, type ReadingChanges, TRANSPARENT, valueText } from './reading.ts';
import type { MaskStatistics } from './statistics.ts';
import type { ValueFacts } from './table.ts';

/** A value, or a level, and what is known of it. */
export interface Known {
  readonly value: number;
  readonly pixels: number;
  readonly edge: number;
  readonly masks: number;
  readonly edgeMasks: number;
  /** Of masks of plain values alone. */
  readonly facts: ValueFacts | null;
}

/** Class ids under which 255 beside them is no class. */
export const SMALL_IDS = 64;

/** The findings about the masks of one role. */
export class Findings {
  /** A sentence for each part of the reading. */
  readonly evidence: string[] = [];
  /** What is not certain, and masks that are left out. */
  readonly remarks: Refusal[] = [];
  readonly gathered: Gathered;
  readonly samples: MaskSamples;

  /** What a table of colours says of the values, once these are known. */
  named: NamedValues | undefined;

  constructor(
    readonly stats: MaskStatistics,
    readonly role: MaskRole,
    readonly changes: ReadingChanges,
    readonly tables: readonly ClassTable[] = [],
  ) {
    this.gathered = gather(stats);
    this.samples = this.gathered.samples;
    this.evidence.push(...this.gathered.evidence);
  }

  share({ pixels }: Known): number {
    const { plain, fuzzy } = this.gathered.statistics;
    return pixels / Math.max(1, plain.pixels + fuzzy.pixels);
  }

  edgeShare({ edge }: Known): number {
    const { plain, fuzzy } = this.gathered.statistics;
    return edge / Math.max(1, plain.edge + fuzzy.edge);
  }

  shares(one: Known): string {
    const touches =
      one.edgeMasks === this.stats.masks
        ? `touches every edge in all ${this.stats.masks} masks`
        : `${percent(this.edgeShare(one))} of the images' edges`;
    return `${percent(this.share(one))} of the pixels, ${touches}`;
  }

  text(value: number | null): string {
    return valueText(value, this.samples);
  }

  value({ value }: Known): string {
    const names: Readonly<Record<MaskSamples, string>> = {
      grey: 'Value',
      palette: 'Index',
      colour: 'Colour',
      alpha: 'Alpha',
      channels: 'Channel',
    };
    return value === TRANSPARENT ? 'What is transparent' : `${names[this.samples]} ${this.text(value)}`;
  }

  list(values: readonly number[]): string {
    const sorted = [...values].sort((a, b) => a - b).map((value) => this.text(value));
    if (sorted.length > 8)
      return `${sorted.slice(0, 6).join(', ')} … ${sorted.at(-1)} (${sorted.length} values)`;
    return sorted.length < 2 ? sorted.join('') : `${sorted.slice(0, -1).join(', ')} and ${sorted.at(-1)}`;
  }

  look(code: string, what: string, cure: string, file?: string): void {
    this.remarks.push(notice(code, file ?? this.place(), what, cure));
  }

  /** All masks of the role cannot be read. */
  refuseAll(code: string, what: string, cure: string): void {
    const { plainFiles, fuzzyFiles } = this.gathered.statistics;
    for (const file of [...plainFiles, ...fuzzyFiles])
      this.remarks.push(refusal(code, file, `${what}.`, cure));
  }

  refuseFiles(code: string, files: readonly string[], what: string, cure: string): void {
    for (const file of files) this.remarks.push(refusal(code, file, `This mask ${what}.`, cure));
  }

  /** The folder that all masks lie in. */
  place(): string {
    const { plainFiles, fuzzyFiles } = this.gathered.statistics;
    return commonFolder([...plainFiles, ...fuzzyFiles]);
  }
}

export const same = (a: number | null, b: number | null) => a === b || (Number.isNaN(a) && Number.isNaN(b));

const percent = (share: number) => `${share >= 0.1 ? Math.round(100 * share) : (100 * share).toFixed(1)} %`;

/** The folder that files lie in together, with `/` behind it; the first file where there is none. */
export function commonFolder(files: readonly string[]): string {
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
