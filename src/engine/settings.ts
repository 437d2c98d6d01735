/** From what a person asks for to a run's resolved config, with the defaults of the model at hand filled in. */
import { type Fields, parseSettings } from '../config/field.ts';
import type { MopeftConfig, MopeftRequest } from '../config/mopeft.ts';
import type { SamConfig } from '../config/sam.ts';
import { parseTrainConfig, type TrainConfig } from '../config/train.ts';
import { gateFormById } from '../peft/gates/registry.ts';
import { budgetFields } from '../peft/kept-modules.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import { BLOCKS_FIELD, GATE_PREFIX, TOKEN_FIELD, TRAIN_PREFIX } from './capabilities.ts';

/** Settings as screens send them: one value by field id (`train.steps`, `lora.rank`). */
export interface FieldSettings {
  readonly methods: readonly string[];
  readonly trainDecoder: boolean;
  /** Id of a gate form; without a method it counts for nothing. */
  readonly gate: string;
  readonly values: Readonly<Record<string, number | string | boolean>>;
}

/** Method and training of a run, decided. */
export interface RunSettings {
  readonly mopeft: MopeftConfig;
  readonly train: TrainConfig;
}

/**
 * Resolves settings by field id.
 * @throws Failure `config/invalid`, `peft/…` that names the setting and what is allowed.
 */
export function resolveFieldSettings(settings: FieldSettings, sam: SamConfig): RunSettings {
  const { blocks: blockValue, token: tokenValue, ...train } = grouped(settings.values, TRAIN_PREFIX);
  const { blocks, token } = parseSettings(
    { blocks: BLOCKS_FIELD, token: TOKEN_FIELD } satisfies Fields,
    {
      ...(blockValue !== undefined && { blocks: blockValue }),
      ...(tokenValue !== undefined && { token: tokenValue }),
    },
    TRAIN_PREFIX,
  );
  const mopeft = resolveMopeft(
    {
      methods: settings.methods,
      ...(settings.methods.length > 0 && { gate: settings.gate, ...gateSettings(settings) }),
      blocks,
      token,
      trainDecoder: settings.trainDecoder,
      settings: Object.fromEntries(settings.methods.map((id) => [id, grouped(settings.values, id)])),
    },
    sam,
  );
  return { mopeft, train: parseTrainConfig(train) };
}

/** What the gate form takes of the values: the share to keep, or nothing. */
function gateSettings({ gate, values }: FieldSettings): Pick<MopeftRequest, 'budget' | 'budgetBy'> {
  const fields = budgetFields(gateFormById(gate));
  const own = Object.entries(grouped(values, GATE_PREFIX)).filter(([name]) => name in fields);
  return parseSettings(fields, Object.fromEntries(own), GATE_PREFIX);
}

/** The values whose ids start with `prefix.`, by the rest of their ids. */
function grouped(values: FieldSettings['values'], prefix: string): Record<string, number | string | boolean> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([id]) => id.startsWith(`${prefix}.`))
      .map(([id, value]) => [id.slice(prefix.length + 1), value]),
  );
}
