/** Runs that differ in one thing, to be compared: everything else is the same, the split included. */
import type { Capabilities, FieldInfo, FieldValue, Scale, TrainSettings } from '../../worker/protocol.ts';
import { fieldProblem, fieldsOf, gateOf, nameFor } from './setup.ts';

/** What may differ: the methods, the gate form, how the model sees images, or a field by its id. */
export interface Varied {
  readonly id: string;
  readonly label: string;
  /** What is tried at first, as a person would write it; null where there is nothing to write. */
  readonly suggested: string | null;
}

/** Most runs of one comparison. */
const MOST = 12;
const METHODS = 'methods';
const GATES = 'gates';
const SCALE = 'scale';
const SEED = 'train.seed';
/** Runs that differ in these are measured on other images or objects, or differ in nothing that is measured. */
const UNCOMPARED = [
  ...[
    'splitOrder',
    'evalImages',
    'evalObjects',
    'evalEvery',
    'minSize',
    'minArea',
    'checkpointEvery',
    'memory',
  ],
].map((name) => `train.${name}`);

/** Everything that the runs of a comparison may differ in. */
export function variedChoices(settings: TrainSettings, capabilities: Capabilities): readonly Varied[] {
  const fields = fieldsOf(capabilities, settings).filter(({ id }) => !UNCOMPARED.includes(id));
  const seed = fields.filter(({ id }) => id === SEED);
  const others = fields.filter(({ id }) => id !== SEED);
  return [
    { id: METHODS, label: 'Methods', suggested: null },
    ...seed.map((field) => choiceOf(field, settings)),
    ...(settings.methods.length > 0 ? [{ id: GATES, label: 'Gates', suggested: null }] : []),
    { id: SCALE, label: 'Scale', suggested: 'whole, 512' },
    ...others.map((field) => choiceOf(field, settings)),
  ];
}

function choiceOf(field: FieldInfo, settings: TrainSettings): Varied {
  const value = settings.values[field.id] ?? field.default;
  return { id: field.id, label: field.label, suggested: suggestedOf(field, value) };
}

/** For a number half of it, itself and its double; for the seed the next two. */
function suggestedOf(field: FieldInfo, value: FieldValue): string | null {
  switch (field.kind) {
    case 'choice':
    case 'switch':
      return null;
    case 'integer':
    case 'number': {
      const number = Number(value);
      const tried = field.id === SEED ? [number, number + 1, number + 2] : [number / 2, number, 2 * number];
      const allowed = tried
        .map((each) => (field.kind === 'integer' ? Math.round(each) : Number(each.toPrecision(3))))
        .filter((each) => fieldProblem(field, each) === null);
      return [...new Set(allowed)].join(', ');
    }
  }
}

/** The runs of a comparison, or what is wrong with what was written, as a sentence. */
export function comparedRuns(
  { id, written }: { readonly id: string; readonly written: string },
  settings: TrainSettings,
  capabilities: Capabilities,
): readonly TrainSettings[] | string {
  const named = (what: string, change: Partial<TrainSettings>): TrainSettings => ({
    ...settings,
    ...change,
    name: `${settings.name}, ${what}`,
  });
  switch (id) {
    case METHODS: {
      const together = capabilities.recipes[0]?.methods ?? [];
      return [together, ...together.map((method) => [method])].map((methods) => {
        const gate = gateOf({ gate: null }, methods, capabilities);
        const fields = fieldsOf(capabilities, { methods, gate }).map((field) => [
          field.id,
          settings.values[field.id] ?? field.default,
        ]);
        const name = nameFor(methods, capabilities);
        return { ...settings, name, methods, gate, values: Object.fromEntries(fields) };
      });
    }
    case GATES:
      return capabilities.gateForms.map((form) => named(`gates ${form.label}`, { gate: form.id }));
    case SCALE: {
      const scales = parts(written).map(scaleOf);
      const wrong = scales.some((scale) => scale === null);
      if (wrong) return 'Write whole, or the side of crops in pixels: whole, 512.';
      return several(
        scales.flatMap((scale) => (scale === null ? [] : [scale])),
        (scale) => named(scale === 'whole' ? 'whole images' : `crops of ${scale} pixels`, { scale }),
      );
    }
    default: {
      const field = fieldsOf(capabilities, settings).find((each) => each.id === id);
      if (!field) return 'Choose what the runs differ in.';
      const values = valuesOf(field, written);
      const problem = values.map((value) => fieldProblem(field, value)).find((text) => text !== null);
      if (problem) return problem;
      return several(values, (value) =>
        named(`${field.label.toLowerCase()} ${labelOf(field, value)}`, {
          values: { ...settings.values, [id]: value },
        }),
      );
    }
  }
}

function several<T>(
  values: readonly T[],
  settingsOf: (value: T) => TrainSettings,
): readonly TrainSettings[] | string {
  const distinct = [...new Set(values)];
  if (distinct.length < 2) return 'Write at least two values, separated by commas.';
  if (distinct.length > MOST) return `Write at most ${MOST} values.`;
  return distinct.map(settingsOf);
}

function valuesOf(field: FieldInfo, written: string): readonly FieldValue[] {
  switch (field.kind) {
    case 'choice':
      return field.options.map(({ value }) => value);
    case 'switch':
      return [false, true];
    case 'integer':
    case 'number':
      return parts(written).map(Number);
  }
}

function labelOf(field: FieldInfo, value: FieldValue): string {
  switch (field.kind) {
    case 'choice':
      return field.options.find((option) => option.value === value)?.label.toLowerCase() ?? String(value);
    case 'switch':
      return value === true ? 'on' : 'off';
    case 'integer':
    case 'number':
      return String(value);
  }
}

function scaleOf(text: string): Scale | null {
  if (text === 'whole') return 'whole';
  const side = Number(text);
  return Number.isInteger(side) && side > 0 ? side : null;
}

function parts(written: string): readonly string[] {
  return written
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
