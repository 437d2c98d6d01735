/** The reading of a dataset: every mask is looked at once, then each role is read alike. */
import { readRaster } from '../decode/read-raster.ts';
import { type LazyFile, readBytes } from '../lazy-file.ts';
import type { Refusal } from '../types.ts';
import type { ClassTable } from './class-table.ts';
import { commonFolder } from './findings.ts';
import { type InferredReading, inferReading, type ValueShare } from './infer.ts';
import type { DatasetReading, MaskReading, MaskRole, ReadingChanges } from './reading.ts';
import { MaskStatistics, maskFacts } from './statistics.ts';

/** Statistics of a dataset's masks, by role. */
export type DatasetStatistics = ReadonlyMap<MaskRole, MaskStatistics>;

/** What was found out of all masks of a dataset. */
export interface InferredDataset {
  readonly reading: DatasetReading;
  /** A sentence for each part of the reading that objects or classes come from. */
  readonly evidence: readonly string[];
  /** What is not certain of it, and masks that are left out. */
  readonly remarks: readonly Refusal[];
  /** Names of classes by label, where one of the tables gives them. */
  readonly classNames: ReadonlyMap<number, string>;
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

/** The roles that objects come from: of each sample the first that is read of ids, files of one object, labels, the mask. */
function objectRoles(
  samples: readonly MaskFiles[],
  isRead: (role: MaskRole) => boolean,
): ReadonlySet<MaskRole> {
  return new Set(
    samples.flatMap(({ mask, labels, instances, objectMasks = [] }) => {
      const roles: readonly (MaskRole | false)[] = [
        instances !== undefined && 'instances',
        objectMasks.length > 0 && 'masks',
        labels !== undefined && 'labels',
        mask !== undefined && 'masks',
      ];
      return roles.find((role) => role !== false && isRead(role)) || [];
    }),
  );
}

/**
 * The reading by statistics.
 * @param changes what a person chose; values count for the roles that have them.
 * @param tables of which one may name the classes.
 * @param samples what the statistics are of. Roles that no object and no class comes from are left out of the evidence.
 */
export function inferDatasetReading(
  stats: DatasetStatistics,
  changes: ReadingChanges,
  samples: readonly MaskFiles[],
  tables: readonly ClassTable[] = [],
): InferredDataset {
  const { background: _, ignored: __, ...withoutValues } = changes;
  const classRole = stats.has('labels') ? 'labels' : 'masks';
  const found = ROLES.flatMap((role) => {
    const own = stats.get(role);
    const named = role === classRole ? tables : [];
    return own ? [{ role, own, named, inferred: inferReading(own, role, changes, named) }] : [];
  });
  const lacks = ({ inferred }: (typeof found)[number]) =>
    inferred.remarks.some(({ code }) => code === NO_SUCH_VALUE);
  const someHas = found.some((one) => !lacks(one));
  const reading: Partial<Record<MaskRole, MaskReading>> = {};
  const values: Partial<Record<MaskRole, readonly ValueShare[]>> = {};
  const all: RoleReading[] = found.map((one) => {
    const { role, own, named } = one;
    const inferred = someHas && lacks(one) ? inferReading(own, role, withoutValues, named) : one.inferred;
    if (inferred.reading) reading[role] = inferred.reading;
    values[role] = inferred.values;
    return { role, inferred };
  });
  const ofClasses = all.find(({ role }) => role === classRole);
  const classNames = ofClasses?.inferred.classNames ?? new Map();
  return { reading, values, classNames, ...findingsOf(all, samples) };
}

interface RoleReading {
  readonly role: MaskRole;
  readonly inferred: InferredReading;
}

/** What is said of the roles: of several, which is for what, and nothing more of one that is for nothing. */
function findingsOf(
  all: readonly RoleReading[],
  samples: readonly MaskFiles[],
): Pick<InferredDataset, 'evidence' | 'remarks'> {
  const withObjects = objectRoles(samples, (role) => all.some((one) => one.role === role));
  const isForObjects = ({ role }: RoleReading) => withObjects.has(role);
  const classRole = all.some(({ role }) => role === 'labels') ? 'labels' : 'masks';
  const isForClasses = ({ role, inferred }: RoleReading) =>
    role === classRole && inferred.reading?.meaning === 'classes';
  const counts = (one: RoleReading) => isForObjects(one) || isForClasses(one);
  const place = ({ role }: RoleReading) => folderOf(role, samples);
  const rest = all.filter((one) => !isForObjects(one));
  const first = all.filter(isForObjects);
  const evidence = all
    .filter(counts)
    .flatMap((one) =>
      one.inferred.evidence.map((text) => (all.length > 1 ? `${place(one)}: ${text}` : text)),
    );
  const places = first.map(place);
  // Files of one folder, or arrays of one file, may be of both.
  const isOfBoth = (one: RoleReading) => isForClasses(one) && places.includes(place(one));
  const objects = rest.some(isOfBoth) ? 'Objects and their classes' : 'Objects';
  const words = rest
    .filter((one) => !isOfBoth(one))
    .map((one) => `; ${place(one)} ${isForClasses(one) ? 'says their classes' : 'adds no object'}`);
  if (rest.length > 0 && first.length > 0)
    evidence.unshift(`${objects} are read from ${places.join(' and ')}${words.join('')}.`);
  const remarks = all.flatMap((one) =>
    one.inferred.remarks.filter(({ severity }) => counts(one) || severity === 'refused'),
  );
  // Masks of one annotation file have one place, and much the same to say.
  return { evidence: [...new Set(evidence)], remarks };
}

/** Where the files of a role lie: the last folder that all of them have in common. */
function folderOf(role: MaskRole, samples: readonly MaskFiles[]): string {
  const files = samples.flatMap((sample) =>
    filesByRole(sample).flatMap(([own, { path }]) => (own === role ? [path] : [])),
  );
  // One file too lies in a folder.
  const folder = commonFolder(files.length === 1 ? [...files, ...files] : files);
  const [, name = role, slash = ''] = /([^/]+)(\/?)$/.exec(folder) ?? [];
  return name + slash;
}
