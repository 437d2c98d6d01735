/** What screens offer of training, as data: methods with their fields, gate forms, presets. No screen knows a method by name. */
import {
  type ChoiceField,
  type FieldInfo,
  fieldInfos,
  type Settings,
  type SwitchField,
} from '../config/field.ts';
import type { SamConfig } from '../config/sam.ts';
import { TRAIN_FIELDS } from '../config/train.ts';
import type { GateForm } from '../peft/gates/gate-form.ts';
import { DEFAULT_GATE_FORMS, GATE_FORMS } from '../peft/gates/registry.ts';
import { budgetFields } from '../peft/kept-modules.ts';
import { RECIPES, type Recipe } from '../peft/recipes.ts';
import { METHODS } from '../peft/registry.ts';
import { sitesOf } from '../sam/encoder.ts';

export interface MethodInfo {
  /** As in the adapter file. */
  readonly id: string;
  readonly label: string;
  /** One sentence: what it adds to the model. */
  readonly help: string;
  /** Index into the studio's method palette; one colour per method everywhere. */
  readonly colourSlot: number;
  readonly fields: readonly FieldInfo[];
}

export interface GateFormInfo extends Pick<GateForm, 'id' | 'label' | 'help' | 'varies'> {
  readonly fields: readonly FieldInfo[];
}

export interface PresetInfo {
  readonly id: string;
  readonly label: string;
  readonly help: string;
  /** Values by field id; what is not named keeps its default. */
  readonly values: Settings;
}

export interface Capabilities {
  /** In the registry's order, which is also the order of the heat map's rows. */
  readonly methods: readonly MethodInfo[];
  /** Named choices of methods; the first is the default. */
  readonly recipes: readonly Recipe[];
  readonly gateForms: readonly GateFormInfo[];
  /** Ids of the default gate forms: for several methods, and for a single one. */
  readonly defaultGateForms: { readonly several: string; readonly single: string };
  readonly presets: readonly PresetInfo[];
  /** Fields of the training itself (steps, learning rates, seed, blocks, clicks …). */
  readonly trainFields: readonly FieldInfo[];
}

/** Which blocks get modules; `late` trains faster, since what comes before the first module needs no gradient. */
export const BLOCKS_FIELD = {
  kind: 'choice',
  label: 'Blocks',
  help: 'Which blocks of the image encoder get modules. The last half trains faster and needs less memory.',
  options: [
    { value: 'all', label: 'All' },
    { value: 'late', label: 'The last half' },
  ],
  default: 'all',
} as const satisfies ChoiceField;

/** Whether each dataset has a token of its own; for runs on several datasets. */
export const TOKEN_FIELD = {
  kind: 'switch',
  label: 'Tell datasets apart by a token',
  help: 'The mask decoder also reads a learned token of the dataset, so that the same click may mean another object in each. Segment then asks which dataset is meant.',
  default: false,
} as const satisfies SwitchField;

/** Where the screens' training fields stand in ids: `train.steps`. */
export const TRAIN_PREFIX = 'train';

/** Where those of the gate form do: `gate.budget`. */
export const GATE_PREFIX = 'gate';

export const PRESETS: readonly PresetInfo[] = [
  {
    id: 'quick',
    label: 'Quick',
    help: 'For a first look: 60 steps, validated on at most 12 images per dataset.',
    values: { 'train.steps': 60, 'train.evalEvery': 20, 'train.evalImages': 12, 'train.checkpointEvery': 10 },
  },
  {
    id: 'balanced',
    label: 'Balanced',
    help: 'A good first choice: 300 steps, modules in every block.',
    values: {},
  },
  {
    id: 'best',
    label: 'Best',
    help: 'Up to 1,500 steps of four images; stops when ten validations in a row bring no gain.',
    values: { 'train.steps': 1500, 'train.imagesPerStep': 4, 'train.evalEvery': 75, 'train.patience': 10 },
  },
  {
    id: 'low-memory',
    label: 'Low memory',
    help: 'For small GPUs: modules in the last half of the blocks, one object at a time.',
    values: { 'train.blocks': 'late', 'train.objectsPerPass': 1, 'train.objectsPerImage': 3 },
  },
];

/** Everything for one model; defaults of some fields depend on its sizes. */
export function capabilitiesFor(sam: SamConfig): Capabilities {
  const sites = sitesOf(sam);
  // In the studio a dataset has its own split order, on its card.
  const { splitOrder: _, ...trainFields } = TRAIN_FIELDS;
  return {
    methods: METHODS.map(({ id, label, help, colourSlot, fields }) => ({
      id,
      label,
      help,
      colourSlot,
      fields: fieldInfos(id, fields(sites)),
    })),
    recipes: RECIPES,
    gateForms: GATE_FORMS.map((form) => {
      const { id, label, help, varies } = form;
      return { id, label, help, varies, fields: fieldInfos(GATE_PREFIX, budgetFields(form)) };
    }),
    defaultGateForms: DEFAULT_GATE_FORMS,
    presets: PRESETS,
    trainFields: [
      ...fieldInfos(TRAIN_PREFIX, trainFields),
      ...fieldInfos(TRAIN_PREFIX, { blocks: BLOCKS_FIELD, token: TOKEN_FIELD }),
    ],
  };
}
