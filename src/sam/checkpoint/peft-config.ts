import * as v from 'valibot';
import { Failure } from '../../config/failure.ts';
import { isRecord } from '../../config/is-record.ts';

/** A JSON file beside the weights. */
export interface ConfigFile {
  readonly name: string;
  readonly json: unknown;
}

/** Defaults of PEFT's LoraConfig, which count where its JSON says nothing. */
const DEFAULT_RANK = 8;
const DEFAULT_ALPHA = 8;

const patterns = v.nullish(v.record(v.string(), v.pipe(v.number(), v.finite())), {});
const ConfigSchema = v.looseObject({
  r: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  lora_alpha: v.optional(v.pipe(v.number(), v.finite())),
  use_rslora: v.nullish(v.boolean(), false),
  rank_pattern: patterns,
  alpha_pattern: patterns,
  base_model_name_or_path: v.nullish(v.string(), null),
  bias: v.nullish(v.string(), 'none'),
  init_lora_weights: v.nullish(v.union([v.boolean(), v.string()]), true),
});

/** Ways of initialising that change the base model's own weights too. */
const CHANGES_BASE = /^(pissa|olora|loftq|corda|lora_ga|lora-ga)/i;
/** Settings that change what LoRA computes, each off by default. */
const VARIANTS = [
  'use_dora',
  'use_qalora',
  'use_bdlora',
  'lora_bias',
  'kasa_config',
  'velora_config',
  'monteclora_config',
  'arrow_config',
  'alora_invocation_tokens',
  'layer_replication',
  'trainable_token_indices',
  'target_parameters',
];

/** What a PEFT `adapter_config.json` says that matters here. */
export interface PeftConfig {
  /** What a module's change is multiplied by. @param module its name in the base model; @param rank that of its tensors. */
  readonly scaleOf: (module: string, rank: number) => number;
  readonly isRank: (rank: number) => boolean;
  readonly rank: number;
  readonly baseName: string | null;
  readonly remarks: readonly string[];
}

/**
 * @param type what the tensors are.
 * @throws Failure `adapter/setting` that names the setting which cannot be applied exactly.
 */
export function parsePeftConfig({ name, json }: ConfigFile, type: 'LORA' | 'IA3' = 'LORA'): PeftConfig {
  expectType(name, json, type);
  const parsed = v.safeParse(ConfigSchema, json);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const setting = v.getDotPath(issue) ?? 'the file';
    throw refused(
      name,
      setting,
      issue.message,
      'Use the adapter_config.json that PEFT wrote with the weights.',
    );
  }
  const config = parsed.output;
  expectPlain(name, config);
  const { r: rank = DEFAULT_RANK, lora_alpha: alpha = DEFAULT_ALPHA, use_rslora: usesRoot } = config;
  const alphas = Object.entries(config.alpha_pattern ?? {}).map(([pattern, value]) => ({
    matches: matcherOf(name, pattern),
    value,
  }));
  const ranks = [rank, ...Object.values(config.rank_pattern ?? {})];
  return {
    scaleOf: (module, own) =>
      (alphas.find(({ matches }) => matches(module))?.value ?? alpha) / (usesRoot ? Math.sqrt(own) : own),
    isRank: (own) => ranks.includes(own),
    rank,
    baseName: config.base_model_name_or_path || null,
    remarks:
      config.lora_alpha === undefined
        ? [`${name} does not say lora_alpha, so PEFT's default of ${DEFAULT_ALPHA} counts.`]
        : [],
  };
}

/** Before its other settings, which mean something else in other types. */
function expectType(name: string, json: unknown, wanted: 'LORA' | 'IA3'): void {
  if (!isRecord(json))
    throw refused(name, 'the file', 'it is no JSON object', 'Use the adapter_config.json that PEFT wrote.');
  const { peft_type: type = 'LORA' } = json;
  if (typeof type === 'string' && type.toUpperCase() === wanted) return;
  const read = wanted === 'LORA' ? 'only LORA is read' : `its tensors are those of ${wanted}`;
  throw refused(name, 'peft_type', `it is ${String(type)}, and ${read}`);
}

function expectPlain(
  name: string,
  config: v.InferOutput<typeof ConfigSchema> & Readonly<Record<string, unknown>>,
): void {
  const { bias, init_lora_weights: init } = config;
  if (bias !== 'none') throw refused(name, 'bias', `it is ${bias}, and only none is read`);
  if (typeof init === 'string' && CHANGES_BASE.test(init)) {
    throw refused(
      name,
      'init_lora_weights',
      `${init} changes the base model's own weights too`,
      'Save it again with path_initial_model_for_weight_conversion, which makes a plain LoRA of it.',
    );
  }
  const variant = VARIANTS.find((setting) => isOn(config[setting]));
  if (variant !== undefined) throw refused(name, variant, 'it changes what LoRA computes');
}

function isOn(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/**
 * Whether a module's name is that of a pattern: the name itself or how it ends. Patterns are regular expressions in PEFT; only
 * plain names are read, since an expression from a file may take for ever.
 */
function matcherOf(name: string, pattern: string): (module: string) => boolean {
  const plain = pattern.replaceAll('\\.', '.').replace(/\$$/, '');
  const whole = plain.startsWith('^');
  const text = whole ? plain.slice(1) : plain;
  if (!/^[\w.]+$/.test(text)) {
    throw refused(name, 'alpha_pattern', `${pattern} is an expression, and only names of modules are read`);
  }
  return (module) => module === text || (!whole && module.endsWith(`.${text}`));
}

function refused(
  where: string,
  setting: string,
  detail: string,
  cure = 'Merge it into its model with merge_and_unload() in Python and open the result as a model.',
): Failure {
  return new Failure({
    code: 'adapter/setting',
    what: `This PEFT adapter cannot be applied because of its setting ${setting}: ${detail}.`,
    where,
    cure,
  });
}

/** The config of an adapter of which only `lora_alpha` is known. */
export function configOfAlpha(alpha: number): PeftConfig {
  return { scaleOf: (_, rank) => alpha / rank, isRank: () => true, rank: 0, baseName: null, remarks: [] };
}
