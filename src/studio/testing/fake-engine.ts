/**
 * An engine with invented answers, for tests of the studio alone: states that are hard to reach with the real engine
 * (a lost device, a finished run with known figures). Never part of the product.
 */
import { Failure } from '../../config/failure.ts';
import { parseFindSettings } from '../../config/find.ts';
import type { EngineClient } from '../../worker/client.ts';
import type {
  BrokenDataset,
  BrokenRun,
  CallName,
  CatalogueEntry,
  DatasetInfo,
  DatasetPreview,
  DatasetSettings,
  EngineCalls,
  EngineEvent,
  FailureRecord,
  FindSettings,
  FoundDataset,
  FoundObject,
  GatePoint,
  GpuReport,
  KeptMask,
  ModelInfo,
  OpenedLabels,
  OutFormatInfo,
  PredictRequest,
  Result,
  RunHistory,
  RunInfo,
  SampleInfo,
  ScaleInfo,
  StepPoint,
  StepProfile,
  TrainSettings,
} from '../../worker/protocol.ts';
import { CAPABILITIES } from './samples.ts';

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
  samples: [{ sampleId: 'a.png', objectCount: FAKE_FOUND.length, isReviewed: false }],
  imageCount: 1,
});

export const MODEL: ModelInfo = {
  hash: '9f2b4c1a7d3e5f60718293a4b5c6d7e8',
  name: 'mopeft-sam-tiny',
  source: 'embedded',
  embeddedId: 'mopeft-sam-tiny',
  catalogueId: null,
  parameterCount: 9_734_104,
  imageSize: 512,
  blockCount: 8,
  embedDim: 192,
  bytes: 19_468_208,
  licence: 'Trained by this project, Apache-2.0',
  family: 'SAM (vit)',
  preprocessing: {
    aspect: 'keep',
    normalisation: { kind: 'mean-std', mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], range: 1 },
  },
  decoderHeads: 4,
  remarks: [],
  leftAlone: [],
};

const FAKE_FORMATS: readonly OutFormatInfo[] = [
  { id: 'coco', label: 'COCO, run lengths', help: 'One JSON for all images.', onlyFile: 'annotations.json' },
  { id: 'yolo', label: 'YOLO segmentation', help: 'A text file for each image.', onlyFile: null },
];

const VIT_B: CatalogueEntry = {
  id: 'sam-vit-b',
  label: 'SAM ViT-B',
  use: 'Any image; the usual base for fine-tuning.',
  family: 'SAM, ViT-B',
  licence: 'Apache-2.0 (Meta AI)',
  page: 'https://huggingface.co/facebook/sam-vit-base',
  from: 'huggingface.co/facebook/sam-vit-base',
  bytes: 374_979_480,
  hasChecksum: true,
  state: 'absent',
  storedBytes: 0,
};

const SOFTWARE: GpuReport = {
  state: 'ready',
  vendor: 'google',
  architecture: 'swiftshader',
  description: 'SwiftShader Device (LLVM 16.0.0)',
  isSoftware: true,
  features: ['shader-f16'],
  limits: {
    maxBufferSize: 268435456,
    maxStorageBufferBindingSize: 134217728,
    maxStorageBuffersPerShaderStage: 8,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeInvocationsPerWorkgroup: 256,
  },
};

const MISSING: GpuReport = {
  state: 'missing',
  error: {
    code: 'gpu/no-webgpu',
    what: 'This browser has no WebGPU.',
    cure: 'Use a recent Chrome, Edge, Safari or Firefox.',
  },
};

const NO_STORAGE: FailureRecord = {
  code: 'storage/unavailable',
  what: 'The browser gives this page no storage.',
  cure: 'Leave private browsing.',
};

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

const DAMAGED: BrokenRun = {
  id: 'run-9c8b7a6d',
  bytes: 12_000_000,
  failure: {
    code: 'run/damaged',
    what: 'The record of this run cannot be read.',
    where: 'run-9c8b7a6d',
    cure: 'Delete it to free its storage.',
  },
};

export interface FakeOptions {
  readonly noGpu?: boolean;
  readonly empty?: boolean;
  readonly noStorage?: boolean;
  /** Answers in place of the invented ones. */
  readonly handlers?: Partial<Handlers>;
}

