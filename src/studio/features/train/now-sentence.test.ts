import { expect, test } from 'vitest';
import { nowSentence } from './now-sentence.ts';

const at = (step: number, iou: number, datasetId = 'a') => ({
  ...{ step, datasetId, split: 'validation' as const, boxIou: iou, clickIou: iou - 0.1, n: 3 },
});
const run = { status: 'running' as const, steps: 60, bestStep: 20, checkpointStep: null };

test('says what a run does, and how it stands against the base model', () => {
  expect(nowSentence(run, 0, false, [])).toContain('It gets ready');
  expect(nowSentence(run, 0, false, [at(0, 0.5)])).toContain('It takes its first step');
  const better = [at(0, 0.5), at(0, 0.7, 'b'), at(20, 0.6), at(20, 0.7, 'b')];
  expect(nowSentence(run, 25, false, better)).toBe(
    'It learns from your training images. At the last check, step 20, it was better than the base model by 0.050 IoU.',
  );
  expect(nowSentence(run, 0, true, []), 'a bar tells it').toBe('');
  expect(nowSentence(run, 25, true, better)).toBe(
    'At the last check, step 20, it was better than the base model by 0.050 IoU.',
  );
  expect(nowSentence({ ...run, bestStep: 0 }, 25, true, better), 'a gain within its error').toMatch(
    /by 0\.050 IoU; so far the base model is kept\.$/,
  );
  expect(nowSentence(run, 60, false, [at(0, 0.5), at(40, 0.4)])).toContain('not better than the base model');
  // A run of before that was resumed has no step 0 here.
  expect(nowSentence(run, 60, false, [at(40, 0.4)])).toBe('All steps are done; the test images are next.');
  expect(nowSentence({ ...run, status: 'finished' }, 60, false, better)).toBe('');
});

test('says where a run was left, and from where it goes on', () => {
  const paused = { ...run, status: 'paused' as const };
  expect(nowSentence(paused, 0, false, [])).toBe('It is paused before its first step.');
  expect(nowSentence(paused, 25, false, [])).toBe('It is paused at step 25.');
  expect(nowSentence(paused, 60, false, [])).toBe(
    'It is paused after its last step, before its test was over.',
  );
  const left = { ...run, status: 'interrupted' as const };
  expect(nowSentence(left, 0, false, [])).toBe(
    'It was interrupted before its first step. It has no checkpoint yet: Resume begins again.',
  );
  expect(nowSentence({ ...left, checkpointStep: 20 }, 25, false, [])).toBe(
    'It was interrupted at step 25. Resume goes on from its checkpoint at step 20.',
  );
  expect(nowSentence({ ...left, checkpointStep: 60 }, 60, false, [])).toMatch(/Finish testing measures/);
});
