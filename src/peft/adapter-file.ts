import * as v from 'valibot';
import { Failure } from '../config/failure.ts';
import { parseSettings, type Settings } from '../config/field.ts';
import { PreprocessingSchema } from '../config/model-choices.ts';
import type { MopeftConfig } from '../config/mopeft.ts';
import type { PreprocessingRecord, SamConfig } from '../config/sam.ts';
import { sameShape, show } from '../graph/shape.ts';
import { type ByteSource, bytesSource } from '../sam/checkpoint/byte-source.ts';
import { Safetensors } from '../sam/checkpoint/safetensors.ts';
import { writeSafetensors } from '../sam/checkpoint/safetensors-write.ts';
import type { HostTensor } from '../sam/checkpoint/tensor-file.ts';
import { sitesOf } from '../sam/encoder.ts';
import { GATE_FORMS } from './gates/registry.ts';
import { METHODS } from './registry.ts';
import { trainableTensors } from './tensors.ts';

const FORMAT = 'mopeft-adapter';
const VERSION = 1;

/** The base model that an adapter belongs to. */
export interface AdapterBase {
  readonly name: string;
  /** SHA-256 of the weights, see `sam/checkpoint/hash.ts`. */
  readonly hash: string;
  readonly config: SamConfig;
}

/** What training left behind, ready to be put on its base model. */
export interface Adapter {
  readonly mopeft: MopeftConfig;
  /** Every trained tensor by its name. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  /** How images were prepared for it. */
  readonly preprocessing: PreprocessingRecord;
  /** The logit above which a pixel belongs to its masks. */
  readonly maskThreshold: number;
  /** What was recorded about the training (steps, datasets, scores); for people; an imported run shows its name, step and score. */
  readonly training: Readonly<Record<string, unknown>>;
}

/**
 * The two files of an adapter. They are written one after the other, so a crash can leave new tensors beside an old record:
 * the tensors' file holds its record too, and that one counts.
 */
export interface AdapterFiles {
  /** `adapter.json`: the record, for people and other programs. */
  readonly json: string;
  /** `adapter.safetensors`: the tensors, and the record in its metadata. */
  readonly safetensors: Uint8Array<ArrayBuffer>;
}

const SettingsSchema = v.record(v.string(), v.union([v.number(), v.string(), v.boolean()]));
/** Block indices: ascending, each once. */
const blocks = v.pipe(
  v.array(v.pipe(v.number(), v.integer(), v.minValue(0))),
  v.check(
    (indices) => indices.every((block, i) => i === 0 || block > (indices[i - 1] ?? block)),
    'blocks must ascend, each once',
  ),
);

const datasetNames = v.pipe(
  v.array(v.string()),
  v.minLength(1),
  v.check((names) => new Set(names).size === names.length, 'each dataset is named once'),
);

const AdapterSchema = v.object({
  format: v.literal(FORMAT),
  version: v.literal(VERSION),
  base: v.object({ name: v.string(), hash: v.string() }),
  mopeft: v.object({
    methods: v.record(v.string(), SettingsSchema),
    gate: v.string(),
    blocks,
    trainDecoder: v.boolean(),
    token: v.exactOptional(v.boolean()),
    datasets: v.exactOptional(datasetNames),
    budget: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
    budgetBy: v.exactOptional(v.literal('validation')),
    pruned: v.exactOptional(v.record(v.string(), blocks)),
  }),
  preprocessing: PreprocessingSchema,
  // Adapters of before it was chosen cut where SAM does.
  maskThreshold: v.optional(v.number(), 0),
  training: v.optional(v.record(v.string(), v.unknown()), {}),
});

/** Writes an adapter. Equal adapters give equal bytes. */
export function writeAdapter(
  base: Pick<AdapterBase, 'name' | 'hash'> & { readonly config: Pick<SamConfig, 'preprocessing'> },
  { mopeft, tensors, maskThreshold, training }: Omit<Adapter, 'preprocessing'>,
): AdapterFiles {
  const record = {
    format: FORMAT,
    version: VERSION,
    base: { name: base.name, hash: base.hash },
    mopeft,
    preprocessing: base.config.preprocessing,
    maskThreshold,
    training,
  };
  const sorted = new Map([...tensors].sort(([a], [b]) => (a < b ? -1 : 1)));
  const json = `${JSON.stringify(record, null, 2)}\n`;
  return { json, safetensors: writeSafetensors(sorted, { format: FORMAT, base: base.hash, record: json }) };
}

/** The `adapter.json` that belongs to an `adapter.safetensors`; null for one of before it was kept there. */
export async function recordWithin(weights: ByteSource): Promise<string | null> {
  return (await Safetensors.open(weights)).metadata.record ?? null;
}

