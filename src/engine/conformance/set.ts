import * as v from 'valibot';
import { Failure } from '../../config/failure.ts';
import type { ByteSource } from '../../sam/checkpoint/byte-source.ts';

const size = v.tuple([v.pipe(v.number(), v.integer()), v.pipe(v.number(), v.integer())]);

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const activation = v.picklist(['gelu', 'relu']);

const CaseSchema = v.object({
  methods: v.array(v.string()),
  gated: v.boolean(),
  gate: v.optional(v.string()),
  adapter_activation: v.optional(activation),
  /** Of gates by dataset and of a token: how many datasets there are, each image's, and whether there is the token. */
  datasets: v.optional(count, 0),
  dataset: v.optional(v.array(count), []),
  token: v.optional(v.boolean(), false),
  /** The share of the modules' parameters beyond which a gate form has a price. */
  budget: v.optional(v.number()),
  form: v.optional(v.literal('rounds')),
  first: v.optional(v.array(v.picklist(['click', 'box']))),
  rounds: v.optional(v.number()),
});

const pair = v.tuple([v.number(), v.number()]);

const PromptSchema = v.object({
  points: v.optional(v.array(pair)),
  labels: v.optional(v.array(v.number())),
  box: v.optional(v.tuple([v.number(), v.number(), v.number(), v.number()])),
  /** The mask token used; above 0 it is the candidate with the highest predicted IoU. */
  token: v.number(),
});

const ImageSchema = v.object({
  image: v.string(),
  preprocess: v.unknown(),
  prompts: v.record(v.string(), PromptSchema),
});

/** A set that covers an image from its file to masks of its size. */
export type ImageForm = v.InferOutput<typeof ImageSchema>;
export type ImagePrompt = v.InferOutput<typeof PromptSchema>;

const SetSchema = v.object({
  batch: v.optional(v.number(), 1),
  /** Weights and `input.image` are drawn from it, see seeded.ts; without it they are in the files. */
  seed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1))),
  adapter_activation: v.optional(activation, 'gelu'),
  form: v.optional(v.literal('image')),
  postprocess: v.optional(v.object({ input_size: size, original_size: size })),
  cases: v.optional(v.record(v.string(), CaseSchema), {}),
  optimizer: v.optional(
    v.object({
      name: v.literal('AdamW'),
      lr: v.number(),
      beta1: v.number(),
      beta2: v.number(),
      eps: v.number(),
      weight_decay: v.number(),
      steps: v.number(),
    }),
  ),
});

/** What a set's json says beside the model's config. */
export type SetDescription = v.InferOutput<typeof SetSchema>;
export type CaseDescription = v.InferOutput<typeof CaseSchema>;

/** A set's json: the given form, or an image's. */
export interface ParsedSet {
  readonly description: SetDescription;
  readonly image: ImageForm | null;
}

/** A set as found in a folder: its json, and the files whose names begin with its name, by file name. */
export interface SetFiles {
  readonly name: string;
  readonly json: string;
  readonly files: ReadonlyMap<string, ByteSource>;
}

/** Reads `NAME.json`; `parseSamConfig` reads the model's config in it. */
export function parseSet({ name, json }: Pick<SetFiles, 'name' | 'json'>): ParsedSet {
  const where = `${name}.json`;
  const bad = (what: string) =>
    new Failure({
      code: 'conformance/set',
      what,
      where,
      cure: 'Give a folder of conformance sets: NAME.json with NAME.base.safetensors and the others beside it.',
    });
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw bad(`The file is no JSON: ${(cause as Error).message}.`);
  }
  const parse = <S extends v.GenericSchema>(schema: S): v.InferOutput<S> => {
    const parsed = v.safeParse(schema, value);
    if (parsed.success) return parsed.output;
    const [issue] = parsed.issues;
    throw bad(`${v.getDotPath(issue) ?? 'The file'} is not usable: ${issue.message}.`);
  };
  const description = parse(SetSchema);
  return { description, image: description.form === 'image' ? parse(ImageSchema) : null };
}

/** One of the set's files. */
export function fileOf({ files }: SetFiles, file: string): ByteSource {
  const source = files.get(file);
  if (source) return source;
  throw new Failure({
    code: 'conformance/file',
    what: 'A file of the set is missing.',
    where: file,
    cure: 'Copy the whole folder of the set.',
  });
}
