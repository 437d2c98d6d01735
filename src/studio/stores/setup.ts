/** The form for a new run, built from the engine's capabilities, and what the run would cost. */
import * as v from 'valibot';
import { create } from 'zustand';
import type {
  Capabilities,
  DatasetInfo,
  FailureRecord,
  FieldInfo,
  FieldValue,
  FieldValues,
  PlanReport,
  RunInfo,
  Scale,
  TrainSettings,
} from '../../worker/protocol.ts';
import { callEngine } from './engine-link.ts';
import { keepInTab } from './kept.ts';
import { Latest } from './latest.ts';

/** What a person wants to segment with: which first prompts a run trains with. */
export type Goal = 'either' | 'click' | 'box' | 'class';

/** The first prompts of each goal. A whole class is measured by clicks and boxes too, so these stay on. */
const GOAL_VALUES: Readonly<Record<Goal, FieldValues>> = {
  either: prompts(true, true, false),
  click: prompts(true, false, false),
  box: prompts(false, true, false),
  class: prompts(true, true, true),
};

function prompts(click: boolean, box: boolean, whole: boolean): FieldValues {
  return { 'train.clickPrompts': click, 'train.boxPrompts': box, 'train.wholePrompts': whole };
}

interface SetupState {
  readonly name: string;
  readonly goal: Goal;
  readonly datasetIds: readonly string[];
  /** Null until the person chooses; the first recipe's methods count meanwhile. */
  readonly methods: readonly string[] | null;
  readonly trainDecoder: boolean;
  /** Null: the default for the number of methods. */
  readonly gate: string | null;
  readonly presetId: string | null;
  /** How the model sees all images, as in a run that was copied; null: as each dataset says. */
  readonly scale: Scale | null;
  /** Fields that the person changed, by id. */
  readonly changed: FieldValues;
  readonly plan: PlanReport | null;
  /** What a run with each preset would take in seconds, by its id; without those that cannot be planned. */
  readonly presetSeconds: Readonly<Record<string, number>>;
  readonly planFailure: FailureRecord | null;
  readonly planning: boolean;
}

export const useSetup = create<SetupState>()(() => ({
  name: '',
  goal: 'either',
  datasetIds: [],
  methods: null,
  trainDecoder: true,
  gate: null,
  presetId: null,
  scale: null,
  changed: {},
  plan: null,
  presetSeconds: {},
  planFailure: null,
  planning: false,
}));

const FIELD_VALUE = v.union([v.number(), v.string(), v.boolean()]);
keepInTab(useSetup, 'new run', {
  name: v.string(),
  goal: v.picklist(['either', 'click', 'box', 'class']),
  datasetIds: v.array(v.string()),
  methods: v.nullable(v.array(v.string())),
  trainDecoder: v.boolean(),
  gate: v.nullable(v.string()),
  presetId: v.nullable(v.string()),
  scale: v.nullable(v.union([v.literal('whole'), v.number()])),
  changed: v.record(v.string(), FIELD_VALUE),
});

const set = useSetup.setState;

export const nameRun = (name: string): void => set({ name });
export const chooseTrainDecoder = (trainDecoder: boolean): void => set({ trainDecoder });
export const forgetScale = (): void => set({ scale: null });
export const chooseGate = (gate: string): void => set({ gate });

export const chooseGoal = (goal: Goal): void =>
  // What was changed of the prompts by hand gives way to the goal.
  set(({ changed }) => ({
    goal,
    changed: Object.fromEntries(Object.entries(changed).filter(([id]) => !(id in GOAL_VALUES[goal]))),
  }));

/** Fills the form with the settings of a run, to be changed and started as a new one: over the preset that is nearest to them. */
export function branchFrom({ settings }: Pick<RunInfo, 'settings'>, capabilities: Capabilities): void {
  const { datasetIds, methods, trainDecoder, gate, scale = null, values } = settings;
  const goals: readonly Goal[] = ['either', 'click', 'box', 'class'];
  const goal = goals.find((each) =>
    Object.entries(GOAL_VALUES[each]).every(([id, value]) => (values[id] ?? value) === value),
  );
  const form = { name: '', datasetIds, methods, trainDecoder, gate, scale, goal: goal ?? 'either' };
  const changedFrom = (presetId: string | null) => {
    const own = settingsOf({ ...form, presetId, changed: {} }, capabilities).values;
    return Object.fromEntries(Object.entries(values).filter(([id, value]) => own[id] !== value));
  };
  const count = (presetId: string | null): number => Object.keys(changedFrom(presetId)).length;
  const [nearest] = capabilities.presets.toSorted((a, b) => count(a.id) - count(b.id));
  const presetId = nearest?.id ?? null;
  set({ ...form, presetId, changed: changedFrom(presetId) });
}

