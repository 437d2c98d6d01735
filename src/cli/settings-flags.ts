import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { Failure } from '../config/failure.ts';
import type { BlockChoice, BudgetBy } from '../config/mopeft.ts';
import type { SamConfig } from '../config/sam.ts';
import { textOf } from '../config/text-of.ts';
import { parseTrainConfig, TRAIN_FIELDS, type TrainConfig } from '../config/train.ts';
import type { RunSettings } from '../engine/settings.ts';
import { GATE_FORMS, gateFormById } from '../peft/gates/registry.ts';
import { BUDGET_BY_FIELD, BUDGET_FIELD } from '../peft/kept-modules.ts';
import { methodsByName, RECIPES } from '../peft/recipes.ts';
import { METHODS } from '../peft/registry.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import type { WeightPrecision } from '../sam/halves.ts';
import { choiceFlag, numberFlag, requiredFlag, wrongArguments } from './arguments.ts';

const ids = (records: readonly { readonly id: string }[]): string => records.map(({ id }) => id).join('|');

/** Flags that say what is trained, by which method, in how much memory. */
export const SETTINGS_FLAGS = {
  method: { type: 'string' },
  gate: { type: 'string' },
  budget: { type: 'string' },
  'budget-by': { type: 'string' },
  token: { type: 'boolean' },
  blocks: { type: 'string' },
  'freeze-decoder': { type: 'boolean' },
  fit: { type: 'string' },
  weights: { type: 'string' },
  config: { type: 'string' },
} as const;

/** Gate forms that keep a share of the modules. */
const CHOOSING = GATE_FORMS.flatMap(({ id, budget }) => (budget ? [id] : []));

export const SETTINGS_USAGE = `  --method M: ${ids([...RECIPES, ...METHODS])}|a+b…
      [--gate ${ids(GATE_FORMS)}] [--token] [--blocks all|late|0,1…] [--freeze-decoder] [--config FILE.json]
  --gate says how far each module is opened: from the image (unipelt, mass), by dataset (task), never (none), or whether it is kept
  (budget, hard). --blocks gives modules to all blocks of the image encoder, the last half or those of these numbers;
  --freeze-decoder leaves the mask decoder as it is.
  --budget 0.25 keeps that share of the modules' parameters, with --gate ${CHOOSING.join('|')} (default ${CHOOSING[0]}).
      [--budget-by ${BUDGET_BY_FIELD.options.map(({ value }) => value).join('|')}] decides with --gate budget which modules go first.
  --gate task and --token tell the datasets of --data apart, by gates or by a prompt token for each.
  --weights f32|f16 stores what is not trained in full (default) or in half precision, for half its memory.
  --fit MIB chooses what is kept in memory so that the run takes at most so much; the default takes little.
  FILE.json may hold {"train": {…}, "blocks": "all"|"late"|[…], "budget": 0.25, "settings": {"METHOD": {…}, …}}; flags
      override it.`;

type Flags = { readonly [K in keyof typeof SETTINGS_FLAGS]?: string | boolean | undefined };

const ConfigFile = v.strictObject({
  train: v.exactOptional(v.record(v.string(), v.union([v.number(), v.string(), v.boolean()]))),
  blocks: v.exactOptional(v.union([v.picklist(['all', 'late']), v.array(v.number())])),
  budget: v.exactOptional(v.number()),
  settings: v.exactOptional(
    v.record(v.string(), v.record(v.string(), v.union([v.number(), v.string(), v.boolean()]))),
  ),
});

/**
 * The settings that flags and the file of `--config` decide for a model.
 * @param train what further flags say of the training.
 * @throws Failure `cli/arguments`, `cli/config`, `config/invalid`, `peft/…`.
 */
export async function settingsOf(
  flags: Flags,
  sam: SamConfig,
  usage: string,
  train: Readonly<Record<string, number | string>>,
): Promise<RunSettings> {
  const text = textOfFlag(flags);
  const file = await configFile(flags);
  const gate = text('gate');
  const blocks = blocksFlag(text('blocks'), usage) ?? file.blocks;
  const budgetBy = budgetByFlag(text('budget-by'), usage);
  const { min, max } = BUDGET_FIELD;
  const budget = numberFlag(text('budget'), 'budget', usage, { min, max }) ?? file.budget;
  return {
    mopeft: resolveMopeft(
      {
        methods: methodsByName(requiredFlag(text('method'), 'method', usage)),
        trainDecoder: flags['freeze-decoder'] !== true,
        ...(gate !== undefined && { gate: gateFormById(gate).id }),
        ...(budget !== undefined && { budget }),
        ...(budgetBy !== undefined && { budgetBy }),
        ...(flags.token === true && { token: true }),
        ...(blocks !== undefined && { blocks }),
        ...(file.settings && { settings: file.settings }),
      },
      sam,
    ),
    train: await trainSettingsOf(flags, usage, train),
  };
}

/** The part of {@link settingsOf} that does not depend on the model. */
export async function trainSettingsOf(
  flags: Flags,
  usage: string,
  train: Readonly<Record<string, number | string>>,
): Promise<TrainConfig> {
  const text = textOfFlag(flags);
  const { min, max } = TRAIN_FIELDS.memory;
  const memory = numberFlag(text('fit'), 'fit', usage, { min, max, integer: true });
  const weights = precisionFlag(text('weights'), usage);
  return parseTrainConfig({
    ...(await configFile(flags)).train,
    ...train,
    ...(memory !== undefined && { memory }),
    ...(weights && { weights }),
  });
}

/** The value of `--weights`. @throws Failure `cli/arguments`. */
export function precisionFlag(text: string | undefined, usage: string): WeightPrecision | undefined {
  return choiceFlag(text, 'weights', ['f32', 'f16'], usage);
}

function budgetByFlag(text: string | undefined, usage: string): BudgetBy | undefined {
  return choiceFlag(text, 'budget-by', ['training', 'validation'], usage);
}

function textOfFlag(flags: Flags): (flag: keyof Flags) => string | undefined {
  return (flag) => {
    const value = flags[flag];
    return typeof value === 'string' ? value : undefined;
  };
}

async function configFile({ config }: Flags): Promise<v.InferOutput<typeof ConfigFile>> {
  return typeof config === 'string' ? readConfigFile(config) : {};
}

function blocksFlag(text: string | undefined, usage: string): BlockChoice | undefined {
  if (text === undefined || text === 'all' || text === 'late') return text;
  const blocks = text.split(',').map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : Number.NaN));
  if (blocks.some(Number.isNaN))
    throw wrongArguments(
      `--blocks is "${text}", which is neither all, late nor numbers and commas`,
      'Write --blocks all, --blocks late, or the numbers of blocks as --blocks 0,1',
      usage,
    );
  return blocks;
}

async function readConfigFile(path: string): Promise<v.InferOutput<typeof ConfigFile>> {
  const wrong = (what: string) =>
    new Failure({
      code: 'cli/config',
      what,
      where: path,
      cure: 'Give a JSON file with "train", "blocks" and "settings".',
    });
  const bytes = await readFile(path).catch(() => {
    throw wrong('There is no such file.');
  });
  let json: unknown;
  try {
    json = JSON.parse(textOf(bytes));
  } catch (thrown) {
    throw wrong(`The file is not valid JSON (${thrown instanceof Error ? thrown.message : String(thrown)}).`);
  }
  const parsed = v.safeParse(ConfigFile, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw wrong(`${v.getDotPath(issue) ?? 'The file'}: ${issue.message}.`);
}
