import { beforeEach, expect, test, vi } from 'vitest';
import type { EmbedRequest, ImageRegion, PredictRequest, RunInfo } from '../../worker/protocol.ts';
import { type FakeEngine, fakeEngine } from '../testing/fake-engine.ts';
import { resetEdit, useEdit } from './edit-history.ts';
import { linkEngine } from './engine-link.ts';
import { keepMask, loadKeptMasks, useKeptMasks } from './kept-masks.ts';
import { useNotices } from './notices.ts';
import { openImage, useOpening } from './open-image.ts';
import { addPoint, chooseCloseUp, promptWholeImage, redo, undo } from './prompts.ts';
import { deleteRun, loadRuns, useRuns } from './runs.ts';
import {
  answerShown,
  chooseCandidate,
  chooseDataset,
  chooseRun,
  clearAnswers,
  regionText,
  selectAskedVariant,
  selectDatasetNames,
  selectEmbedding,
  shownAnswer,
  showRegion,
  useSegment,
} from './segment.ts';

const MEBIBYTE = 2 ** 20;
const bitmap: ImageBitmap = { width: 8, height: 8, close: () => undefined };
let engine: FakeEngine;
let asked: PredictRequest[] = [];
let encoded: EmbedRequest[] = [];
/** Bytes of each candidate's mask. */
let maskBytes = 64;