type Handlers = {
  [K in CallName]: (request: EngineCalls[K][0]) => EngineCalls[K][1] | Promise<EngineCalls[K][1]>;
};

export interface FakeEngine extends EngineClient {
  emit(event: EngineEvent): void;
  /**
   * Holds back the next answer to a call. The answer is what the engine knew when it was called.
   * Returns the function that sends it.
   */
  holdNext(name: CallName): () => void;
}

/** Starts with three datasets, one finished and one running run, unless `empty`. */
export function fakeEngine(options: FakeOptions = {}): FakeEngine {
  const holds = new Map<CallName, Promise<void>[]>();
  const listeners = new Set<(event: EngineEvent) => void>();
  let datasets: readonly DatasetInfo[] = options.empty ? [] : ['cells', 'cracks', 'leaves'].map(fakeDataset);
  let runs: readonly RunInfo[] = options.empty ? [] : [fakeRun('finished', 1), fakeRun('running', 2)];
  let broken: readonly BrokenDataset[] = options.empty ? [] : [HALF_SAVED];
  let brokenRuns: readonly BrokenRun[] = options.empty ? [] : [DAMAGED];
  let kept: readonly KeptMask[] = [];
  const labels = new Map<string, OpenedLabels>();
  let library: readonly CatalogueEntry[] = [VIT_B];
  const emit = (event: EngineEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const dataset = (id: string): DatasetInfo => datasets.find((entry) => entry.id === id) ?? fakeDataset(id);
  const changeRun = (id: string, change: Partial<RunInfo>): RunInfo => {
    runs = runs.map((run) => (run.id === id ? { ...run, ...change } : run));
    return runs.find((run) => run.id === id) ?? fakeRun('paused', 1);
  };
  const invented: Handlers = {
    boot: () => ({
      gpu: options.noGpu ? MISSING : SOFTWARE,
      capabilities: CAPABILITIES,
      model: options.noGpu ? null : MODEL,
      modelFailure: null,
      storageFailure: options.noStorage ? NO_STORAGE : null,
      deviceMemoryGiB: 8,
    }),
    'gpu.recover': () => SOFTWARE,
    capabilities: () => CAPABILITIES,
    'model.list': () => ({
      default: 'mopeft-sam-tiny',
      models: [
        { id: 'mopeft-sam-tiny', label: 'mopeft-sam-tiny', bytes: MODEL.bytes, licence: MODEL.licence },
      ],
    }),
    'model.openEmbedded': () => MODEL,
    'model.openFiles': () => MODEL,
    'model.change': () => MODEL,
    'model.library': () => ({
      embedded: [
        { id: 'mopeft-sam-tiny', label: 'mopeft-sam-tiny', bytes: MODEL.bytes, licence: MODEL.licence },
      ],
      catalogue: library,
      dropped: null,
    }),
    'model.download': ({ id }) => {
      library = library.map((entry) => (entry.id === id ? { ...entry, state: 'stored' } : entry));
      return {};
    },
    'model.openStored': ({ id }) => ({
      ...MODEL,
      hash: id,
      name: id,
      source: 'catalogue',
      embeddedId: null,
      catalogueId: id,
    }),
    'model.openDropped': () => MODEL,
    'model.free': ({ id }) => {
      library = library.map((entry) =>
        entry.id === id ? { ...entry, state: 'absent', storedBytes: 0 } : entry,
      );
      return {};
    },
    'model.memory': () => ({ peakBytes: 1_300_000_000, problem: null }),
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
    'find.run': () => ({ searchId: 'search-1', objects: FAKE_FOUND, milliseconds: 1200 }),
    'find.select': ({ settings: { iou } }) => ({
      objects: FAKE_FOUND.filter(({ predictedIou }) => predictedIou > iou),
    }),
    'find.folder': ({ datasetIds, settings }) => datasetIds.map((id) => fakeFound(id, settings)),
    'find.found': () => ({ found: null }),
    'find.image': () => ({ objects: FAKE_FOUND }),
    'find.reviewed': ({ datasetId }) => fakeFound(datasetId, parseFindSettings({})),
    'find.forget': () => ({}),
    'find.quality': () => ({ ap50: 0.8, ap: 0.6, objects: 40, found: 44, missed: 6, split: 2, merged: 1 }),
    'labels.queue': ({ datasetId }) =>
      fakeSamples(datasetId).map(({ id, status }) => ({
        sampleId: id,
        status,
        score: status === 'done' ? null : 0.4,
        reason:
          status === 'done' ? 'Not compared with the model yet.' : 'Predicted IoU is 0.60 at 64 points.',
      })),
    'train.plan': (settings) => ({
      trainable: [
        ...settings.methods.map((label) => ({ label, count: 24_576 })),
        ...(settings.trainDecoder ? [{ label: 'mask decoder', count: 4_058_340 }] : []),
      ],
      trainableCount: settings.methods.length * 24_576 + (settings.trainDecoder ? 4_058_340 : 0),
      memory: {
        peakBytes: 612 * 2 ** 20,
        parts: [
          { label: 'weights', bytes: 38 * 2 ** 20 },
          { label: 'activations', bytes: 574 * 2 ** 20 },
        ],
        largestBufferBytes: 48 * 2 ** 20,
        bufferLimitBytes: 128 * 2 ** 20,
      },
      secondsPerStep: 2.4,
      timing: 'measured',
      flopsPerStep: 9e10,
      steps: Number(settings.values['train.steps']),
      images: { train: 42, validation: 12, test: 18 },
      objects: { train: 187, validation: 51, test: 80 },
      outlook: {
        validation: { objects: 51, images: 12, error: 0.02, gain: 0.04 },
        test: { objects: 80, images: 18, error: 0.015, gain: 0.03 },
        sentences: ['With 80 test objects, the verdict can show a gain of 0.03 or more.'],
      },
      problems: [],
    }),
    'train.start': (settings) => {
      const run = { ...fakeRun('running', runs.length + 1), settings, name: settings.name };
      runs = [...runs, run];
      return run;
    },
    'train.resume': ({ runId }) => changeRun(runId, { status: 'running' }),
    'train.pause': ({ runId }) => changeRun(runId, { status: 'paused' }),
    'train.profile': ({ runId }) => {
      emit({ type: 'profile', runId, profile: FAKE_PROFILE });
      return {};
    },
    'train.stop': ({ runId }) => changeRun(runId, { status: 'stopped' }),
    'train.list': () => runs,
    'train.broken': () => brokenRuns,
    'train.history': () => fakeHistory(120),
    'train.rename': ({ runId, name }) => changeRun(runId, { name }),
    'train.note': ({ runId, note }) => changeRun(runId, { note }),
    'train.delete': ({ runId }) => {
      runs = runs.filter((run) => run.id !== runId);
      brokenRuns = brokenRuns.filter((run) => run.id !== runId);
      return {};
    },
    'segment.prepare': () => ({}),
    'segment.open': async (source) => ({
      imageId: 'image',
      name: source.kind === 'file' ? source.file.name : `${source.sampleId}.png`,
      width: 320,
      height: 240,
      bitmap: await fakeBitmap(320, 240, 'a'),
    }),
    'segment.embed': ({ variant }) => ({
      milliseconds: 812,
      gates: variant.kind === 'base' ? null : (fakeGates(60, 'cells').layers ?? null),
    }),
    'segment.predict': fakePrediction,
    'segment.maskPng': () => ({ name: 'mask.png', mime: 'image/png', bytes: new Uint8Array(8) }),
    'segment.keep': () => {
      const mask: KeptMask = {
        id: String(kept.length),
        imageName: 'a.png',
        variantLabel: 'base',
        created: Date.now(),
        area: 11_304,
        bytes: 900,
      };
      kept = [...kept, mask];
      return mask;
    },
    'segment.kept': () => kept,
    'segment.deleteKept': ({ id }) => {
      kept = kept.filter((mask) => mask.id !== id);
      return {};
    },
    'output.adapter': () => [],
    'output.historyCsv': () => ({ name: 'history.csv', mime: 'text/csv', bytes: new Uint8Array(4) }),
    'output.report': () => ({ name: 'report.html', mime: 'text/html', bytes: new Uint8Array(4) }),
    'output.formats': () => FAKE_FORMATS,
    'output.labels': () => ({ images: 6, objects: 20, file: new Blob(['labels']), remarks: [] }),
    'output.keptMask': () => ({ name: 'mask.png', mime: 'image/png', bytes: new Uint8Array(4) }),
    'output.masksZip': () => ({ name: 'masks.zip', mime: 'application/zip', bytes: new Uint8Array(4) }),
    'output.importAdapter': () => fakeRun('imported', 9),
    'project.parts': () => ({
      datasets: [{ id: 'cells', bytes: 3 * 2 ** 20 }],
      runs: [{ id: 'run-1', bytes: 2 ** 20, checkpointBytes: 5 * 2 ** 20 }],
    }),
    'project.write': () => ({ file: new Blob(['project']), bytes: 7 }),
    'project.look': () => null,
    'project.add': () => ({ datasets: [], runs: [], refusals: [] }),
  };
  const handlers: Handlers = { ...invented, ...options.handlers };
  return {
    call: async (name, request) => {
      try {
        const value = await handlers[name](request);
        await holds.get(name)?.shift();
        return { ok: true, value } as Result<typeof value>;
      } catch (thrown) {
        if (thrown instanceof Failure) return { ok: false, error: thrown.record };
        throw thrown;
      }
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onEnd: () => () => undefined,
    terminate: () => undefined,
    emit,
    holdNext: (name) => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      holds.set(name, [...(holds.get(name) ?? []), held]);
      return release;
    },
  };
}

const FAKE_PROFILE: StepProfile = {
  step: 121,
  clock: 'timestamps',
  kinds: ['linear', 'attention', 'layernorm'].map((label, i) => ({
    label,
    count: 40 - 10 * i,
    microseconds: 90_000 / (i + 1),
    flops: 1e9,
    bytes: 1e7,
  })),
};

function fakeDataset(id: string): DatasetInfo {
  return {
    id,
    name: id,
    created: 1_790_000_000_000,
    imageCount: 26,
    maskedCount: 24,
    labelling: { unlabelled: 2, inWork: 0, done: 24 },
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
    scale: FAKE_SCALE,
  };
}

const FAKE_SCALE: ScaleInfo = {
  chosen: 'whole',
  suggested: 'whole',
  longestSide: 320,
  sentence: 'Where a model of 256 pixels sees whole images, the median object is 38 pixels wide.',
  tooSmall: null,
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
        severity: 'notice',
        code: 'data/reading-ignored',
        what: '255 is ignored: it lies only along borders of the others, at most 4 pixels wide.',
        where: 'masks/',
        cure: 'If it stands for something, choose what is ignored.',
      },
    ],
    samples: [],
    scale: { ...FAKE_SCALE, chosen: scale },
    channels: null,
  };
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

