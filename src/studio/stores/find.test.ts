import { beforeEach, expect, test, vi } from 'vitest';
import { Failure } from '../../config/failure.ts';
import { type FindSettings, parseFindSettings } from '../../config/find.ts';
import { newObject } from '../../data/labels/objects.ts';
import type {
  DatasetInfo,
  FailureRecord,
  FindFolderRequest,
  FindJob,
  FoundObject,
  ImageLabels,
  OpenedLabels,
} from '../../worker/protocol.ts';
import { type FakeEngine, fakeEngine } from '../testing/fake-engine.ts';
import { MODEL } from '../testing/fake-model.ts';
import { useDatasets } from './datasets.ts';
import { useEdit } from './edit-history.ts';
import { linkEngine } from './engine-link.ts';
import { calibrate, changeFindSetting, classifyFound, findAll, loosen, measureFinding } from './find.ts';
import { findInFolders, resumeJob, takeFound, toggleFurther } from './find-folders.ts';
import { leftKept } from './find-left.ts';
import {
  acceptAllFound,
  acceptFound,
  chooseFound,
  imagesToReview,
  rejectAllFound,
  rejectFound,
  reviewNext,
} from './find-review.ts';
import { shownModel, useFind } from './find-state.ts';
import { flushLabels, selectObjects } from './labels.ts';
import { useNotices } from './notices.ts';
import { deleteSelected } from './objects.ts';
import { openImage } from './open-image.ts';
import { redo, undo } from './prompts.ts';
import { useSegment } from './segment.ts';
import { useSession } from './session.ts';

const bitmap: ImageBitmap = { width: 8, height: 8, close: () => undefined };
const found = [0.9, 0.95, 0.85].map(
  (predictedIou, i): FoundObject => ({
    runs: Uint32Array.of(10 * i, 5),
    area: 5,
    box: [0, i, 5, i + 1],
    predictedIou,
    stability: 0.97,
    point: [i, 0.5],
  }),
);
const selected = (iou: number) => {
  const objects = found.filter((each) => each.predictedIou > iou);
  const { pointsPerSide: _, cropLayers: __, ...looser } = parseFindSettings({ iou: 0.84 });
  return { objects, looser: objects.length > 0 ? null : looser };
};
let saved: ImageLabels[] = [];
/** Of an image that was not saved yet. */
let labels: OpenedLabels;
let stored: Map<string, OpenedLabels>;
let reviewed: string[] = [];
/** What is kept to be reviewed, by image. */
let kept: Map<string, readonly FoundObject[]>;
let job: FindJob | null = null;
let searched: FindFolderRequest[] = [];
let runs: object[] = [];
/** What the engine chooses by labelled images. */
let suited: Partial<FindSettings> = {};
/** How many labels were saved when it did; null before. */
let savedBefore: number | null = null;
/** Why results cannot be brought now. */
let busy: FailureRecord | null = null;
let engine: FakeEngine;

const folder = () => ({
  datasetId: 'cells',
  settings: useFind.getState().settings,
  modelName: 'tiny, First',
  samples: ['a', 'b'].map((sampleId) => ({
    sampleId,
    objectCount: found.length,
    isReviewed: reviewed.includes(sampleId),
  })),
  imageCount: 2,
});

