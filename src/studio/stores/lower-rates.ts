/** The settings with which a run may be trained again whose loss left all numbers. */
import type { Capabilities, FieldInfo, FieldValues, RunInfo } from '../../worker/protocol.ts';

const RATES: readonly string[] = ['train.lrPeft', 'train.lrGate', 'train.lrDecoder'];

/** A rate that is lowered: what the form calls it, and its values. */
export interface LowerRate {
  readonly id: string;
  readonly label: string;
  readonly before: number;
  readonly now: number;
}

/** Whether the numbers of a run left all bounds, which lower learning rates cure. */
export function hasDiverged({ status, failure }: Pick<RunInfo, 'status' | 'failure'>): boolean {
  return status === 'failed' && failure?.code === 'train/not-finite';
}

/** The learning rates that are above their defaults go back to them; where none is, all go to a third. */
export function lowerRates(
  values: FieldValues,
  { trainFields }: Pick<Capabilities, 'trainFields'>,
): readonly LowerRate[] {
  const rates = trainFields.flatMap((field) => (RATES.includes(field.id) ? rateOf(field, values) : []));
  const raised = rates.filter(({ before, now }) => before > now);
  return raised.length > 0
    ? raised
    : rates.map((rate) => ({ ...rate, now: Number((rate.before / 3).toPrecision(1)) }));
}

/** A rate with its default in place of what it is. */
function rateOf(field: FieldInfo, values: FieldValues): readonly LowerRate[] {
  const { id, label, default: usual } = field;
  const before = values[id] ?? usual;
  return typeof before === 'number' && typeof usual === 'number' ? [{ id, label, before, now: usual }] : [];
}
