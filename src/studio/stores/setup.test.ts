import { expect, test } from 'vitest';
import type { TrainSettings } from '../../worker/protocol.ts';
import { fakeEngine } from '../testing/fake-engine.ts';
import { fakeRuns } from '../testing/fake-runs.ts';
import { CAPABILITIES } from '../testing/samples.ts';
import { linkEngine } from './engine-link.ts';
import {
  branchFrom,
  changeField,
  chooseDataset,
  chooseGoal,
  fieldProblem,
  type Goal,
  hasOneClass,
  nameFor,
  presetSettings,
  settingsOf,
  tickDatasets,
  toggleDataset,
  updatePlan,
  updatePresetTimes,
  useSetup,
} from './setup.ts';

const form = {
  name: '',
  goal: 'either' as Goal,
  datasetIds: ['a'],
  methods: null,
  trainDecoder: true,
  gate: null,
  presetId: null,
  scale: null,
  changed: {},
};

test('without a choice the first recipe is trained, gated, with the first preset', () => {
  const settings = settingsOf(form, CAPABILITIES);
  expect(settings.methods).toEqual(['lora', 'prefix', 'adapter']);
  expect(settings.gate).toBe('unipelt');
  expect(settings.name).toBe('MoPEFT');
  expect(settings.values['train.steps']).toBe(60);
});

test('a changed field wins over the preset, the preset over the default', () => {
  const settings = settingsOf({ ...form, presetId: 'balanced', changed: { 'lora.rank': 4 } }, CAPABILITIES);
  expect(settings.values['train.steps']).toBe(300);
  expect(settings.values['lora.rank']).toBe(4);
});

const PROMPTS = {
  ...CAPABILITIES,
  trainFields: [
    ...CAPABILITIES.trainFields,
    ...['click', 'box', 'whole'].map((kind) => ({
      id: `train.${kind}Prompts`,
      kind: 'switch' as const,
      label: kind,
      help: '',
      default: true,
    })),
  ],
};
const promptsOf = (more: Partial<typeof form>) => {
  const { values } = settingsOf({ ...form, ...more }, PROMPTS);
  return ['click', 'box', 'whole'].filter((kind) => values[`train.${kind}Prompts`]);
};

test('what a person wants chooses the first prompts, and a change by hand wins until another goal is chosen', () => {
  expect(promptsOf({})).toEqual(['click', 'box']);
  expect(promptsOf({ goal: 'click' })).toEqual(['click']);
  expect(promptsOf({ goal: 'box' })).toEqual(['box']);
  expect(promptsOf({ goal: 'class' })).toEqual(['click', 'box', 'whole']);
  expect(promptsOf({ goal: 'box', changed: { 'train.clickPrompts': true } })).toEqual(['click', 'box']);
  changeField('train.clickPrompts', true);
  changeField('train.steps', 7);
  chooseGoal('box');
  expect(useSetup.getState()).toMatchObject({ goal: 'box', changed: { 'train.steps': 7 } });
});

test('everything of a class can be asked for where every dataset has one class', () => {
  const dataset = (count: number) => ({
    classes: Array.from({ length: count }, (_, value) => ({ value, name: `${value}`, objectCount: 1 })),
  });
  expect(hasOneClass([dataset(1), dataset(1)])).toBe(true);
  expect(hasOneClass([dataset(1), dataset(2)])).toBe(false);
  expect(hasOneClass([])).toBe(false);
});

test('datasets that come in are ticked once, and can be unticked', () => {
  tickDatasets(['a', 'b']);
  tickDatasets(['b', 'c']);
  toggleDataset('a', false);
  expect(useSetup.getState().datasetIds).toEqual(['b', 'c']);
});

test('a run of what was labelled has its dataset alone, whatever came in before', () => {
  tickDatasets(['a', 'b']);
  chooseDataset('b');
  expect(useSetup.getState().datasetIds).toEqual(['b']);
});

test('a single method is ungated and brings only its own fields', () => {
  const settings = settingsOf({ ...form, methods: ['prefix'] }, CAPABILITIES);
  expect(settings.gate).toBe('none');
  expect('prefix.count' in settings.values).toBe(true);
  expect('lora.rank' in settings.values).toBe(false);
});

