/** The form for a new run, built from the engine's capabilities, and what the run would cost. */
import { create } from 'zustand';
import type {
  Capabilities,
  FailureRecord,
  FieldInfo,
  FieldValue,
  FieldValues,
  PlanReport,
  TrainSettings,
} from '../../worker/protocol.ts';
import { callEngine } from './engine-link.ts';
import { Latest } from './latest.ts';

interface SetupState {
  readonly name: string;
  readonly datasetIds: readonly string[];
  /** Null until the person chooses; the first recipe's methods count meanwhile. */
  readonly methods: readonly string[] | null;
  readonly trainDecoder: boolean;
  /** Null: the default for the number of methods. */
  readonly gate: string | null;
  readonly presetId: string | null;
  /** Fields that the person changed, by id. */
  readonly changed: FieldValues;
  readonly plan: PlanReport | null;
  readonly planFailure: FailureRecord | null;
  readonly planning: boolean;
}

export const useSetup = create<SetupState>()(() => ({
  name: '',
  datasetIds: [],
  methods: null,
  trainDecoder: true,
  gate: null,
  presetId: null,
  changed: {},
  plan: null,
  planFailure: null,
  planning: false,
}));

const set = useSetup.setState;

export const nameRun = (name: string): void => set({ name });
export const chooseTrainDecoder = (trainDecoder: boolean): void => set({ trainDecoder });
export const chooseGate = (gate: string): void => set({ gate });

export function toggleDataset(id: string, on: boolean): void {
  set((state) => ({
    datasetIds: on ? [...state.datasetIds, id] : state.datasetIds.filter((other) => other !== id),
  }));
}

/** Choosing other methods resets the gate form to their default. */
export function chooseMethods(methods: readonly string[]): void {
  set((state) => ({ methods, gate: null, trainDecoder: methods.length === 0 ? true : state.trainDecoder }));
}

/** Choosing a preset discards changed fields. */
export function choosePreset(presetId: string): void {
  set({ presetId, changed: {} });
}

export function changeField(id: string, value: FieldValue): void {
  set((state) => ({ changed: { ...state.changed, [id]: value } }));
}

type Form = Pick<
  SetupState,
  'name' | 'datasetIds' | 'methods' | 'trainDecoder' | 'gate' | 'presetId' | 'changed'
>;

/** Changed fields over the preset over the defaults; fields of methods that are not chosen are left out. */
export function settingsOf(form: Form, capabilities: Capabilities): TrainSettings {
  const methods = form.methods ?? capabilities.recipes[0]?.methods ?? [];
  const preset =
    capabilities.presets.find((candidate) => candidate.id === form.presetId) ?? capabilities.presets[0];
  const values: Record<string, FieldValue> = {};
  for (const field of fieldsOf(capabilities, methods)) {
    values[field.id] = form.changed[field.id] ?? preset?.values[field.id] ?? field.default;
  }
  return {
    name: form.name.trim() || nameFor(methods, capabilities),
    datasetIds: form.datasetIds,
    methods,
    trainDecoder: methods.length === 0 || form.trainDecoder,
    gate: gateOf(form, methods, capabilities),
    values,
  };
}

function gateOf({ gate }: Form, methods: readonly string[], { defaultGateForms }: Capabilities): string {
  if (methods.length === 0) return defaultGateForms.single;
  return gate ?? defaultGateForms[methods.length > 1 ? 'several' : 'single'];
}

/** The fields of training and of these methods. */
function fieldsOf(capabilities: Capabilities, methods: readonly string[]): readonly FieldInfo[] {
  return [
    ...capabilities.trainFields,
    ...capabilities.methods
      .filter((method) => methods.includes(method.id))
      .flatMap((method) => method.fields),
  ];
}

/** The recipe's label where the methods are those of a recipe, else their labels. */
export function nameFor(methods: readonly string[], { recipes, methods: known }: Capabilities): string {
  const recipe = recipes.find((candidate) => isSameChoice(candidate.methods, methods));
  if (recipe) return recipe.label;
  return known
    .filter((method) => methods.includes(method.id))
    .map((method) => method.label)
    .join(' + ');
}

/** Whether two lists name the same methods, in any order. */
export function isSameChoice(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}

/** What is wrong with a field's value, as a sentence; null if nothing. */
export function fieldProblem(field: FieldInfo, value: FieldValue | undefined): string | null {
  switch (field.kind) {
    case 'switch':
      return null;
    case 'choice':
      return field.options.some((option) => option.value === value) ? null : 'Choose one of the options.';
    case 'integer':
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value)) return 'Enter a number.';
      if (field.kind === 'integer' && !Number.isInteger(value)) return 'Enter a whole number.';
      if (value < field.min || value > field.max) return `Enter a number from ${field.min} to ${field.max}.`;
      return null;
  }
}

const latest = new Latest();

/** Fetches what these settings cost. */
export async function updatePlan(settings: TrainSettings, capabilities: Capabilities): Promise<void> {
  const asked = latest.replace('plan');
  const wrong = fieldsOf(capabilities, settings.methods).some((field) =>
    fieldProblem(field, settings.values[field.id]),
  );
  if (wrong || settings.datasetIds.length === 0) {
    set({ plan: null, planFailure: null, planning: false });
    return;
  }
  set({ planning: true });
  const result = await callEngine('train.plan', settings);
  if (!latest.accept('plan', asked)) return;
  set(
    result.ok
      ? { plan: result.value, planFailure: null, planning: false }
      : { plan: null, planFailure: result.error, planning: false },
  );
}