export function fakeRun(status: RunInfo['status'], serial: number): RunInfo {
  const settings: TrainSettings = {
    name: 'MoPEFT',
    datasetIds: ['cells', 'cracks', 'leaves'],
    methods: ['lora', 'prefix', 'adapter'],
    trainDecoder: true,
    gate: 'unipelt',
    values: { 'train.steps': 200, 'lora.rank': 8 },
  };
  const measure = { base: 0.612, tuned: 0.734, gainLow: 0.081, gainHigh: 0.162, n: 87, images: 18 };
  return {
    id: `run-${serial}`,
    name: serial === 1 ? 'MoPEFT on three domains' : `MoPEFT ${serial}`,
    status,
    step: status === 'finished' ? 200 : 120,
    steps: 200,
    settings,
    datasets: settings.datasetIds.map((id) => ({ id, name: id })),
    scale: 'whole',
    modelName: MODEL.name,
    modelHash: MODEL.hash,
    fitsModel: true,
    created: 1_790_000_000_000 + serial * 1000,
    updated: 1_790_000_000_000,
    bestStep: 100,
    bestScore: 0.741,
    secondsPerStep: 2.4,
    checkpointStep: 120,
    failure: null,
    bytes: 16_900_000,
    verdict:
      status === 'finished'
        ? {
            box: measure,
            click: { ...measure, base: 0.488, tuned: 0.69 },
            perDataset: settings.datasetIds.map((id) => ({
              datasetId: id,
              name: id,
              box: measure,
              click: { ...measure, base: 0.488, tuned: 0.69 },
            })),
            sentence: 'It helped: masks of the test images are better by 0.12 IoU by box and 0.20 by click.',
            suggestion: 'Try the preset Balanced: the validation IoU was still rising at the end.',
          }
        : null,
  };
}

