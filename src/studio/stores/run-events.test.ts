import { expect, test } from 'vitest';
import type { EngineEvent } from '../../worker/protocol.ts';
import { stepPoint } from '../testing/samples.ts';
import { activityText, applyEvents } from './run-events.ts';

const stepEvent = (step: number, loss?: number): EngineEvent => ({
  type: 'step',
  runId: 'r',
  point: stepPoint(step, loss),
});
const empty = { runs: [], histories: {}, activities: {}, profiles: {} };

test('points are appended in order', () => {
  const one = applyEvents(empty, [stepEvent(1), stepEvent(2)]);
  const two = applyEvents(one, [stepEvent(3)]);
  expect(two.histories.r?.steps.map((p) => p.step)).toEqual([1, 2, 3]);
});

test('steps that are run again after a resume replace the old ones', () => {
  const one = applyEvents(empty, [stepEvent(1, 5), stepEvent(2, 5), stepEvent(3, 5)]);
  const two = applyEvents(one, [stepEvent(2, 7), stepEvent(3, 8), stepEvent(4, 9)]);
  expect(two.histories.r?.steps.map((p) => p.loss)).toEqual([5, 7, 8, 9]);
});

test('evaluations of two datasets at one step are both kept', () => {
  const evalOf = (datasetId: string): EngineEvent => ({
    type: 'eval',
    runId: 'r',
    point: { step: 0, datasetId, split: 'validation', boxIou: 0.5, clickIou: 0.4, n: 3 },
  });
  const one = applyEvents(empty, [evalOf('a')]);
  const two = applyEvents(one, [evalOf('b')]);
  expect(two.histories.r?.evals.map((p) => p.datasetId)).toEqual(['a', 'b']);
});

test('the old state is left as it was', () => {
  const one = applyEvents(empty, [stepEvent(1)]);
  applyEvents(one, [stepEvent(2)]);
  expect(one.histories.r?.steps).toHaveLength(1);
});

test('an activity ends with its result, and with the next step', () => {
  const measuring: EngineEvent = { type: 'activity', runId: 'r', label: 'Measuring', done: 0, total: 1 };
  const one = applyEvents(empty, [measuring]);
  expect(one.activities.r?.label).toBe('Measuring');
  expect(applyEvents(one, [stepEvent(1)]).activities).toEqual({});
  const result: EngineEvent = {
    type: 'eval',
    runId: 'r',
    point: { step: 0, datasetId: 'a', split: 'validation', boxIou: 0.5, clickIou: 0.4, n: 3 },
  };
  expect(applyEvents(one, [result]).activities).toEqual({});
});

test('an activity says how far it is where there is more than one thing to do', () => {
  const activity = { label: 'Measuring the validation images of cells', done: 2, total: 9 };
  expect(activityText(activity)).toBe('Measuring the validation images of cells: 2 of 9');
  expect(activityText({ label: 'Opening the base model', done: 0, total: 1 })).toBe('Opening the base model');
});