beforeEach(async () => {
  saved = [];
  stored = new Map();
  reviewed = [];
  kept = new Map();
  job = null;
  searched = [];
  runs = [];
  suited = { iou: 0.87 };
  savedBefore = null;
  useFind.setState(useFind.getInitialState(), true);
  labels = {
    labels: {
      status: 'unlabelled',
      objects: [],
      revision: 0,
      width: 8,
      height: 8,
      ignored: new Uint32Array(),
    },
    history: { entries: [], index: 0 },
    classes: [{ value: 3, name: 'cell', colour: '#e69f00' }],
    remark: null,
  };
  let isSearched = false;
  busy = null;
  engine = fakeEngine({
    handlers: {
      'segment.open': (source) => {
        const name = source.kind === 'sample' ? source.sampleId : source.file.name;
        return { imageId: name, name, width: 8, height: 8, bitmap };
      },
      'find.run': (request) => {
        runs.push(request);
        return { searchId: 'search', ...selected(0), classes: null, milliseconds: 1 };
      },
      'find.select': ({ settings: { iou } }) => selected(iou),
      'find.folder': (request) => {
        searched.push(request);
        kept.clear();
        isSearched = true;
        job = null;
        return [folder()];
      },
      'find.job': () => ({ job }),
      'find.calibrate': ({ settings }) => {
        savedBefore = saved.length;
        return {
          settings: { ...settings, ...suited },
          images: 2,
          before: { objects: 4, found: 0, right: 0 },
          after: { objects: 4, found: 4, right: 3 },
        };
      },
      'find.found': ({ datasetId }) => ({ found: isSearched && datasetId === 'cells' ? folder() : null }),
      'find.bring': ({ file }) => {
        if (busy) throw new Failure(busy);
        isSearched ||= file.size > 0;
        return { found: file.size > 0 ? folder() : null };
      },
      'find.image': ({ sampleId }) => {
        const left = kept.get(sampleId);
        if (left) return { waiting: { objects: left, modelName: 'tiny, First' } };
        const isWaiting = isSearched && !reviewed.includes(sampleId);
        return { waiting: isWaiting ? { objects: found, modelName: 'tiny, First' } : null };
      },
      'find.keep': ({ ref, objects }) => {
        kept.set(ref.sampleId, objects);
        return {};
      },
      'find.reviewed': ({ sampleId }) => {
        kept.delete(sampleId);
        if (!isSearched) return { found: null };
        reviewed.push(sampleId);
        return { found: folder() };
      },
      'labels.open': ({ sampleId }) => stored.get(sampleId) ?? labels,
      'labels.save': ({ sampleId, labels: given, history, baseRevision }) => {
        expect(baseRevision).toBe((stored.get(sampleId) ?? labels).labels.revision);
        saved.push(given);
        stored.set(sampleId, { ...labels, labels: { ...given, revision: baseRevision + 1 }, history });
        return { revision: baseRevision + 1, dataset: null };
      },
    },
  });
  linkEngine(engine);
  const dataset = (id: string) => ({ id, name: id, scale: { chosen: 'whole' } });
  useDatasets.setState({
    loaded: true,
    datasets: ['cells', 'more'].map(dataset) as unknown as DatasetInfo[],
  });
  useSegment.setState(useSegment.getInitialState(), true);
  await openImage({ kind: 'sample', datasetId: 'cells', sampleId: 'a' });
});

const ious = () => useFind.getState().objects.map(({ predictedIou }) => predictedIou);

test('thresholds choose anew among what was found; what was rejected stays out', async () => {
  await findAll();
  expect(ious()).toEqual([0.9, 0.95, 0.85]);
  await changeFindSetting('iou', 0.87);
  expect(ious()).toEqual([0.9, 0.95]);
  rejectFound();
  expect(ious()).toEqual([0.95]);
  await changeFindSetting('iou', 0.5);
  expect(ious()).toEqual([0.95, 0.85]);
  await changeFindSetting('iou', 7);
  expect(useFind.getState().settings.iou).toBe(1);
  expect(ious()).toEqual([]);
});

test('accepted objects become labels, each a step, and all that are left in one', async () => {
  await findAll();
  chooseFound(1);
  acceptFound();
  expect(ious()).toEqual([0.9, 0.85]);
  acceptAllFound();
  expect(ious()).toEqual([]);
  await flushLabels();
  const last = saved.at(-1);
  expect(last?.status).toBe('in-work');
  // The best lies above what was accepted with it.
  expect(last?.objects.map(({ runs }) => [...runs])).toEqual([
    [10, 5],
    [20, 5],
    [0, 5],
  ]);
  expect(last?.objects[0]).toMatchObject({
    classValue: 3,
    origin: { kind: 'found', score: expect.any(Number) },
  });
  expect(useEdit.getState().history.entries.map(({ title }) => title)).toEqual([
    'Accept found',
    'Accept found',
  ]);
});