function fakeStep(step: number): StepPoint {
  const loss = 1.2 * Math.exp(-step / 60) + 0.4 + 0.15 * Math.sin(step * 2.3);
  return {
    step,
    loss,
    focal: loss / 2,
    dice: loss / 3,
    iou: loss / 6,
    learningRate: 1e-3,
    milliseconds: 2400,
    spans: { data: 20, encoding: 180, waiting: 2100, busy: 2310 },
  };
}

function fakeGates(step: number, datasetId: string): GatePoint {
  const shift = { cells: 0.1, cracks: -0.05, leaves: 0.02 }[datasetId] ?? 0;
  return {
    step,
    datasetId,
    layers: Array.from({ length: 8 }, (_, block) => ({
      lora: 0.5 + (step / 120) * (shift + 0.015 * block),
      prefix: 0.49 - (step / 120) * (shift + 0.02 * (4 - block)),
      adapter: 0.51 + (step / 120) * (0.18 - 0.03 * block),
    })),
  };
}

function fakeHistory(steps: number): RunHistory {
  const ids = ['cells', 'cracks', 'leaves'];
  const marks = Array.from({ length: steps / 20 + 1 }, (_, index) => index * 20);
  return {
    steps: Array.from({ length: steps }, (_, index) => fakeStep(index + 1)),
    evals: marks.flatMap((step) =>
      ids.map((datasetId, index) => ({
        step,
        datasetId,
        split: 'validation' as const,
        boxIou: 0.6 + 0.15 * (1 - Math.exp(-step / 50)) - 0.03 * index,
        clickIou: 0.45 + 0.2 * (1 - Math.exp(-step / 50)) - 0.03 * index,
        n: 20,
      })),
    ),
    gates: marks.flatMap((step) => ids.map((id) => fakeGates(step, id))),
    looks: ids.map(fakeLook),
  };
}

