import * as v from 'valibot';
import { Failure } from '../../config/failure.ts';
import { GATE_FORMS } from '../../config/mopeft.ts';
import type { ByteSource } from '../../sam/checkpoint/byte-source.ts';

const size = v.tuple([v.pipe(v.number(), v.integer()), v.pipe(v.number(), v.integer())]);

const activation = v.picklist(['gelu', 'relu']);

const CaseSchema = v.object({
  methods: v.array(v.string()),
  gated: v.boolean(),
  gate: v.optional(v.picklist(GATE_FORMS)),
  adapter_activation: v.optional(activation),
});

const SetSchema = v.object({
  batch: v.optional(v.number(), 1),
  adapter_activation: v.optional(activation, 'gelu'),
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

/** A set as it was found: its json, and its files by what stands between its name and `.safetensors`. */
export interface SetFiles {
  readonly name: string;
  readonly json: string;
  readonly files: ReadonlyMap<string, ByteSource>;
}

/** The form of `NAME.json`; the model's config in it is read by {@link parseSamConfig}. */
export function parseSet({ name, json }: Pick<SetFiles, 'name' | 'json'>): SetDescription {
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
  const parsed = v.safeParse(SetSchema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw bad(`${v.getDotPath(issue) ?? 'The file'} is not usable: ${issue.message}.`);
}

/** The set's file of a part. */
export function fileOf({ name, files }: SetFiles, part: string): ByteSource {
  const file = files.get(part);
  if (file) return file;
  throw new Failure({
    code: 'conformance/file',
    what: 'The set lacks this file.',
    where: `${name}.${part}.safetensors`,
    cure: 'Copy the whole folder of the set.',
  });
}
