/** What the fake engine finds. */
import type { CallName, FindSettings, FoundDataset, FoundObject } from '../../worker/protocol.ts';
import type { Handlers } from './fake-handlers.ts';

const FAKE_FOUND: readonly FoundObject[] = [0.95, 0.9].map((predictedIou, i) => ({
  runs: Uint32Array.of(20 * i, 10),
  area: 10,
  box: [20 * i, 0, 20 * i + 10, 1],
  predictedIou,
  stability: 0.97,
  point: [20 * i + 5, 0.5],
}));

const fakeFound = (datasetId: string, settings: FindSettings): FoundDataset => ({
  datasetId,
  settings,
  modelName: 'tiny',
  samples: [{ sampleId: 'a.png', objectCount: FAKE_FOUND.length, isReviewed: false }],
  imageCount: 1,
});

export function fakeFind(): Pick<Handlers, Extract<CallName, `find.${string}`>> {
  return {
    'find.run': () => ({
      searchId: 'search-1',
      objects: FAKE_FOUND,
      looser: null,
      classes: null,
      milliseconds: 1200,
    }),
    'find.select': ({ settings: { iou } }) => ({
      objects: FAKE_FOUND.filter(({ predictedIou }) => predictedIou > iou),
      looser: null,
    }),
    'find.folder': ({ datasetIds, settings }) => datasetIds.map((id) => fakeFound(id, settings)),
    'find.found': () => ({ found: null }),
    'find.image': () => ({ waiting: null }),
    'find.keep': () => ({}),
    'find.reviewed': () => ({ found: null }),
    'find.bring': () => ({ found: null }),
    'find.job': () => ({ job: null }),
    'find.calibrate': () => null,
    'find.quality': () => ({ ap50: 0.8, ap: 0.6, objects: 40, found: 44, missed: 6, split: 2, merged: 1 }),
  };
}
