import { beforeEach, expect, test } from 'vitest';
import { Failure } from '../../config/failure.ts';
import type { FoundObject, ImageLabels, OpenedLabels } from '../../worker/protocol.ts';
import { type FakeEngine, fakeEngine } from '../testing/fake-engine.ts';
import { linkEngine } from './engine-link.ts';
import {
  acceptAllFound,
  acceptFound,
  changeFindSetting,
  chooseFound,
  findAll,
  findInFolder,
  rejectAllFound,
  rejectFound,
  reviewNext,
  useFind,
} from './find.ts';
import { useNotices } from './notices.ts';
import { openImage, useSegment } from './segment.ts';

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
let saved: ImageLabels[] = [];
let labels: OpenedLabels;
let reviewed: string[] = [];
let refusesSave = false;
let engine: FakeEngine;

const folder = () => ({
  datasetId: 'cells',
  settings: useFind.getState().settings,
  samples: ['a', 'b'].map((sampleId) => ({
    sampleId,
    objectCount: found.length,
    isReviewed: reviewed.includes(sampleId),
  })),
  imageCount: 2,
});

beforeEach(async () => {
  saved = [];
  reviewed = [];
  refusesSave = false;
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
  engine = fakeEngine({
    handlers: {
      'segment.open': (source) => {
        const name = source.kind === 'sample' ? source.sampleId : source.file.name;
        return { imageId: name, name, width: 8, height: 8, bitmap };
      },
      'find.run': () => ({ searchId: 'search', objects: found, milliseconds: 1 }),
      'find.select': ({ settings: { iou } }) => ({
        objects: found.filter((each) => each.predictedIou > iou),
      }),
      'find.folder': () => {
        isSearched = true;
        return [folder()];
      },
      'find.found': () => ({ found: isSearched ? folder() : null }),
      'find.image': () => ({ objects: found }),
      'find.reviewed': ({ sampleId }) => {
        reviewed.push(sampleId);
        return folder();
      },
      'labels.open': () => labels,
      'labels.save': ({ labels: given, history, baseRevision }) => {
        if (refusesSave) throw new Failure({ code: 'storage/full', what: 'No room.', cure: 'Make some.' });
        expect(baseRevision).toBe(labels.labels.revision);
        saved.push(given);
        labels = { ...labels, labels: { ...given, revision: baseRevision + 1 }, history };
        return { revision: baseRevision + 1, dataset: null };
      },
    },
  });
  linkEngine(engine);
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

test('accepted objects become labels, one by one however fast, and can be undone', async () => {
  await findAll();
  chooseFound(1);
  await Promise.all([acceptFound(), acceptFound()]);
  expect(ious()).toEqual([0.9]);
  expect(saved.map(({ objects }) => objects.length)).toEqual([1, 2]);
  const [last] = saved.slice(-1);
  expect(last?.status).toBe('in-work');
  expect(last?.objects.map(({ runs }) => [...runs])).toEqual([
    [10, 5],
    [20, 5],
  ]);
  expect(last?.objects[0]).toMatchObject({ classValue: 3, origin: { kind: 'found' } });
  expect(labels.history).toMatchObject({ index: 2, entries: [{ title: 'Accept found objects' }, {}] });
});

test('what cannot be kept comes back to the review', async () => {
  await findAll();
  refusesSave = true;
  await acceptAllFound();
  expect(ious().toSorted()).toEqual([0.85, 0.9, 0.95]);
  expect(saved).toEqual([]);
  expect(useNotices.getState().notices.at(-1)).toMatchObject({ tone: 'failure' });
});

test('a dataset is reviewed image by image', async () => {
  await findInFolder();
  expect(useFind.getState().objects).toEqual(found);
  await reviewNext();
  expect(reviewed, 'objects are left').toEqual([]);
  await rejectAllFound();
  expect(reviewed).toEqual(['a']);
  await reviewNext();
  expect(useSegment.getState().image?.name).toBe('b');
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