function fakeLook(dataset: string, index: number): RunHistory['looks'][number] {
  const [width, height] = [96, 72];
  const mask = (radius: number) => circle(width, height, 48, 36, radius);
  return {
    ...{ dataset, sample: `${dataset}_03.png`, prompt: 'click', width, height },
    rgb: Uint8Array.from({ length: 3 * width * height }, (_, i) => 90 + 40 * Math.sin(i / 97) + 20 * index),
    base: { step: 0, iou: 0.41 + 0.1 * index, mask: mask(14) },
    now: { step: 120, iou: 0.62 + 0.1 * index, mask: mask(24) },
  };
}

function fakePrediction(request: PredictRequest): EngineCalls['segment.predict'][1] {
  const point = request.points.at(-1) ?? { x: 160, y: 120 };
  return {
    predictionId: `${request.variant.kind} ${request.points.length}`,
    milliseconds: 31,
    candidates: [60, 40, 20].map((radius, token) => {
      const mask = circle(320, 240, point.x, point.y, radius);
      return {
        mask,
        predictedIou: 0.94 - 0.06 * token,
        token: token + 1,
        area: mask.reduce((sum, value) => sum + value, 0),
      };
    }),
  };
}

function circle(
  width: number,
  height: number,
  x: number,
  y: number,
  radius: number,
): Uint8Array<ArrayBuffer> {
  const mask = new Uint8Array(width * height);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      if (Math.hypot(column - x, row - y) < radius) mask[row * width + column] = 1;
  return mask;
}

async function fakeBitmap(width: number, height: number, seed: string): Promise<ImageBitmap> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no 2d context');
  const hue = [...seed].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) * 37;
  context.fillStyle = `hsl(${hue % 360} 30% 30%)`;
  context.fillRect(0, 0, width, height);
  context.fillStyle = `hsl(${(hue + 90) % 360} 50% 60%)`;
  context.beginPath();
  context.arc(width / 2, height / 2, Math.min(width, height) / 4, 0, 2 * Math.PI);
  context.fill();
  return createImageBitmap(canvas);
}
