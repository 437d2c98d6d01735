/** The datasets of the fake engine, and their labels. */
import type {
  BrokenDataset,
  CallName,
  DatasetInfo,
  DatasetPreview,
  DatasetSettings,
  OpenedLabels,
  SampleInfo,
  ScaleInfo,
} from '../../worker/protocol.ts';
import { circle, fakeBitmap } from './fake-drawing.ts';
import type { FakeOptions, Handlers } from './fake-handlers.ts';

const HALF_SAVED: BrokenDataset = {
  id: 'roots-1f2e3d4c',
  bytes: 48_000_000,
  failure: {
    code: 'data/half-saved',
    what: 'This dataset was not stored to its end.',
    where: 'roots-1f2e3d4c',
    cure: 'Delete it and import its files again.',
  },
};

export function fakeData({
  empty = false,
}: FakeOptions): Pick<Handlers, Extract<CallName, `data.${string}` | `labels.${string}`>> {
  let datasets: readonly DatasetInfo[] = empty ? [] : ['cells', 'cracks', 'leaves'].map(fakeDataset);
  let broken: readonly BrokenDataset[] = empty ? [] : [HALF_SAVED];
  const labels = new Map<string, OpenedLabels>();
  const dataset = (id: string): DatasetInfo => datasets.find((entry) => entry.id === id) ?? fakeDataset(id);
  return {
    'data.preview': () => ({ dropId: 'drop-1', datasets: [fakePreview({})], refusals: [] }),
    'data.previewWith': ({ settings }) => fakePreview(settings),
    'data.import': () => ({
      datasets: [fakeDataset('cells')],
      refusals: Array.from({ length: 11 }, (_, index) => ({
        code: 'data/text',
        what: 'This is a text file, not an image.',
        where: `images/note-${index}.png`,
        cure: 'Remove it, or export the image again as PNG or JPEG.',
      })),
    }),
    'data.discard': () => ({}),
    'data.addDemo': () => {
      datasets = ['cells', 'cracks', 'leaves'].map(fakeDataset);
      return { datasets, refusals: [] };
    },
    'data.list': () => datasets,
    'data.broken': () => broken,
    'data.rename': ({ datasetId, name }) => {
      datasets = datasets.map((entry) => (entry.id === datasetId ? { ...entry, name } : entry));
      return dataset(datasetId);
    },
    'data.delete': ({ datasetId }) => {
      datasets = datasets.filter((entry) => entry.id !== datasetId);
      broken = broken.filter((entry) => entry.id !== datasetId);
      return {};
    },
    'data.setSplitOrder': ({ datasetId, order }) => ({ ...dataset(datasetId), splitOrder: order }),
    'data.setScale': ({ datasetId, scale }) => {
      const changed = { ...dataset(datasetId), scale: { ...FAKE_SCALE, chosen: scale } };
      datasets = datasets.map((entry) => (entry.id === datasetId ? changed : entry));
      return changed;
    },
    'data.samples': ({ datasetId }) => fakeSamples(datasetId),
    'data.thumbnail': async ({ sampleId }) => ({ bitmap: await fakeBitmap(96, 96, sampleId) }),
    'data.image': async ({ sampleId }) => ({
      name: `${sampleId}.png`,
      width: 320,
      height: 240,
      bitmap: await fakeBitmap(320, 240, sampleId),
      labels: Uint16Array.from(circle(320, 240, 160, 120, 60)),
    }),
    'labels.open': ({ datasetId, sampleId }) => labels.get(`${datasetId}\n${sampleId}`) ?? FAKE_LABELS,
    'labels.save': ({ datasetId, sampleId, labels: changed, history, baseRevision }) => {
      const revision = baseRevision + 1;
      const saved = { ...FAKE_LABELS, labels: { ...changed, revision }, history };
      labels.set(`${datasetId}\n${sampleId}`, saved);
      return { revision, dataset: dataset(datasetId) };
    },
    'labels.setClasses': ({ classes }) => classes,
    'labels.queue': ({ datasetId }) =>
      fakeSamples(datasetId).map(({ id, status }) => ({
        sampleId: id,
        status,
        score: status === 'done' ? null : 0.4,
        reason:
          status === 'done' ? 'Not compared with the model yet.' : 'Predicted IoU is 0.60 at 64 points.',
      })),
  };
}

