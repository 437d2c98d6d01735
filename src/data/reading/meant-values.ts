/** The values that masks mean, where smoothing or a lossy format put others beside them. */
import { distance } from './bins.ts';
import type { Findings, Known } from './findings.ts';
import { levelsOf, shareBeside } from './levels.ts';
import type { Table } from './table.ts';
import { refusePhotos } from './unusual-files.ts';

/** Levels of a lossy file under which its values were ids and not greys. */
const LEAST_LOSSY_LEVEL = 32;

/** Share of pixels far from an only level over which they are not its transitions: they mean something that has no level. */
const MOST_BESIDE = 0.02;

/** The values that are meant. */
export interface MeantValues {
  readonly known: readonly Known[];
  /** The values that others beside them count as; null where each counts as it stands. */
  readonly levels: readonly number[] | null;
}

/** The values that are meant; null, with refusals, where they cannot be told. */
export function meantValues(findings: Findings): MeantValues | null {
  const { statistics, kind } = findings.gathered;
  const { plain, fuzzy } = statistics;
  const plainKnown = [...plain.values.values()].map((facts): Known => ({ ...facts, facts }));
  if (fuzzy.masks === 0) return { known: plainKnown, levels: null };
  const lossy = lossyText(findings);
  if (findings.role === 'instances') {
    const what = lossy ? `a lossy ${lossy}, so its object ids` : 'smoothed, so its object ids';
    findings.refuseFiles(
      'data/mask-lossy',
      statistics.fuzzyFiles,
      `is ${what} cannot be recovered`,
      'Export it as PNG, without smoothing.',
    );
    return plain.masks > 0 ? { known: plainKnown, levels: null } : null;
  }
  const levels = levelsOf(fuzzy, kind);
  const isCutOut =
    levels?.length === 1 &&
    shareBeside(fuzzy, kind, kind === 'colour' ? 255 : fuzzy.scale, levels) > MOST_BESIDE;
  if (isCutOut) {
    refusePhotos(findings, statistics.fuzzyFiles);
    return plain.masks > 0 ? { known: plainKnown, levels: null } : null;
  }
  const range = kind === 'colour' ? 255 : fuzzy.scale;
  const isNear = (value: number) =>
    (levels ?? []).some((level) => distance(level.value, value, kind) <= 0.04 * range);
  const fits = plainKnown.every(({ value }) => Number.isNaN(value) || isNear(value));
  const meant = levels !== null && !isOfIds(findings, levels, fuzzy) ? levels : null;
  if (meant !== null && fits) return snapTo(findings, meant);
  if (plain.masks >= fuzzy.masks && plain.masks > 0) {
    const values = findings.list(plainKnown.map(({ value }) => value));
    findings.refuseFiles(
      lossy ? 'data/mask-lossy' : 'data/mask-unlike-others',
      statistics.fuzzyFiles,
      `${lossy ? `is a lossy ${lossy}` : 'has smoothed edges'}, while the other masks hold the plain values ${values}, so that its values cannot be told`,
      'Export it from the original as PNG, without smoothing and without loss.',
    );
    return { known: plainKnown, levels: null };
  }
  if (meant !== null) {
    findings.refuseFiles(
      'data/mask-unlike-others',
      statistics.plainFiles,
      `holds other values than ${findings.list(meant.map(({ value }) => value))}, which the other masks, smoothed or lossy, are near to`,
      'Put it into a dataset of its own.',
    );
    return snapTo(findings, meant);
  }
  findings.refuseFiles(
    'data/mask-lossy',
    [...statistics.fuzzyFiles, ...statistics.plainFiles],
    lossy
      ? `is a lossy ${lossy}, in which values as close as the ids 0, 1 and 2 cannot be told apart any more`
      : 'is smoothed, and its values lie too close together to be told apart',
    'Export it from the original as PNG, which loses nothing.',
  );
  return null;
}

/** The levels as the values that are meant, which is said. */
function snapTo(findings: Findings, levels: readonly Omit<Known, 'facts'>[]): MeantValues {
  const values = levels.map(({ value }) => value);
  snapped(findings, values);
  return { known: levels.map((level): Known => ({ ...level, facts: null })), levels: values };
}

/** Whether lossy masks held ids: values so close to each other that they are mixed. */
function isOfIds(findings: Findings, levels: readonly Pick<Known, 'value'>[], fuzzy: Table): boolean {
  if (findings.stats.lossy.files.length === 0) return false;
  const top = Math.max(
    ...levels.map(({ value }) => (findings.gathered.kind === 'colour' ? brightest(value) : value)),
  );
  if (levels.length > 1) return top < LEAST_LOSSY_LEVEL;
  let off = 0;
  for (const { offMode } of fuzzy.bins.values()) off += offMode;
  return top < LEAST_LOSSY_LEVEL && off > 0.002 * fuzzy.pixels;
}

function lossyText(findings: Findings): string {
  return [...findings.stats.lossy.formats]
    .map((format) => (format === 'webp' ? 'WebP' : 'JPEG'))
    .join(' and ');
}

function snapped(findings: Findings, levels: readonly number[]): void {
  const { fuzzyFiles } = findings.gathered.statistics;
  const lossy = lossyText(findings);
  const how = lossy ? `lossy ${lossy} changed` : 'smoothed edges or lost precision mixed';
  const threshold = thresholdOf(findings, levels);
  const count = `${fuzzyFiles.length} of ${findings.stats.masks} masks`;
  if (threshold !== null) {
    const what = `In ${count} ${how} the values between ${findings.list(levels)}: they are read with a threshold of ${threshold}.`;
    findings.evidence.push(what);
    findings.look(
      'data/mask-smoothed',
      what,
      `Look at the edges; choose another threshold with --threshold or "threshold" in dataset.json, or in the preview.`,
    );
    return;
  }
  const what = `In ${count} ${how} the values: each pixel counts as the nearest of ${findings.list(levels)}.`;
  findings.evidence.push(what);
  findings.look(
    'data/mask-snapped',
    what,
    'Look at the edges, and export the masks from the original as PNG if they are wrong.',
  );
}

/** Halfway between two levels that are numbers. */
export function thresholdOf(findings: Findings, levels: readonly number[] | null): number | null {
  if (levels?.length !== 2 || findings.gathered.kind !== 'number') return null;
  const [low = 0, high = 0] = levels;
  const middle = (low + high) / 2;
  return findings.gathered.statistics.fuzzy.scale <= 1 ? middle : Math.ceil(middle);
}

const brightest = (colour: number) => Math.max(colour >> 16, (colour >> 8) & 255, colour & 255);
