import * as v from 'valibot';
import { refuse } from './outcome.ts';

/**
 * The version of `dataset.json` that is written. Version 1 differs in one name: it called the mask kind `threshold128`
 * `cut128`.
 */
export const MANIFEST_VERSION = 2;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const size = v.pipe(v.number(), v.integer(), v.minValue(1));
const file = v.object({ path: v.string(), size: count });
const range = v.tuple([count, count]);
const labels = v.array(v.pipe(v.number(), v.integer()));
const maskKind = v.picklist(['binary', 'threshold128', 'labels', 'instances']);

const sample = v.object({
  name: v.string(),
  width: size,
  height: size,
  maskKind: v.optional(maskKind),
  source: v.optional(v.picklist(['instances', 'labels', 'masks'])),
  objects: count,
  labels,
  foreground: v.number(),
  depth: v.optional(
    v.object({ lowPercentile: v.number(), highPercentile: v.number(), low: v.number(), high: v.number() }),
  ),
});

const manifest = v.object({
  version: v.literal(MANIFEST_VERSION),
  id: v.string(),
  name: v.string(),
  created: v.number(),
  /** Where the files of each sample lie under the dataset's folder; same order as `samples`. */
  files: v.array(
    v.object({ image: file, mask: v.optional(file), instances: v.optional(file), labels: v.optional(file) }),
  ),
  samples: v.array(sample),
  summary: v.object({
    name: v.string(),
    images: count,
    labelled: count,
    unlabelled: count,
    empty: count,
    objects: count,
    labels,
    maskKinds: v.object({ binary: count, threshold128: count, labels: count, instances: count }),
    bytes: count,
    widths: range,
    heights: range,
  }),
});

/** What `dataset.json` holds. */
export type Manifest = v.InferOutput<typeof manifest>;

/** What a version 1 has under other names; everything else is kept as it is, and checked afterwards. */
const version1 = v.looseObject({
  version: v.literal(1),
  samples: v.array(v.looseObject({ maskKind: v.optional(v.string()) })),
  summary: v.looseObject({ maskKinds: v.looseObject({ cut128: v.number() }) }),
});

/** A manifest of version 1 in the words of version 2; anything else as it is. */
function migrated(json: unknown): unknown {
  const parsed = v.safeParse(version1, json);
  if (!parsed.success) return json;
  const { samples, summary, ...rest } = parsed.output;
  const { cut128, ...maskKinds } = summary.maskKinds;
  return {
    ...rest,
    version: MANIFEST_VERSION,
    samples: samples.map((each) =>
      each.maskKind === 'cut128' ? { ...each, maskKind: 'threshold128' } : each,
    ),
    summary: { ...summary, maskKinds: { ...maskKinds, threshold128: cut128 } },
  };
}

/**
 * Reads `dataset.json` of this version or an earlier one.
 * @throws Failure naming `path` when it is no manifest of a known version.
 */
export function parseManifest(bytes: Uint8Array, path: string): Manifest {
  const cure = 'Delete this dataset and import its files again.';
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw refuse(
      'data/manifest-broken',
      path,
      'The description of this stored dataset is not valid JSON.',
      cure,
    );
  }
  const version = typeof json === 'object' && json !== null && 'version' in json ? json.version : undefined;
  if (typeof version === 'number' && version > MANIFEST_VERSION) {
    throw refuse(
      'data/manifest-newer',
      path,
      `This dataset was stored by a newer version of the studio (${version}).`,
      'Reload the page to get the newer version.',
    );
  }
  const parsed = v.safeParse(manifest, migrated(json));
  if (!parsed.success || parsed.output.files.length !== parsed.output.samples.length) {
    const issue = parsed.issues?.[0];
    const where = issue
      ? `${v.getDotPath(issue) ?? 'top'}: ${issue.message}`
      : 'files and samples differ in number';
    throw refuse(
      'data/manifest-broken',
      path,
      `The description of this stored dataset is wrong (${where}).`,
      cure,
    );
  }
  return parsed.output;
}

/** The bytes of `dataset.json`. */
export function encodeManifest(value: Manifest): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`);
}