test('what was accepted is to be reviewed again when that is undone, and not when it is deleted', async () => {
  await findAll();
  acceptFound();
  expect(ious()).toEqual([0.95, 0.85]);
  await undo();
  expect(useEdit.getState().objects).toEqual([]);
  expect(ious()).toEqual([0.9, 0.95, 0.85]);
  await redo();
  expect(ious()).toEqual([0.95, 0.85]);
  expect(useEdit.getState().objects).toHaveLength(1);
  selectObjects(useEdit.getState().objects.map(({ id }) => id));
  deleteSelected();
  await undo();
  await redo();
  expect(ious()).toEqual([0.95, 0.85]);
  acceptAllFound();
  await undo();
  expect(ious().toSorted()).toEqual([0.85, 0.95]);
  await openImage({ kind: 'sample', datasetId: 'cells', sampleId: 'b' });
  expect(ious()).toEqual([]);
});

test('what is labelled already is not to be reviewed again, whether it is found now or was with the dataset', async () => {
  // Shares four of six pixels with what is found there: IoU .67.
  const label = newObject(Uint32Array.of(11, 5), 3, { kind: 'drawn' }, { id: 'own' });
  labels = { ...labels, labels: { ...labels.labels, status: 'in-work', objects: [label] } };
  await openImage({ kind: 'sample', datasetId: 'cells', sampleId: 'b' });
  await findAll();
  expect(ious()).toEqual([0.9, 0.85]);
  expect(useFind.getState()).toMatchObject({ passing: 3, labelled: 1 });
  expect(useNotices.getState().announcement).toBe('3 objects found, 1 of them labelled already.');
  await changeFindSetting('iou', 0.87);
  expect(ious()).toEqual([0.9]);
  acceptAllFound();
  await changeFindSetting('iou', 0.5);
  expect(ious(), 'what was accepted since is decided').toEqual([0.85]);
  await findAll();
  expect(ious(), 'and is labelled by now').toEqual([0.85]);
  await findInFolders();
  await openImage({ kind: 'sample', datasetId: 'cells', sampleId: 'b' });
  await vi.waitFor(() => expect(useFind.getState().labelled).toBe(2));
  expect(ious()).toEqual([0.85]);
});

test('accepted objects name the model that found them, whatever answers now', async () => {
  const names = () => saved.at(-1)?.objects.map(({ origin }) => 'model' in origin && origin.model);
  const open = (name: string) => useSession.setState({ model: { ...MODEL, name } });
  open('one');
  await findAll();
  open('two');
  acceptFound();
  await flushLabels();
  expect(names()).toEqual(['one']);
  await findInFolders();
  await openImage({ kind: 'sample', datasetId: 'cells', sampleId: 'b' });
  await vi.waitFor(() => expect(useFind.getState().objects).toEqual(found));
  acceptAllFound();
  await flushLabels();
  expect(names()?.slice(-3)).toEqual(['tiny, First', 'tiny, First', 'tiny, First']);
});

test('what is not reviewed of an image is there when it is opened again, without what was rejected', async () => {
  await findAll();
  rejectFound();
  acceptFound();
  await leftKept();
  await openImage({ kind: 'sample', datasetId: 'cells', sampleId: 'b' });
  expect(ious()).toEqual([]);
  await openImage({ kind: 'sample', datasetId: 'cells', sampleId: 'a' });
  await vi.waitFor(() => expect(ious()).toEqual([0.85]));
  expect(useFind.getState()).toMatchObject({ labelled: 1, isSearched: true, foundBy: 'tiny, First' });
  // It may be undone, then as a label that came with the image.
  await undo();
  await flushLabels();
  await openImage({ kind: 'sample', datasetId: 'cells', sampleId: 'b' });
  await openImage({ kind: 'sample', datasetId: 'cells', sampleId: 'a' });
  await vi.waitFor(() => expect(ious()).toEqual([0.85, 0.95]));
  rejectAllFound();
  await vi.waitFor(() => expect(kept.has('a')).toBe(false));
});