test('no method means the decoder is trained, whatever the switch says', () => {
  const settings = settingsOf({ ...form, methods: [], trainDecoder: false, gate: 'mass' }, CAPABILITIES);
  expect(settings.trainDecoder).toBe(true);
  expect(settings.gate).toBe('none');
  expect(nameFor([], CAPABILITIES)).toBe('Decoder only');
});

test('several methods are gated by default, and are named after their recipe if there is one', () => {
  const settings = settingsOf({ ...form, methods: ['lora', 'adapter'] }, CAPABILITIES);
  expect(settings.gate).toBe('unipelt');
  expect(settings.name).toBe('LoRA + Adapter');
});

test('a method that no recipe names joins nothing by itself', () => {
  const [method] = CAPABILITIES.methods;
  if (!method) throw new Error('the sample capabilities have no method');
  const more = { ...CAPABILITIES, methods: [...CAPABILITIES.methods, { ...method, id: 'another' }] };
  expect(settingsOf(form, more).methods).toEqual(['lora', 'prefix', 'adapter']);
  expect(nameFor(['adapter', 'prefix', 'lora'], more)).toBe('MoPEFT');
});

test('numbers out of range say their range', () => {
  const steps = CAPABILITIES.trainFields.find((field) => field.id === 'train.steps');
  if (!steps) throw new Error('the sample capabilities have no steps');
  expect(fieldProblem(steps, 60)).toBeNull();
  expect(fieldProblem(steps, 0)).toContain('from 1 to');
  expect(fieldProblem(steps, 1.5)).toContain('whole');
  expect(fieldProblem(steps, Number.NaN)).toContain('number');
});

test('of two plans the one that was asked for last is shown', async () => {
  const engine = fakeEngine();
  linkEngine(engine);
  const answer = engine.holdNext('train.plan');
  const slow = updatePlan(settingsOf({ ...form, methods: ['lora'] }, CAPABILITIES), CAPABILITIES);
  await updatePlan(settingsOf({ ...form, methods: ['prefix'] }, CAPABILITIES), CAPABILITIES);
  answer();
  await slow;
  expect(useSetup.getState().plan?.trainable[0]?.label).toBe('prefix');
});

test('each preset has the time that the engine plans for its settings, whatever was changed by hand', async () => {
  const { 'train.plan': plan } = fakeRuns({}, () => undefined);
  const secondsOf = ({ values }: TrainSettings) => (values['train.blocks'] === 'late' ? 1 : 3);
  linkEngine(
    fakeEngine({
      handlers: {
        'train.plan': async (settings) => ({
          ...(await plan(settings)),
          secondsPerStep: secondsOf(settings),
        }),
      },
    }),
  );
  const capabilities = {
    ...CAPABILITIES,
    trainFields: CAPABILITIES.trainFields.map((field) => ({
      ...field,
      id: field.id === 'peft.blocks' ? 'train.blocks' : field.id,
    })),
    presets: [
      ...CAPABILITIES.presets,
      { id: 'low-memory', label: 'Low memory', help: '', values: { 'train.blocks': 'late' } },
    ],
  };
  await updatePresetTimes(presetSettings({ ...form, changed: { 'train.steps': 7 } }, capabilities));
  expect(useSetup.getState().presetSeconds).toEqual({ quick: 210, balanced: 930, 'low-memory': 230 });
});

test('a new run from the settings of another has them all, as changed fields', () => {
  const settings = settingsOf(
    { ...form, methods: ['lora'], scale: 256, changed: { 'lora.rank': 3, 'train.boxPrompts': false } },
    PROMPTS,
  );
  branchFrom({ settings }, PROMPTS);
  const state = useSetup.getState();
  expect(state.goal).toBe('click');
  expect(settingsOf({ ...state, name: settings.name }, PROMPTS)).toEqual(settings);
});

test('a run is copied over its own preset, and only what differs from that is changed', () => {
  const settings = settingsOf({ ...form, presetId: 'balanced', changed: { 'lora.rank': 4 } }, CAPABILITIES);
  useSetup.setState({ presetId: 'quick' });
  branchFrom({ settings }, CAPABILITIES);
  expect(useSetup.getState()).toMatchObject({ presetId: 'balanced', changed: { 'lora.rank': 4 } });
  expect(Object.keys(useSetup.getState().changed)).toEqual(['lora.rank']);
});