/**
 * Reads an adapter for a base model and checks that every tensor it needs is there and fits.
 * @param json text of `adapter.json`, which counts where the weights have no record of their own.
 * @param weights `adapter.safetensors`.
 * @throws Failure `adapter/…` or `checkpoint/…` that names the file and says what to do.
 */
export async function readAdapter(
  base: AdapterBase,
  json: { readonly name: string; readonly text: string },
  weights: ByteSource,
): Promise<Adapter> {
  const file = await Safetensors.open(weights);
  const own = file.metadata.record;
  const source = own === undefined ? json : { name: weights.name, text: own };
  const record = parseRecord(source);
  if (record.base.hash !== base.hash) {
    const own = record.base.name;
    throw new Failure({
      code: 'adapter/other-model',
      what: `The adapter belongs to the model ${own} and the open model is ${base.name} (their weights differ).`,
      where: source.name,
      cure:
        own === base.name
          ? `Open the ${own} with which it was trained, where one file holds several models the other of them, then the adapter again.`
          : `Open ${own} first, then the adapter again.`,
    });
  }
  const mopeft = checkMopeft(record.mopeft, base.config, source.name);
  const tensors = new Map<string, HostTensor>();
  for (const { name, shape } of trainableTensors(mopeft, base.config)) {
    const found = file.tensors.get(name);
    if (!found || !sameShape(found.shape, shape)) {
      throw new Failure({
        code: 'adapter/tensors',
        what: found
          ? `The tensor ${name} is ${show(found.shape)} and ${source.name} asks for ${show(shape)}.`
          : `The tensor ${name} is missing.`,
        where: weights.name,
        cure: 'Use the adapter.json and adapter.safetensors that were written together.',
      });
    }
    tensors.set(name, await file.read(name));
  }
  const { preprocessing, maskThreshold, training } = record;
  return { mopeft, tensors, preprocessing, maskThreshold, training };
}

/** {@link readAdapter} of files in memory. */
export function readAdapterFiles(base: AdapterBase, { json, safetensors }: AdapterFiles): Promise<Adapter> {
  return readAdapter(
    base,
    { name: 'adapter.json', text: json },
    bytesSource('adapter.safetensors', safetensors),
  );
}

/** The record of `adapter.json`. @throws Failure `adapter/not-an-adapter`. */
export function parseRecord({ name, text }: { readonly name: string; readonly text: string }) {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw notAnAdapter(name, 'it is no JSON');
  }
  const parsed = v.safeParse(AdapterSchema, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw notAnAdapter(name, `${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`);
}

function notAnAdapter(where: string, detail: string): Failure {
  return new Failure({
    code: 'adapter/not-an-adapter',
    what: `The file does not describe an adapter (${detail}).`,
    where,
    cure: 'Choose the adapter.json that was written beside adapter.safetensors.',
  });
}

/** Checks that methods and gate form are known, settings within their limits, and blocks the model's. */
function checkMopeft(
  mopeft: {
    readonly methods: Readonly<Record<string, Settings>>;
    readonly gate: string;
    readonly blocks: readonly number[];
    readonly trainDecoder: boolean;
    readonly token?: boolean;
    readonly datasets?: readonly string[];
    readonly budget?: number;
    readonly budgetBy?: 'validation';
    readonly pruned?: Readonly<Record<string, readonly number[]>>;
  },
  sam: SamConfig,
  where: string,
): MopeftConfig {
  const sites = sitesOf(sam);
  const methods: Record<string, Settings> = {};
  for (const [id, settings] of Object.entries(mopeft.methods)) {
    const method = METHODS.find((candidate) => candidate.id === id);
    if (!method) {
      throw new Failure({
        code: 'adapter/no-method',
        what: `It was made with the method ${id}, which this version does not have.`,
        where,
        cure: 'Update the program, or train again.',
      });
    }
    methods[id] = parseSettings(method.fields(sites), settings, `${where}, ${id}`) as Settings;
  }
  if (!GATE_FORMS.some(({ id }) => id === mopeft.gate)) {
    throw new Failure({
      code: 'adapter/no-gate-form',
      what: `It was made with the gate form ${mopeft.gate}, which this version does not have.`,
      where,
      cure: 'Update the program, or train again.',
    });
  }
  const outside = mopeft.blocks.find((block) => !sites[block]);
  if (outside !== undefined) {
    throw notAnAdapter(where, `it has modules in block ${outside} and the model has ${sites.length} blocks`);
  }
  return { ...mopeft, methods };
}
