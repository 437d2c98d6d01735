import { beforeEach, expect, test } from 'vitest';
import type { FoundObject, ImageLabels, OpenedLabels } from '../../worker/protocol.ts';
import { type FakeEngine, fakeEngine } from '../testing/fake-engine.ts';
import { useEdit } from './edit-history.ts';
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
import { flushLabels } from './labels.ts';
import { useNotices } from './notices.ts';
import { openImage } from './open-image.ts';
import { useSegment } from './segment.ts';

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

test('accepted objects become labels, each a step, and all that are left in one', async () => {
  await findAll();
  chooseFound(1);
  acceptFound();
  expect(ious()).toEqual([0.9, 0.85]);
  await acceptAllFound();
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
  expect(last?.objects[0]).toMatchObject({ classValue: 3, origin: { kind: 'found' } });
  expect(useEdit.getState().history.entries.map(({ title }) => title)).toEqual([
    'Accept found',
    'Accept found',
  ]);
});

test('objects of a file that belongs to no dataset stay in the review', async () => {
  await openImage({ kind: 'file', file: new File([], 'b.png') });
  await findAll();
  acceptFound();
  expect(ious()).toEqual([0.9, 0.95, 0.85]);
  expect(useNotices.getState().announcement).toMatch(/kept for images of a dataset/);
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
