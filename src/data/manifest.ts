import * as v from 'valibot';
import { refuse } from './outcome.ts';
import { ReadingSchema, readingJson } from './reading/reading-json.ts';

/**
 * The version of `dataset.json` that is written. Versions 1 to 4 have no labels made in the studio. Versions 1 to 3 have no scale, because models saw whole images, and no
 * sizes of objects. Versions 1 and 2 have no reading, because each mask was read by itself, and other names for the mask
 * kind `threshold`: `cut128` and `threshold128`.
 */
export const MANIFEST_VERSION = 5;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const size = v.pipe(v.number(), v.integer(), v.minValue(1));
const file = v.object({ path: v.string(), size: count });
const range = v.tuple([count, count]);
const labels = v.array(v.pipe(v.number(), v.integer()));
const maskKind = v.picklist(['binary', 'threshold', 'labels', 'instances']);

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

/** What a person labelled in the studio; the files that came with the image are then left aside. */
const labelled = v.object({
  status: v.picklist(['unlabelled', 'in-work', 'done']),
  /** Of the labels that these masks are, while it is done. */
  revision: count,
  /** There while it is done. */
  masks: v.optional(
    v.object({
      instances: file,
      classes: file,
      /** What the pixels of `classes` are. */
      samples: v.picklist(['grey', 'colour']),
    }),
  ),
});

const byLabel = v.pipe(v.string(), v.regex(/^[1-9]\d*$/));

const manifest = v.object({
  version: v.literal(MANIFEST_VERSION),
  id: v.string(),
  name: v.string(),
  created: v.number(),
  /** Where the files of each sample lie under the dataset's folder; same order as `samples`. */
  files: v.array(
    v.object({
      image: file,
      mask: v.optional(file),
      instances: v.optional(file),
      labels: v.optional(file),
      objectMasks: v.optional(v.array(file)),
      split: v.optional(v.picklist(['train', 'val', 'test'])),
      /** Channels of the image that are shown, from 1; absent for as decoding finds them. */
      channels: v.optional(v.tuple([size, size, size])),
      /** Who made objects that came with annotations: number in the instance map, the words of `originText`, and the score of one that was found. */
      origins: v.optional(
        v.array(v.union([v.tuple([size, v.string(), v.number()]), v.tuple([size, v.string()])])),
      ),
      labelled: v.optional(labelled),
    }),
  ),
  /** How the masks are read; `per-file` of datasets that were stored when each mask was read by itself. */
  reading: v.union([v.literal('per-file'), ReadingSchema]),
  /** What the reading was inferred from, one sentence each. */
  evidence: v.array(v.string()),
  /** Names of classes by their label. */
  classNames: v.optional(v.record(byLabel, v.string())),
  /** Their colours, as `#rrggbb`. */
  classColours: v.optional(v.record(byLabel, v.pipe(v.string(), v.regex(/^#[0-9a-f]{6}$/)))),
  /** Objects by class, once images were labelled in the studio; before, the card has them. */
  classObjects: v.optional(v.record(byLabel, count)),
  /** How a model sees the images. */
  scale: v.union([v.literal('whole'), size]),
  /** How large the objects are; absent where the dataset was stored before that was kept. */
  sizes: v.optional(v.array(v.object({ width: size, height: size, areas: v.array(v.tuple([size, size])) }))),
  samples: v.array(sample),
  summary: v.object({
    name: v.string(),
    images: count,
    labelled: count,
    unlabelled: count,
    empty: count,
    objects: count,
    labels,
    maskKinds: v.object({ binary: count, threshold: count, labels: count, instances: count }),
    bytes: count,
    widths: range,
    heights: range,
  }),
});

/** What `dataset.json` holds. */
export type Manifest = v.InferOutput<typeof manifest>;

const earlierVersion = v.looseObject({ version: v.picklist([1, 2]) });

/** What versions 1 and 2 have under other names; everything else is kept as it is, and checked afterwards. */
const earlier = v.looseObject({
  ...earlierVersion.entries,
  samples: v.array(v.looseObject({ maskKind: v.optional(v.string()) })),
  summary: v.looseObject({ maskKinds: v.record(v.string(), v.number()) }),
});

/** The names that versions 1 and 2 gave to the mask kind `threshold`. */
const EARLIER_THRESHOLD = ['cut128', 'threshold128'];

const withoutScale = v.looseObject({ version: v.literal(3) });
const withoutLabels = v.looseObject({ version: v.literal(4) });

/** A manifest of an earlier version in the words of this one; anything else as it is. */
function migrated(json: unknown): unknown {
  const parsed = v.safeParse(withoutLabels, withScale(withReading(json)));
  return parsed.success ? { ...parsed.output, version: MANIFEST_VERSION } : json;
}

/** A manifest of version 3 in the words of version 4; anything else as it is. */
function withScale(json: unknown): unknown {
  const parsed = v.safeParse(withoutScale, json);
  return parsed.success ? { ...parsed.output, version: 4, scale: 'whole' } : json;
}

/** A manifest of version 1 or 2 in the words of version 3; anything else as it is. */
function withReading(json: unknown): unknown {
  // Looked at first: comparing ten thousand samples with the old shape takes as long as with the new.
  if (!v.is(earlierVersion, json)) return json;
  const parsed = v.safeParse(earlier, json);
  if (!parsed.success) return json;
  const { samples, summary, ...rest } = parsed.output;
  const kind = (name: string) => (EARLIER_THRESHOLD.includes(name) ? 'threshold' : name);
  return {
    ...rest,
    version: 3,
    reading: 'per-file',
    evidence: [],
    samples: samples.map((each) =>
      each.maskKind === undefined ? each : { ...each, maskKind: kind(each.maskKind) },
    ),
    summary: {
      ...summary,
      maskKinds: Object.fromEntries(
        Object.entries(summary.maskKinds).map(([name, masks]) => [kind(name), masks]),
      ),
    },
  };
}

/**
 * Reads `dataset.json` of this version or an earlier one.
 * @param cure of one that is damaged.
 * @throws Failure naming `path` when it is no manifest of a known version.
 */
export function parseManifest(
  bytes: Uint8Array,
  path: string,
  cure = 'Delete this dataset and import its files again.',
): Manifest {
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
      'Close all tabs of the studio and open it again, which brings the newer version.',
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
  const reading = value.reading === 'per-file' ? value.reading : readingJson(value.reading);
  return new TextEncoder().encode(`${JSON.stringify({ ...value, reading }, null, 1)}\n`);
}
