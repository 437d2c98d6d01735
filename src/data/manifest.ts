import * as v from 'valibot';
import { refuse } from './outcome.ts';

/** The version of `dataset.json` that is written; older ones are read as long as this file says how. */
export const MANIFEST_VERSION = 1;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const size = v.pipe(v.number(), v.integer(), v.minValue(1));
const file = v.object({ path: v.string(), size: count });
const range = v.tuple([count, count]);
const labels = v.array(v.pipe(v.number(), v.integer()));
const maskKind = v.picklist(['binary', 'cut128', 'labels', 'instances']);

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
    maskKinds: v.object({ binary: count, cut128: count, labels: count, instances: count }),
    bytes: count,
    widths: range,
    heights: range,
  }),
});

/** What `dataset.json` holds. */
export type Manifest = v.InferOutput<typeof manifest>;

/**
 * Reads `dataset.json`.
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
      'The description of this stored dataset is not readable.',
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
  const parsed = v.safeParse(manifest, json);
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