test('of steps in quick succession the last is kept of each image', async () => {
  await findAll();
  await leftKept();
  const stored = engine.holdNext('find.keep');
  rejectFound();
  rejectFound();
  await openImage({ kind: 'sample', datasetId: 'cells', sampleId: 'b' });
  await findAll();
  stored();
  await leftKept();
  expect([...kept].map(([id, objects]) => [id, objects.length])).toEqual([
    ['a', 1],
    ['b', 3],
  ]);
});

test('objects of a file that belongs to no dataset stay in the review', async () => {
  await openImage({ kind: 'file', file: new File([], 'b.png') });
  await findAll();
  acceptFound();
  expect(ious()).toEqual([0.9, 0.95, 0.85]);
  expect(useNotices.getState().announcement).toMatch(/kept for images of a dataset/);
});

test('a dataset is reviewed image by image; one that is left with objects comes again', async () => {
  await findInFolders();
  expect(useFind.getState().objects).toEqual(found);
  await reviewNext();
  expect(reviewed, 'objects are left').toEqual([]);
  await vi.waitFor(() => expect(useFind.getState().objects).toEqual(found));
  expect(useSegment.getState().image?.name).toBe('b');
  rejectAllFound();
  await vi.waitFor(() => expect(imagesToReview(useFind.getState())).toHaveLength(1));
  expect(reviewed).toEqual(['b']);
  await reviewNext();
  expect(useSegment.getState().image?.name).toBe('a');
});

test('images whose found objects are all labelled by now are passed over, and count as looked at', async () => {
  const label = ({ runs }: FoundObject) => newObject(runs, 3, { kind: 'drawn' }, { id: `${runs[0]}` });
  const labelled = (objects: readonly FoundObject[]): OpenedLabels => ({
    ...labels,
    labels: { ...labels.labels, objects: objects.map(label) },
  });
  stored.set('b', labelled(found));
  await findInFolders();
  await reviewNext();
  expect(reviewed).toEqual(['b']);
  expect(useSegment.getState().image?.name, 'the only one with anything left').toBe('a');
  rejectAllFound();
  await vi.waitFor(() => expect(reviewed).toEqual(['b', 'a']));
  reviewed = [];
  stored.set('b', labelled(found.slice(1)));
  await findInFolders();
  await reviewNext();
  expect(useSegment.getState().image?.name, 'one object is left').toBe('b');
  await vi.waitFor(() => expect(useFind.getState().objects).toEqual(found.slice(0, 1)));
});

test('an image in which nothing was found is not to be reviewed', () => {
  const [first, second] = folder().samples;
  if (!first || !second) throw new Error('There are two images');
  const folders = [{ ...folder(), samples: [{ ...first, objectCount: 0 }, second] }];
  expect(imagesToReview({ folders })).toEqual([{ datasetId: 'cells', sampleId: 'b' }]);
});

test('where nothing passes, one step shows what comes closest', async () => {
  await findAll();
  await changeFindSetting('iou', 0.96);
  expect(useFind.getState()).toMatchObject({ passing: 0, looser: { iou: 0.84 } });
  await loosen();
  expect(ious()).toEqual([0.9, 0.95, 0.85]);
  expect(useFind.getState()).toMatchObject({ passing: 3, looser: null, settings: { iou: 0.84 } });
});

test('thresholds chosen by labelled images choose at once', async () => {
  await findAll();
  await calibrate();
  expect(ious()).toEqual([0.9, 0.95]);
  expect(useFind.getState().calibration?.after.right).toBe(3);
  await changeFindSetting('iou', 0.5);
  expect(useFind.getState().calibration).toBeNull();
});

