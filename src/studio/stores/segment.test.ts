import { beforeEach, expect, test, vi } from 'vitest';
import type { PredictRequest, RunInfo } from '../../worker/protocol.ts';
import { type FakeEngine, fakeEngine } from '../testing/fake-engine.ts';
import { linkEngine } from './engine-link.ts';
import { deleteRun, loadRuns, useRuns } from './runs.ts';
import {
  addPoint,
  answerShown,
  chooseCandidate,
  chooseRun,
  clearAnswers,
  keepMask,
  loadKeptMasks,
  openImage,
  selectAnswer,
  selectEmbedding,
  undo,
  useSegment,
} from './segment.ts';

const MEBIBYTE = 2 ** 20;
const bitmap: ImageBitmap = { width: 8, height: 8, close: () => undefined };
let engine: FakeEngine;
let asked: PredictRequest[] = [];
/** Bytes of each candidate's mask. */
let maskBytes = 64;

beforeEach(async () => {
  useSegment.setState(useSegment.getInitialState(), true);
  asked = [];
  maskBytes = 64;
  engine = fakeEngine({
    handlers: {
      'segment.open': (source) => {
        const name = source.kind === 'sample' ? source.sampleId : source.file.name;
        return { imageId: name, name, width: 8, height: 8, bitmap };
      },
      'segment.predict': (request) => {
        asked.push(request);
        const mask = new Uint8Array(maskBytes);
        const candidates = [1, 2, 3].map((token) => ({ mask, predictedIou: 0.9, token, area: 0 }));
        return { predictionId: `prediction-${asked.length}`, candidates, milliseconds: 1 };
      },
    },
  });
  linkEngine(engine);
  await loadRuns();
  await open('a');
});

const open = (sampleId: string) => openImage({ kind: 'sample', datasetId: 'cells', sampleId });
const click = (x: number) => addPoint({ x, y: 1, positive: true });
const changeRun = (id: string, change: Partial<RunInfo>) =>
  useRuns.setState(({ runs }) => ({
    runs: runs.map((run) => (run.id === id ? { ...run, ...change } : run)),
  }));

test('a run that got better is asked again; base keeps its answers', async () => {
  await click(1);
  await chooseRun('run-1');
  expect(asked.map(({ variant }) => variant.kind)).toEqual(['base', 'run']);
  changeRun('run-1', { step: 130 });
  expect(selectAnswer(useSegment.getState())).not.toBeNull();
  changeRun('run-1', { bestStep: 130 });
  expect(selectAnswer(useSegment.getState())).toBeNull();
  expect(selectEmbedding(useSegment.getState())).toBeNull();
  await answerShown();
  expect(selectAnswer(useSegment.getState())?.prediction.predictionId).toBe('prediction-3');
  await chooseRun(null);
  expect(selectAnswer(useSegment.getState())?.prediction.predictionId).toBe('prediction-1');
});

test('a run that is deleted is not chosen any more', async () => {
  await click(1);
  await chooseRun('run-1');
  await deleteRun('run-1');
  expect(useSegment.getState()).toMatchObject({ runId: null, side: 'base', failure: null });
  expect(selectAnswer(useSegment.getState())?.prediction.predictionId).toBe('prediction-1');
});

test('masks of old answers are let go, and come back with the candidate that was chosen', async () => {
  maskBytes = 16 * MEBIBYTE;
  await click(1);
  await click(2);
  chooseCandidate(2);
  for (const x of [3, 4, 5, 6]) await click(x);
  const { answers } = useSegment.getState();
  const held = Object.values(answers).flatMap(({ prediction }) => prediction.candidates);
  expect(held.reduce((sum, { mask }) => sum + mask.byteLength, 0)).toBeLessThanOrEqual(128 * MEBIBYTE);
  expect(held.length).toBeGreaterThan(3);
  expect(asked).toHaveLength(6);
  for (let count = 0; count < 4; count++) await undo();
  const again = asked.at(-1);
  expect(again?.points).toHaveLength(2);
  expect(again?.previous).toEqual({ predictionId: 'prediction-1', candidate: 0 });
  expect(selectAnswer(useSegment.getState())).toMatchObject({ candidate: 2 });
});

test('an answer larger than all that is kept is shown all the same', async () => {
  maskBytes = 64 * MEBIBYTE;
  await click(1);
  await click(2);
  expect(Object.keys(useSegment.getState().answers)).toHaveLength(1);
  expect(selectAnswer(useSegment.getState())?.prediction.predictionId).toBe('prediction-2');
});

test('of two images that were asked for the last one is shown, however late the first is decoded', async () => {
  const answer = engine.holdNext('segment.open');
  const slow = open('slow');
  await open('quick');
  answer();
  await slow;
  expect(useSegment.getState()).toMatchObject({ image: { name: 'quick' }, opening: false });
});

test('an answer that an image gave under the model before is not shown for the model of now', async () => {
  const answer = engine.holdNext('segment.predict');
  const slow = click(1);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  const forgotten = clearAnswers();
  answer();
  await Promise.all([slow, forgotten]);
  expect(selectAnswer(useSegment.getState())?.prediction.predictionId).toBe('prediction-2');
});

test('gates that were computed with the model before are not shown for the model of now', async () => {
  useSegment.setState({ embeddings: {} });
  const answer = engine.holdNext('segment.embed');
  const slow = answerShown();
  await clearAnswers();
  const shown = selectEmbedding(useSegment.getState());
  answer();
  await slow;
  expect(shown).not.toBeNull();
  expect(selectEmbedding(useSegment.getState())).toBe(shown);
});

test('a slow list of kept masks keeps one that was kept meanwhile', async () => {
  await click(1);
  const answer = engine.holdNext('segment.kept');
  const slow = loadKeptMasks();
  await keepMask();
  answer();
  await slow;
  expect(useSegment.getState().kept).toHaveLength(1);
});