/** Whether one box around the image can ask for everything: there is one class in each dataset. */
export function hasOneClass(datasets: readonly Pick<DatasetInfo, 'classes'>[]): boolean {
  return datasets.length > 0 && datasets.every(({ classes }) => classes.length === 1);
}

/** Ticks datasets that have just come in. */
export function tickDatasets(ids: readonly string[]): void {
  set(({ datasetIds }) => ({ datasetIds: [...new Set([...datasetIds, ...ids])] }));
}

/** Leads to a run of one dataset, whatever was ticked before. */
export function chooseDataset(id: string): void {
  set({ datasetIds: [id] });
}

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
  'name' | 'goal' | 'datasetIds' | 'methods' | 'trainDecoder' | 'gate' | 'presetId' | 'scale' | 'changed'
>;

/** Changed fields over the goal and the preset over the defaults; fields of methods that are not chosen are left out. */
export function settingsOf(form: Form, capabilities: Capabilities): TrainSettings {
  const methods = form.methods ?? capabilities.recipes[0]?.methods ?? [];
  const preset =
    capabilities.presets.find((candidate) => candidate.id === form.presetId) ?? capabilities.presets[0];
  const gate = gateOf(form, methods, capabilities);
  const values: Record<string, FieldValue> = {};
  for (const field of fieldsOf(capabilities, { methods, gate })) {
    values[field.id] =
      form.changed[field.id] ?? GOAL_VALUES[form.goal][field.id] ?? preset?.values[field.id] ?? field.default;
  }
  return {
    name: form.name.trim() || nameFor(methods, capabilities),
    datasetIds: form.datasetIds,
    methods,
    trainDecoder: methods.length === 0 || form.trainDecoder,
    gate,
    ...(form.scale !== null && { scale: form.scale }),
    values,
  };
}

/** The gate form of a form's methods: the chosen one, or the default for their number. */
export function gateOf(
  { gate }: Pick<Form, 'gate'>,
  methods: readonly string[],
  { defaultGateForms }: Capabilities,
): string {
  if (methods.length === 0) return defaultGateForms.single;
  return gate ?? defaultGateForms[methods.length > 1 ? 'several' : 'single'];
}

/** The fields of training, of the gate form and of these methods. */
export function fieldsOf(
  capabilities: Capabilities,
  { methods, gate }: Pick<TrainSettings, 'methods' | 'gate'>,
): readonly FieldInfo[] {
  return [
    ...capabilities.trainFields,
    ...gateFieldsOf(capabilities, { methods, gate }),
    ...capabilities.methods
      .filter((method) => methods.includes(method.id))
      .flatMap((method) => method.fields),
  ];
}

/** The fields of the gate form; none without a method. */
export function gateFieldsOf(
  { gateForms }: Capabilities,
  { methods, gate }: Pick<TrainSettings, 'methods' | 'gate'>,
): readonly FieldInfo[] {
  return methods.length === 0 ? [] : (gateForms.find(({ id }) => id === gate)?.fields ?? []);
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

/** Whether a run with these settings tells its datasets apart, by gates of each or by a token, and so can be asked for one. */
export function tellsDatasetsApart(
  { gate, values }: Pick<TrainSettings, 'gate' | 'values'>,
  gateForms: Capabilities['gateForms'],
): boolean {
  const form = gateForms.find(({ id }) => id === gate);
  return values['train.token'] === true || form?.varies === 'by-dataset';
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
  const wrong = fieldsOf(capabilities, settings).some((field) =>
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

/** The settings of a form with each preset, by its id, without what was changed of the presets by hand. */
export function presetSettings(
  form: Form,
  capabilities: Capabilities,
): readonly (readonly [id: string, settings: TrainSettings])[] {
  return capabilities.presets.map(({ id }) => [
    id,
    settingsOf({ ...form, name: '', presetId: id, changed: {} }, capabilities),
  ]);
}

/** Fetches what each preset would take, one after the other, so that the plan of a change waits for at most one. */
export async function updatePresetTimes(presets: ReturnType<typeof presetSettings>): Promise<void> {
  const asked = latest.replace('presets');
  const seconds: Record<string, number> = {};
  for (const [id, settings] of presets) {
    const result = settings.datasetIds.length > 0 ? await callEngine('train.plan', settings) : null;
    if (!latest.isCurrent('presets', asked)) return;
    if (!result?.ok || result.value.flopsPerStep === 0) continue;
    const { secondsPerStep, steps, secondsOfChecks } = result.value;
    seconds[id] = secondsPerStep * steps + secondsOfChecks;
  }
  set({ presetSeconds: seconds });
}
