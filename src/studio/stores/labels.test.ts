import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Failure } from '../../config/failure.ts';
import type { EngineCalls, OpenedLabels } from '../../worker/protocol.ts';
import { type FakeEngine, fakeEngine } from '../testing/fake-engine.ts';
import { cancelStroke, endStroke, startStroke, stroke, useBrush } from './brush.ts';
import { useDatasets } from './datasets.ts';
import { useEdit } from './edit-history.ts';
import { linkEngine } from './engine-link.ts';
import { doneAndNext, loadQueue, nextEntry, openBeside, useQueue } from './label-queue.ts';
import {
  askBeforeLeaving,
  flushLabels,
  followLabels,
  selectObjects,
  setClasses,
  setStatus,
  showLabels,
  useLabels,
} from './labels.ts';
import { useNotices } from './notices.ts';
import {
  chooseClass,
  cutAt,
  deleteSelected,
  duplicateSelected,
  fillSelected,
  mergeSelected,
  splitSelected,
  toggleLocked,
} from './objects.ts';
import { openImage } from './open-image.ts';
import { addPoint, redo, undo } from './prompts.ts';
import { useSegment } from './segment.ts';
import { useTools } from './tools.ts';

type Saved = EngineCalls['labels.save'][0];

const EMPTY: OpenedLabels = {
  labels: {
    status: 'unlabelled',
    objects: [],
    revision: 0,
    width: 40,
    height: 30,
    ignored: new Uint32Array(0),
  },
  history: { entries: [], index: 0 },
  classes: [
    { value: 1, name: 'cell', colour: '#e69f00' },
    { value: 2, name: 'debris', colour: '#56b4e9' },
  ],
  remark: null,
};

afterEach(() => vi.useRealTimers());

let engine: FakeEngine;
let saves: Saved[] = [];
let stored: Map<string, OpenedLabels>;

beforeEach(async () => {
  saves = [];
  stored = new Map();
  useDatasets.setState(useDatasets.getInitialState());
  useLabels.setState(useLabels.getInitialState());
  useNotices.setState({ notices: [] });
  useQueue.setState(useQueue.getInitialState());
  useTools.setState(useTools.getInitialState());
  useSegment.setState(useSegment.getInitialState());
  useBrush.setState({ stroke: null });
  engine = fakeEngine({
    handlers: {
      'segment.open': (source) => {
        const name = source.kind === 'sample' ? source.sampleId : source.file.name;
        const bitmap: ImageBitmap = { width: 40, height: 30, close: () => undefined };
        return { imageId: name, name, width: 40, height: 30, bitmap };
      },
      'labels.open': ({ sampleId }) => stored.get(sampleId) ?? EMPTY,
      'labels.save': (request) => {
        const revision = request.baseRevision + 1;
        const known = stored.get(request.sampleId)?.labels.revision ?? 0;
        if (known !== request.baseRevision)
          throw new Failure({
            code: 'labels/other-revision',
            what: 'Another tab saved.',
            cure: 'Open it again.',
          });
        saves.push(request);
        stored.set(request.sampleId, {
          ...EMPTY,
          labels: { ...request.labels, revision },
          history: request.history,
        });
        return { revision, dataset: null };
      },
      'labels.queue': ({ variant }) =>
        ['a', 'b', 'c'].map((sampleId) => ({
          sampleId,
          status: stored.get(sampleId)?.labels.status ?? 'unlabelled',
          score: null,
          reason: `Not looked at yet by ${variant.kind}.`,
        })),
    },
  });
  linkEngine(engine);
  await open('a');
});

const open = (sampleId: string) => openImage({ kind: 'sample', datasetId: 'cells', sampleId });
const objects = () => useEdit.getState().objects;
const areas = () => objects().map(({ runs }) => runs.filter((_, i) => i % 2).reduce((sum, n) => sum + n, 0));

/** Paints a line of one pixel's height. */
function paint(x0: number, x1: number, y: number, erases = false): void {
  useTools.setState({ radius: 0.5 });
  startStroke({ x: x0 + 0.5, y: y + 0.5 }, erases);
  stroke({ x: x0 + 0.5, y: y + 0.5 }, { x: x1 + 0.5, y: y + 0.5 });
  endStroke();
}

