/** The reading of a dataset: every mask is looked at once, then each role is read alike. */
import { readRaster } from '../decode/read-raster.ts';
import { type LazyFile, readBytes } from '../lazy-file.ts';
import type { Refusal } from '../types.ts';
import { inferReading, type ValueShare } from './infer.ts';
import type { DatasetReading, MaskReading, MaskRole, ReadingChanges } from './reading.ts';
import { MaskStatistics, maskFacts } from './statistics.ts';

/** Statistics of a dataset's masks, by role. */
export type DatasetStatistics = ReadonlyMap<MaskRole, MaskStatistics>;

/** What was found out of all masks of a dataset. */
export interface InferredDataset {
  readonly reading: DatasetReading;
  /** A sentence for each part of the reading. */
  readonly evidence: readonly string[];
  /** What is not certain, and masks that are left out. */
  readonly remarks: readonly Refusal[];
  /** The values that occur by role, those of most pixels first. */
  readonly values: Readonly<Partial<Record<MaskRole, readonly ValueShare[]>>>;
}

/** The mask files of a sample. */
export interface MaskFiles {
  readonly mask?: LazyFile;
  readonly labels?: LazyFile;
  readonly instances?: LazyFile;
  readonly objectMasks?: readonly LazyFile[];
}

export interface CollectOptions {
  /** Stops between two samples. */
  readonly signal?: AbortSignal;
  /** Called after every sample. */
  readonly afterSample?: (index: number) => void | Promise<void>;
}

const ROLES = ['masks', 'labels', 'instances'] as const satisfies readonly MaskRole[];

/** The mask files of a sample by what they are for. */
function filesByRole(sample: MaskFiles): readonly (readonly [role: MaskRole, file: LazyFile])[] {
  const { mask, labels, instances, objectMasks = [] } = sample;
  return [
    ...(mask ? [['masks', mask] as const] : []),
    ...(labels ? [['labels', labels] as const] : []),
    ...(instances ? [['instances', instances] as const] : []),
    ...objectMasks.map((file) => ['masks', file] as const),
  ];
}

/** Looks at every mask. What cannot be decoded is passed over: loading its sample says why. */
export async function collectStatistics(
  samples: readonly MaskFiles[],
  { signal, afterSample }: CollectOptions = {},
): Promise<DatasetStatistics> {
  const all = new Map<MaskRole, MaskStatistics>();
  for (const [index, sample] of samples.entries()) {
    if (signal?.aborted) break;
    for (const [role, file] of filesByRole(sample)) {
      const bytes = await readBytes(file);
      if (!bytes.ok) continue;
      const raster = await readRaster(bytes.value, file.path).catch(() => null);
      if (!raster) continue;
      const stats = all.get(role) ?? new MaskStatistics();
      all.set(role, stats);
      stats.add(maskFacts(raster, file.path));
    }
    await afterSample?.(index);
  }
  return all;
}

const NO_SUCH_VALUE = 'data/reading-no-such-value';

/** The reading by statistics. @param changes what a person chose; values count for the roles that have them. */
export function inferDatasetReading(stats: DatasetStatistics, changes: ReadingChanges = {}): InferredDataset {
  const { background: _, ignored: __, ...withoutValues } = changes;
  const found = ROLES.flatMap((role) => {
    const own = stats.get(role);
    return own ? [{ role, own, inferred: inferReading(own, role, changes) }] : [];
  });
  const lacks = ({ inferred }: (typeof found)[number]) =>
    inferred.remarks.some(({ code }) => code === NO_SUCH_VALUE);
  const someHas = found.some((one) => !lacks(one));
  const reading: Partial<Record<MaskRole, MaskReading>> = {};
  const values: Partial<Record<MaskRole, readonly ValueShare[]>> = {};
  const evidence: string[] = [];
  const remarks: Refusal[] = [];
  for (const one of found) {
    const { role, own } = one;
    const inferred = someHas && lacks(one) ? inferReading(own, role, withoutValues) : one.inferred;
    if (inferred.reading) reading[role] = inferred.reading;
    values[role] = inferred.values;
    evidence.push(...inferred.evidence.map((text) => (found.length > 1 ? `${role}/: ${text}` : text)));
    remarks.push(...inferred.remarks);
  }
  return { reading, evidence, remarks, values };
}