test('what was accepted last is saved before labelled images choose', async () => {
  await findAll();
  const stored = engine.holdNext('labels.save');
  acceptFound();
  const choosing = calibrate();
  expect(savedBefore).toBeNull();
  stored();
  await choosing;
  expect(savedBefore).toBe(1);
});

test('where labelled images show what is looked for, the image is searched again with that', async () => {
  suited = { iou: 0.2, likeness: 0.4 };
  await findAll();
  expect(runs.at(-1)).not.toHaveProperty('taughtBy');
  await calibrate();
  expect(runs).toHaveLength(2);
  expect(runs.at(-1)).toMatchObject({ taughtBy: 'cells', settings: { likeness: 0.4 } });
  expect(useFind.getState()).toMatchObject({ isAlike: true, calibration: { after: { right: 3 } } });
  // Now the threshold moves without another search, and another choice needs none.
  await changeFindSetting('likeness', 0.3);
  suited = { iou: 0.2, likeness: 0.5 };
  await calibrate();
  expect(runs).toHaveLength(2);
  await findInFolders();
  expect(searched.at(-1)).toMatchObject({ taughtBy: 'cells', settings: { likeness: 0.5 } });
  // Without likeness no one needs to be taught.
  await changeFindSetting('likeness', 0);
  await findAll();
  expect(runs.at(-1)).not.toHaveProperty('taughtBy');
  expect(useFind.getState().isAlike).toBe(false);
});

test('thresholds chosen for a run are those of what it finds, not of what the base model found', async () => {
  suited = { iou: 0.88, likeness: 0.4 };
  await findAll();
  await calibrate();
  expect(runs).toHaveLength(2);
  useSegment.setState({ runId: 'run', side: 'tuned' });
  await calibrate();
  expect(runs).toHaveLength(3);
  expect(runs.at(-1)).toMatchObject({ variant: { kind: 'run', runId: 'run' }, taughtBy: 'cells' });
  await calibrate();
  expect(runs).toHaveLength(3);
});

test('likeness that is asked for by hand is that of the open dataset, and waits for a search', async () => {
  await findAll();
  const before = ious();
  await changeFindSetting('likeness', 0.5);
  expect(useFind.getState()).toMatchObject({ taughtBy: 'cells', settings: { likeness: 0.5 } });
  expect(ious()).toEqual(before);
});

test('figures go with what they were measured with: settings, dataset and model', async () => {
  await measureFinding('validation');
  expect(useFind.getState().quality?.split).toBe('validation');
  await calibrate();
  expect(useFind.getState().quality).toBeNull();
  await measureFinding('validation');
  expect(useFind.getState()).toMatchObject({ quality: {}, calibration: {} });
  useSegment.setState({ runId: 'run', side: 'tuned' });
  expect(useFind.getState()).toMatchObject({ quality: null, calibration: null });
  const answer = engine.holdNext('find.quality');
  const measuring = measureFinding('test');
  useSegment.setState({ side: 'base' });
  answer();
  await measuring;
  expect(useFind.getState().quality).toBeNull();
});

test('thresholds are those of the open model until a person chooses', async () => {
  const open = (hash: string) => useSession.setState({ model: { ...MODEL, hash } });
  const { settings } = useFind.getState();
  expect(settings).toMatchObject({ iou: 0.88, stability: 0.95, maxArea: 0.5 });
  open('206b160798d3de95261a5d0d009f734f3e3a96cab2d54b3d2b66b1576b364abe');
  expect(useFind.getState().settings).toEqual({ ...settings, iou: 0.5, stability: 0.8 });
  open('other');
  expect(useFind.getState().settings).toEqual(settings);
  await changeFindSetting('iou', 0.7);
  open('206b160798d3de95261a5d0d009f734f3e3a96cab2d54b3d2b66b1576b364abe');
  expect(useFind.getState().settings).toEqual({ ...settings, iou: 0.7 });
});