test('a stroke makes an object, which is saved at once and makes the image one in work', async () => {
  paint(2, 9, 5);
  expect(areas()).toEqual([8]);
  await flushLabels();
  expect(saves.at(-1)).toMatchObject({ sampleId: 'a', baseRevision: 0, labels: { status: 'in-work' } });
  expect(saves.at(-1)?.labels.objects[0]?.origin).toEqual({ kind: 'drawn' });
  // Another stroke goes on with the object that is chosen.
  paint(5, 12, 6);
  expect(areas()).toEqual([16]);
  selectObjects([]);
  paint(30, 31, 6);
  expect(areas()).toEqual([16, 2]);
  await flushLabels();
  expect(saves.at(-1)?.baseRevision).toBeLessThan(stored.get('a')?.labels.revision ?? 0);
});

test('saves run one after the other, and the last one holds everything', async () => {
  const answer = engine.holdNext('labels.save');
  paint(0, 3, 1);
  for (const y of [2, 3, 4]) paint(0, 3, y);
  answer();
  await flushLabels();
  expect(saves.map(({ baseRevision }) => baseRevision)).toEqual([0, 1]);
  expect(areas()).toEqual([16]);
  expect(stored.get('a')?.labels.objects[0]?.runs).toEqual(objects()[0]?.runs);
  expect(useLabels.getState().saved).toBe('saved');
});

test('another image opens once this one is saved, and not where that fails', async () => {
  paint(0, 3, 1);
  await open('b');
  expect(stored.get('a')?.labels.objects).toHaveLength(1);
  expect(objects()).toEqual([]);
  engine = fakeEngine({
    handlers: {
      'labels.save': () => {
        throw new Failure({ code: 'storage/full', what: 'The storage is full.', cure: 'Delete something.' });
      },
    },
  });
  linkEngine(engine);
  paint(0, 3, 1);
  await open('c');
  expect(useLabels.getState()).toMatchObject({ ref: { sampleId: 'b' }, saved: 'failed' });
  expect(objects()).toHaveLength(1);
});

test('labels that found no room are tried again by themselves, and until then the page is not left unasked', async () => {
  vi.useFakeTimers();
  let isFull = true;
  const save = vi.fn(({ baseRevision }: Saved) => {
    if (isFull) throw new Failure({ code: 'storage/full', what: 'Full.', cure: 'Delete something.' });
    return { revision: baseRevision + 1, dataset: null };
  });
  engine = fakeEngine({ handlers: { 'labels.save': save } });
  linkEngine(engine);
  const shown = () => useNotices.getState().notices.length;
  const leaving = { preventDefault: vi.fn() };
  paint(0, 3, 1);
  await flushLabels();
  selectObjects([]);
  paint(0, 3, 5);
  await flushLabels();
  // The same is said once.
  expect([useLabels.getState().saved, shown()]).toEqual(['failed', 1]);
  askBeforeLeaving(leaving);
  expect(leaving.preventDefault).toHaveBeenCalledTimes(1);
  useNotices.setState({ notices: [] });
  await vi.advanceTimersByTimeAsync(6000);
  // And not again while no one asks.
  expect([useLabels.getState().saved, shown()]).toEqual(['failed', 0]);
  isFull = false;
  await vi.advanceTimersByTimeAsync(6000);
  expect(useLabels.getState().saved).toBe('saved');
  expect(save.mock.lastCall?.[0].labels.objects).toHaveLength(2);
  askBeforeLeaving(leaving);
  expect(leaving.preventDefault).toHaveBeenCalledTimes(1);
  const tries = save.mock.calls.length;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(save).toHaveBeenCalledTimes(tries);
});

test('what is drawn while another image is on its way is saved where it was drawn', async () => {
  const call = vi.spyOn(engine, 'call');
  const answer = engine.holdNext('segment.open');
  const opening = open('b');
  await vi.waitFor(() => expect(call).toHaveBeenCalledWith('segment.open', expect.anything(), undefined));
  paint(2, 9, 10);
  selectObjects([]);
  paint(2, 9, 20);
  answer();
  await opening;
  expect(useLabels.getState().ref?.sampleId).toBe('b');
  expect(stored.get('a')?.labels.objects).toHaveLength(2);
  paint(2, 9, 5);
  await flushLabels();
  expect(stored.get('b')?.labels.objects).toHaveLength(1);
});

