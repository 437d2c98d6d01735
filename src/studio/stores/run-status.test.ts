import { expect, test } from 'vitest';
import { LEFT_ELSEWHERE } from '../../worker/protocol.ts';
import { fakeEngine } from '../testing/fake-engine.ts';
import { fakeRun } from '../testing/fake-runs.ts';
import { caution, isResumable, isUsable, missingDatasets } from './run-status.ts';

test('a run that was left after its last step can be resumed for its test, a finished one cannot', () => {
  const atTheEnd = { step: 200, steps: 200, checkpointStep: 200 };
  expect(isResumable({ ...fakeRun('paused', 1), ...atTheEnd })).toBe(true);
  expect(isResumable({ ...fakeRun('interrupted', 1), ...atTheEnd })).toBe(true);
  expect(isResumable({ ...fakeRun('finished', 1), ...atTheEnd })).toBe(false);
  expect(isResumable(fakeRun('running', 1))).toBe(false);
});

test('a run knows which of its datasets were deleted, by the names that they had', async () => {
  const engine = fakeEngine();
  await engine.call('data.delete', { datasetId: 'cracks' });
  const left = await engine.call('data.list', {});
  expect(left.ok && missingDatasets(fakeRun('paused', 1), left.value)).toEqual(['cracks']);
});

test('a run without a checkpoint can be resumed from its start, unless it failed', () => {
  expect(isResumable({ ...fakeRun('interrupted', 1), checkpointStep: null })).toBe(true);
  expect(isResumable({ ...fakeRun('failed', 1), checkpointStep: null })).toBe(false);
  const full = { code: 'storage/full', what: 'The disk is full.', cure: 'Delete something.' };
  expect(isResumable({ ...fakeRun('failed', 1), checkpointStep: null, failure: full })).toBe(true);
  expect(isResumable(fakeRun('failed', 1))).toBe(true);
  const notFinite = { code: 'train/not-finite', what: 'The loss is not a number.', cure: 'Start a new run.' };
  expect(isResumable({ ...fakeRun('failed', 1), failure: notFinite }), 'the same step comes again').toBe(
    false,
  );
  const elsewhere = { code: LEFT_ELSEWHERE, what: 'It was left.', cure: 'Go on there.' };
  expect(isResumable({ ...fakeRun('stopped', 1), failure: elsewhere })).toBe(false);
});

test('a run has weights to use once it was validated, or when it came in with them', () => {
  const unmeasured = { bestStep: null, bestScore: null, checkpointStep: 0 };
  expect(isUsable({ ...fakeRun('paused', 1), ...unmeasured })).toBe(false);
  expect(isUsable({ ...fakeRun('paused', 1), checkpointStep: null })).toBe(true);
  expect(isUsable({ ...fakeRun('imported', 1), ...unmeasured })).toBe(true);
  expect(isUsable({ ...fakeRun('finished', 1), fitsModel: false })).toBe(false);
});

test('before weights are used it is said that they are the base model, or not better than it', () => {
  const { verdict } = fakeRun('finished', 1);
  if (!verdict) throw new Error('no verdict');
  const of = (
    box: readonly [number, number],
    click: readonly [number, number],
    bestStep: number | null = 9,
  ) => {
    const interval = ([gainLow, gainHigh]: readonly [number, number]) => ({ gainLow, gainHigh });
    return caution({
      bestStep,
      verdict: {
        ...verdict,
        box: { ...verdict.box, ...interval(box) },
        click: { ...verdict.click, ...interval(click) },
      },
    });
  };
  expect(of([0.1, 0.2], [-0.1, 0.2])).toBeNull();
  expect(of([-0.1, 0.2], [-0.1, 0.2])).toBe('not shown to be better than the base model');
  expect(of([-0.2, -0.1], [-0.1, 0.2])).toBe('worse than the base model');
  expect(of([-0.2, -0.1], [0.1, 0.2])).toBe('in part worse than the base model');
  expect(of([0, 0], [0, 0], 0)).toBe('kept the base model');
  expect(caution({ bestStep: 3, verdict: null })).toBeNull();
});