test('thresholds that a person chose know with which model, and points a side choose none', async () => {
  const state = () => useFind.getState();
  await changeFindSetting('pointsPerSide', 32);
  expect(state().chosenWith).toBeNull();
  // The next model brings its own thresholds, and the points stay.
  useSession.setState({
    model: { ...MODEL, hash: '206b160798d3de95261a5d0d009f734f3e3a96cab2d54b3d2b66b1576b364abe' },
  });
  expect(state().settings).toMatchObject({ iou: 0.5, pointsPerSide: 32 });
  await changeFindSetting('iou', 0.7);
  expect(state().chosenWith).toBe(shownModel());
  useSegment.setState({ runId: 'run', side: 'tuned' });
  expect(state().settings.iou).toBe(0.7);
  expect(state().chosenWith).not.toBe(shownModel());
  await calibrate();
  expect(state().chosenWith).toBe(shownModel());
});

test('a class that a person gives stays when thresholds move, and is that of the label', async () => {
  labels = { ...labels, classes: [...labels.classes, { value: 5, name: 'debris', colour: '#56b4e9' }] };
  await openImage({ kind: 'sample', datasetId: 'cells', sampleId: 'b' });
  await findAll();
  classifyFound(9);
  expect(useFind.getState().objects[0]?.classValue).toBeUndefined();
  classifyFound(5);
  await changeFindSetting('iou', 0.87);
  expect(useFind.getState().objects.map(({ classValue }) => classValue)).toEqual([5, undefined]);
  acceptAllFound();
  await flushLabels();
  expect(saved.at(-1)?.objects.map(({ classValue }) => classValue)).toEqual([5, 3]);
});

test('several datasets are searched at once, and a search that was ended goes on as it was begun', async () => {
  toggleFurther('more');
  toggleFurther('deleted');
  await findInFolders();
  expect(searched[0]?.datasetIds).toEqual(['cells', 'more']);
  expect(imagesToReview(useFind.getState())).toEqual([
    { datasetId: 'cells', sampleId: 'a' },
    { datasetId: 'cells', sampleId: 'b' },
  ]);
  const settings = parseFindSettings({ iou: 0.3 });
  const request = { datasetIds: ['more'], variant: { kind: 'run', runId: 'r' }, settings } as const;
  useFind.setState({ job: { ...request, modelName: 'm', isModelOpen: true, isUnderWay: false } });
  await changeFindSetting('iou', 0.6);
  await resumeJob();
  expect(searched[1]).toMatchObject(request);
  expect(useFind.getState().job).toBeNull();
});

test('a search of an image that is not open any more is not shown', async () => {
  const answer = engine.holdNext('find.run');
  const search = findAll();
  expect(useFind.getState().work).toBe('image');
  await openImage({ kind: 'sample', datasetId: 'cells', sampleId: 'b' });
  answer();
  await search;
  expect(useFind.getState()).toMatchObject({ work: null, objects: [], isSearched: false });
});

test('results of the command line are reviewed where their images are, and else left to others', async () => {
  const file = (path: string, text: string) => ({ path, file: new File([text], 'name') });
  const came = [file('out/found.jsonl', '{}'), file('out/annotations.json', '{}')];
  const others = [file('x/found.jsonl', ''), file('x/annotations.json', '{}'), file('cells/a.png', '')];
  busy = { code: 'data/in-use', what: 'All images of this dataset are being searched.', cure: 'Wait.' };
  useNotices.setState(useNotices.getInitialState(), true);
  expect(await takeFound(came), 'refused, and not imported as images of another dataset').toEqual([]);
  expect(useNotices.getState().notices).toMatchObject([{ failure: busy }]);
  busy = null;
  expect(await takeFound([...came, ...others])).toEqual(others);
  expect(imagesToReview(useFind.getState()).map(({ sampleId }) => sampleId)).toEqual(['a', 'b']);
  expect(ious()).toEqual(found.map(({ predictedIou }) => predictedIou));
});