test('an image is closed, and the queue emptied, where its dataset is deleted', async () => {
  await loadQueue('cells');
  expect(useQueue.getState().entries).toHaveLength(3);
  useDatasets.setState({ loaded: true, datasets: [] });
  expect(useLabels.getState().ref).toBeNull();
  expect(useSegment.getState().image).toBeNull();
  expect(useQueue.getState()).toMatchObject({ datasetId: null, entries: [] });
});

test('prompts and objects of an image are there again when it is opened, with what can be undone', async () => {
  paint(0, 3, 1);
  await addPoint({ x: 20, y: 20, positive: true });
  await flushLabels();
  await open('b');
  await open('a');
  expect(areas()).toEqual([4]);
  expect(useEdit.getState().prompts.points).toHaveLength(1);
  await undo();
  await undo();
  expect(objects()).toEqual([]);
  await redo();
  expect(areas()).toEqual([4]);
});

test('what another tab saved is shown, and nothing of it is overwritten', async () => {
  paint(0, 3, 1);
  await flushLabels();
  const other = { ...EMPTY, labels: { ...EMPTY.labels, revision: 7 } };
  stored.set('a', other);
  paint(0, 3, 2);
  await flushLabels();
  expect(stored.get('a')).toBe(other);
  expect(objects()).toEqual([]);
  paint(0, 3, 2);
  await flushLabels();
  expect(stored.get('a')?.labels.revision).toBe(8);
});

test('what another tab saves of the open image is followed, unless a step here waits to be saved', async () => {
  paint(0, 3, 1);
  await flushLabels();
  const mine = stored.get('a');
  if (!mine) throw new Error('nothing was saved');
  const [object] = mine.labels.objects;
  await followLabels();
  expect(objects()[0], 'the same labels stay').toBe(object);
  stored.set('a', { ...mine, labels: { ...mine.labels, objects: [], revision: 2 } });
  await followLabels();
  expect(objects()).toEqual([]);
  paint(0, 5, 2);
  await followLabels();
  await flushLabels();
  expect(areas(), 'what is drawn after it counts').toEqual([6]);
  expect(stored.get('a')?.labels.revision).toBe(3);
});

test('the eraser takes from the object under it, and a part that is cut off is split from it', () => {
  paint(0, 8, 1);
  selectObjects([]);
  paint(4, 4, 1, true);
  expect(areas()).toEqual([8]);
  splitSelected();
  expect(areas()).toEqual([4, 4]);
  selectObjects(objects().map(({ id }) => id));
  mergeSelected();
  expect(areas()).toEqual([8]);
  duplicateSelected();
  expect(areas()).toEqual([8, 8]);
  expect(deleteSelected()).toBe(true);
  expect(areas()).toEqual([8]);
  paint(0, 0, 1, true);
  expect(areas()).toEqual([7]);
});

test('a line cuts what is chosen, or else what it goes through', () => {
  for (const [x0, y] of [
    [0, 1],
    [20, 1],
  ] as const) {
    selectObjects([]);
    paint(x0, x0 + 7, y);
  }
  const line = [
    { x: 4, y: 0 },
    { x: 4, y: 3 },
  ];
  cutAt(line);
  expect(areas()).toEqual([8, 8]);
  selectObjects([]);
  cutAt(line);
  expect(areas()).toEqual([4, 4, 8]);
  cutAt([
    { x: 0, y: 10 },
    { x: 39, y: 12 },
  ]);
  expect(areas()).toEqual([4, 4, 8]);
});

test('an object that is erased to its last pixel is gone, and comes back by undo', async () => {
  paint(3, 3, 3);
  paint(3, 3, 3, true);
  expect(objects()).toEqual([]);
  expect(useLabels.getState().selected).toEqual([]);
  await undo();
  expect(areas()).toEqual([1]);
});