function fakeDataset(id: string): DatasetInfo {
  return {
    id,
    name: id,
    created: 1_790_000_000_000,
    imageCount: 26,
    maskedCount: 24,
    labelling: { unlabelled: 2, inWork: 0, done: 24, madeHere: 0 },
    objectCount: 213,
    maskKind: id === 'leaves' ? 'labels' : id === 'cracks' ? 'threshold' : 'binary',
    classes:
      id === 'leaves'
        ? [
            { value: 1, name: 'crop', objectCount: 120 },
            { value: 2, name: 'weed', objectCount: 93 },
          ]
        : [],
    split: { train: 14, validation: 4, test: 6 },
    splitOrder: 'shuffled',
    bytes: 3_400_000,
    refusals:
      id === 'cracks'
        ? [
            {
              code: 'data/size',
              what: 'The mask is 64 × 64 but its image is 320 × 240.',
              where: 'masks/b.png',
              cure: 'Export the mask at the size of its image.',
            },
          ]
        : [],
    shown: fakeSamples(id).slice(0, 6),
    evidence: ['Value 0 is background: 88 % of the pixels, touches every edge in all 24 masks.'],
    scale: id === 'cracks' ? FAKE_SMALL : FAKE_SCALE,
  };
}

const FAKE_SCALE: ScaleInfo = {
  chosen: 'whole',
  suggested: 'whole',
  longestSide: 320,
  sentence: 'Where a model of 256 pixels sees whole images, the median object is 38 pixels wide.',
  closer: null,
  tooSmall: null,
};

/** Of objects that are seen small in whole images. */
const FAKE_SMALL: ScaleInfo = {
  ...FAKE_SCALE,
  suggested: 160,
  sentence: 'Where a model of 256 pixels sees whole images, the median object is 16 pixels wide.',
  closer: 'In crops of 160 pixels it would be 32 pixels, which mostly gives better masks.',
};

/** Masks whose values 0, 1 and 255 are background, foreground and ignored, as far as settings do not say otherwise. */
function fakePreview({
  background = 0,
  ignore = [255],
  threshold,
  instances,
  scale = 'whole',
}: DatasetSettings): DatasetPreview {
  return {
    index: 0,
    name: 'cells',
    imageCount: 26,
    maskedCount: 24,
    reading: {
      samples: 'grey',
      meaning: instances ? 'objects' : 'foreground',
      background: String(background),
      ignored: ignore.map(String),
      threshold: threshold ?? null,
      levels: null,
      values: [
        { value: '0', share: 0.84 },
        { value: '1', share: 0.12 },
        { value: '255', share: 0.04 },
      ],
    },
    evidence: [
      'Value 0 is background: 84 % of the pixels, touches every edge in all 24 masks.',
      '255 is ignored: it lies only along borders of the others, at most 4 pixels wide.',
    ],
    remarks: [
      {
        isNotice: true,
        code: 'data/reading-ignored',
        what: '255 is ignored: it lies only along borders of the others, at most 4 pixels wide.',
        where: 'masks/',
        cure: 'If it stands for something, choose what is ignored.',
      },
    ],
    samples: [],
    scale: { ...FAKE_SCALE, chosen: scale },
    channels: null,
    runs: null,
  };
}

function fakeSamples(datasetId: string): readonly SampleInfo[] {
  return Array.from({ length: 26 }, (_, index) => ({
    id: `${datasetId}-${index}`,
    name: `${datasetId}_${String(index).padStart(2, '0')}.png`,
    width: 320,
    height: 240,
    objectCount: index < 24 ? 3 + (index % 7) : 0,
    hasMask: index < 24,
    status: index < 24 ? 'done' : 'unlabelled',
    split: index >= 24 ? null : index < 14 ? 'train' : index < 18 ? 'validation' : 'test',
  }));
}

const FAKE_LABELS: OpenedLabels = {
  labels: {
    status: 'unlabelled',
    objects: [],
    revision: 0,
    width: 320,
    height: 240,
    ignored: new Uint32Array(0),
  },
  history: { entries: [], index: 0 },
  classes: [{ value: 1, name: 'foreground', colour: '#e69f00' }],
  remark: null,
};