beforeEach(async () => {
  useSegment.setState(useSegment.getInitialState(), true);
  resetEdit();
  asked = [];
  encoded = [];
  maskBytes = 64;
  engine = fakeEngine({
    handlers: {
      'segment.open': (source) => {
        const name = source.kind === 'sample' ? source.sampleId : source.file.name;
        return { imageId: name, name, width: 8, height: 8, bitmap };
      },
      'segment.embed': (request) => {
        encoded.push(request);
        const { variant } = request;
        const dataset = variant.kind === 'run' ? variant.dataset : undefined;
        const [index, by] = dataset === undefined ? [1, 'features' as const] : [dataset, 'name' as const];
        const names = ['inner', 'whole'];
        return {
          milliseconds: encoded.length,
          gates: null,
          ...(variant.kind === 'run' && { asked: { names, index, name: names[index] ?? '', by } }),
        };
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

test('another dataset of a run is asked anew; until a person says which, the engine chooses', async () => {
  await click(1);
  await chooseRun('run-1');
  expect(asked.at(-1)?.variant).toEqual({ kind: 'run', runId: 'run-1' });
  expect(selectAskedVariant(useSegment.getState())).toEqual({ kind: 'run', runId: 'run-1', dataset: 1 });
  const choosing = chooseDataset(0);
  expect(selectEmbedding(useSegment.getState()), 'the image is being encoded for it').toBeNull();
  expect(selectDatasetNames(useSegment.getState()), 'the choice stays').toEqual(['inner', 'whole']);
  await choosing;
  expect(useNotices.getState().announcement).toMatch(/^Mask found as in inner, predicted IoU/);
  expect(asked.at(-1)?.variant).toEqual({ kind: 'run', runId: 'run-1', dataset: 0 });
  expect(selectEmbedding(useSegment.getState())?.asked).toMatchObject({ name: 'inner', by: 'name' });
  await chooseDataset(1);
  expect(useNotices.getState().announcement).toMatch(/^Mask found as in whole/);
  await chooseDataset(0);
  expect(useNotices.getState().announcement, 'an answer that was there').toMatch(/^Mask found as in inner/);
  const before = asked.length;
  await open('b');
  await click(1);
  expect(asked[before]?.variant).toEqual({ kind: 'run', runId: 'run-1', dataset: 0 });
  await chooseRun('run-2');
  expect(asked.at(-1)?.variant).toEqual({ kind: 'run', runId: 'run-2' });
});

test('a run that got better is asked again; base keeps its answers', async () => {
  await click(1);
  await chooseRun('run-1');
  expect(asked.map(({ variant }) => variant.kind)).toEqual(['base', 'run']);
  changeRun('run-1', { step: 130 });
  expect(shownAnswer()).not.toBeNull();
  changeRun('run-1', { bestStep: 130 });
  expect(shownAnswer()).toBeNull();
  expect(selectEmbedding(useSegment.getState())).toBeNull();
  await answerShown();
  expect(shownAnswer()?.prediction.predictionId).toBe('prediction-3');
  await chooseRun(null);
  expect(shownAnswer()?.prediction.predictionId).toBe('prediction-1');
});

test('a run that is deleted is not chosen any more', async () => {
  await click(1);
  await chooseRun('run-1');
  await deleteRun('run-1');
  expect(useSegment.getState()).toMatchObject({ runId: null, side: 'base', failure: null });
  expect(shownAnswer()?.prediction.predictionId).toBe('prediction-1');
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
  expect(shownAnswer()).toMatchObject({ candidate: 2 });
});

test('an answer larger than all that is kept is shown all the same', async () => {
  maskBytes = 64 * MEBIBYTE;
  await click(1);
  await click(2);
  expect(Object.keys(useSegment.getState().answers)).toHaveLength(1);
  expect(shownAnswer()?.prediction.predictionId).toBe('prediction-2');
});

test('of two images that were asked for the last one is shown, however late the first is decoded', async () => {
  const answer = engine.holdNext('segment.open');
  const slow = open('slow');
  await open('quick');
  answer();
  await slow;
  expect(useSegment.getState()).toMatchObject({ image: { name: 'quick' } });
  expect(useOpening.getState().opening).toBe(false);
});

test('an answer that an image gave under the model before is not shown for the model of now', async () => {
  const answer = engine.holdNext('segment.predict');
  const slow = click(1);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  const forgotten = clearAnswers();
  answer();
  await Promise.all([slow, forgotten]);
  expect(shownAnswer()?.prediction.predictionId).toBe('prediction-2');
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

/** An image of 1,000 × 800 pixels, of which a part is in view. */
function zoomIn(region: ImageRegion | null = VISIBLE): void {
  const { image } = useSegment.getState();
  if (image) useSegment.setState({ image: { ...image, width: 1000, height: 800 } });
  showRegion(region);
}
const VISIBLE: ImageRegion = [400, 300, 600, 450];
const said = () => regionText(useSegment.getState(), useEdit.getState().prompts);
const shown = () => shownAnswer()?.prediction.predictionId;
const clickAt = (x: number, y: number) => addPoint({ x, y, positive: true });

test('when zoomed in the model looks at the visible part, and an answer is refined in its region', async () => {
  zoomIn();
  expect(said()).toBe('The model sees the visible part: 200 × 150 pixels.');
  await answerShown();
  expect(encoded.map(({ region }) => region)).toEqual([undefined, VISIBLE]);
  await clickAt(450, 350);
  showRegion([410, 300, 610, 450]);
  expect(said()).toBe('The model sees 200 × 150 pixels around the prompts.');
  await clickAt(500, 400);
  expect(asked.map(({ region, previous }) => [region, previous?.predictionId])).toEqual([
    [VISIBLE, undefined],
    [VISIBLE, 'prediction-1'],
  ]);
  // Closer, the region is another, and an earlier mask does not fit it.
  showRegion([440, 340, 520, 400]);
  await clickAt(470, 370);
  expect(asked[2]).toMatchObject({ region: [440, 340, 520, 400], previous: null });
  await undo();
  await undo();
  expect(shown()).toBe('prediction-1');
  await redo();
  expect(shown()).toBe('prediction-2');
  expect(asked).toHaveLength(3);
});

test('the whole image is an option, which answers again and can be undone', async () => {
  zoomIn();
  await clickAt(450, 350);
  await chooseCloseUp(false);
  expect(said()).toBe('The model sees the whole image.');
  expect(asked.map(({ region }) => region)).toEqual([VISIBLE, undefined]);
  expect(asked[1]?.points).toEqual([{ x: 450, y: 350, positive: true }]);
  await chooseCloseUp(true);
  expect(asked[2]?.region).toEqual(VISIBLE);
  await undo();
  expect(shown()).toBe('prediction-2');
  await chooseCloseUp(true);
  await promptWholeImage();
  expect(asked.at(-1)).toMatchObject({ points: [], box: { x0: 0, y0: 0, x1: 1000, y1: 800 } });
  expect(asked.at(-1)?.region).toBeUndefined();
});

test('of two parts that were looked at, the later one counts, whichever is encoded first', async () => {
  zoomIn();
  const answer = engine.holdNext('segment.embed');
  const call = vi.spyOn(engine, 'call');
  const slow = answerShown();
  showRegion([0, 0, 200, 150]);
  await answerShown();
  expect(call.mock.calls[0]?.[2]?.signal?.aborted).toBe(true);
  expect(selectEmbedding(useSegment.getState())?.milliseconds).toBe(3);
  answer();
  await slow;
  expect(selectEmbedding(useSegment.getState())?.milliseconds).toBe(3);
  expect(useSegment.getState().busy).toBeNull();
  // What is there is not asked for again.
  await answerShown();
  expect(encoded).toHaveLength(3);
});

test('a part is encoded once however often it is asked for meanwhile, and not at all where another image is open', async () => {
  zoomIn();
  const answer = engine.holdNext('segment.embed');
  const slow = answerShown();
  await answerShown();
  expect(encoded).toHaveLength(2);
  await open('b');
  expect(useSegment.getState().visible).toBeNull();
  answer();
  await slow;
  expect(encoded.map(({ imageId, region }) => [imageId, region])).toEqual([
    ['a', undefined],
    ['a', VISIBLE],
    ['b', undefined],
  ]);
  expect(selectEmbedding(useSegment.getState())?.milliseconds).toBe(3);
});

test('a slow list of kept masks keeps one that was kept meanwhile', async () => {
  await click(1);
  const answer = engine.holdNext('segment.kept');
  const slow = loadKeptMasks();
  await keepMask();
  answer();
  await slow;
  expect(useKeptMasks.getState().kept).toHaveLength(1);
});