test('a locked object is not changed, and keeps its pixels from others', () => {
  paint(0, 5, 1);
  const id = objects()[0]?.id ?? '';
  toggleLocked(id);
  paint(0, 9, 2);
  expect(areas()).toEqual([6]);
  expect(deleteSelected()).toBe(false);
  chooseClass(2);
  expect(objects()[0]?.classValue).toBe(1);
  selectObjects([]);
  paint(0, 9, 1);
  expect(areas()).toEqual([6, 4]);
  expect(objects()[1]?.classValue).toBe(2);
});

test('holes are filled as one step, and a stroke that is given up leaves nothing', async () => {
  for (const [x0, x1, y] of [
    [0, 4, 0],
    [0, 0, 1],
    [4, 4, 1],
    [0, 4, 2],
  ] as const)
    paint(x0, x1, y);
  expect(areas()).toEqual([12]);
  fillSelected();
  expect(areas()).toEqual([15]);
  await undo();
  startStroke({ x: 20, y: 20 }, false);
  stroke({ x: 20, y: 20 }, { x: 25, y: 20 });
  cancelStroke();
  endStroke();
  expect(areas()).toEqual([12]);
});

test('done and next goes through the queue to its end', async () => {
  paint(0, 3, 1);
  await doneAndNext();
  expect(stored.get('a')?.labels.status).toBe('done');
  expect(useLabels.getState().ref?.sampleId).toBe('b');
  await openBeside(1);
  expect(useLabels.getState().ref?.sampleId).toBe('c');
  await doneAndNext();
  expect(useLabels.getState().ref?.sampleId).toBe('b');
  await doneAndNext();
  expect(useLabels.getState()).toMatchObject({ ref: { sampleId: 'b' }, status: 'done' });
  expect(nextEntry(useQueue.getState().entries, 'b')).toBeNull();
});

test('another model has another queue', async () => {
  await loadQueue('cells');
  expect(useQueue.getState().entries[0]?.reason).toBe('Not looked at yet by base.');
  useSegment.setState({ side: 'tuned', runId: 'r' });
  await vi.waitFor(() => expect(useQueue.getState().entries[0]?.reason).toBe('Not looked at yet by run.'));
  useSegment.setState({ side: 'base', runId: null });
});

test('a status that was changed shows in the queue, and a late queue does not replace a newer one', async () => {
  const answer = engine.holdNext('labels.queue');
  const slow = loadQueue('cells');
  await vi.waitFor(() => expect(useQueue.getState().entries).toEqual([]));
  await setStatus('done');
  await loadQueue('cells');
  answer();
  await slow;
  expect(useQueue.getState().entries.map(({ status }) => status)).toEqual([
    'done',
    'unlabelled',
    'unlabelled',
  ]);
  await setStatus('in-work');
  expect(useQueue.getState().entries[0]?.status).toBe('in-work');
});

test('a class that is renamed before its addition was answered keeps the new name', async () => {
  const answers: (() => void)[] = [];
  engine = fakeEngine({
    handlers: {
      'labels.setClasses': ({ classes }) =>
        new Promise((resolve) => answers.push(() => resolve([...classes]))),
    },
  });
  linkEngine(engine);
  const names = () => useLabels.getState().classes.map(({ name }) => name);
  const added = [...EMPTY.classes, { value: 9, name: 'class 9', colour: '#e69f00' }];
  const renamed = added.map((each) => (each.value === 9 ? { ...each, name: 'debris' } : each));
  const both = [setClasses(added), setClasses(renamed)];
  for (const i of [0, 1]) {
    await vi.waitFor(() => expect(answers.length).toBeGreaterThan(i));
    answers[i]?.();
    await both[i];
    expect(names().at(-1)).toBe('debris');
  }
});

test('classes that cannot be changed stay as they were', async () => {
  engine = fakeEngine({
    handlers: {
      'labels.setClasses': () => {
        throw new Failure({
          code: 'labels/class-in-use',
          what: 'Objects have it.',
          cure: 'Change them first.',
        });
      },
    },
  });
  linkEngine(engine);
  await setClasses(EMPTY.classes.slice(1));
  expect(useLabels.getState().classes).toEqual(EMPTY.classes);
});

test('a file of no dataset takes no objects', () => {
  showLabels(null, null);
  paint(0, 3, 1);
  expect(objects()).toEqual([]);
});
