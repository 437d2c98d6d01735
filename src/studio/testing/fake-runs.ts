/** The runs of the fake engine. */
import type {
  BrokenRun,
  CallName,
  EngineEvent,
  GatePoint,
  RunHistory,
  RunInfo,
  RunQueue,
  StepPoint,
  StepProfile,
  TrainSettings,
} from '../../worker/protocol.ts';
import { circle } from './fake-drawing.ts';
import type { FakeOptions, Handlers } from './fake-handlers.ts';
import { MODEL } from './fake-model.ts';

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

export function fakeRuns(
  { empty = false }: FakeOptions,
  emit: (event: EngineEvent) => void,
): Pick<Handlers, Extract<CallName, `train.${string}` | `queue.${string}`>> {
  let runs: readonly RunInfo[] = empty ? [] : [fakeRun('finished', 1), fakeRun('running', 2)];
  let brokenRuns: readonly BrokenRun[] = empty ? [] : [DAMAGED];
  let queue: RunQueue = { waiting: [], held: null };
  const changeQueue = (waiting: RunQueue['waiting']): RunQueue => {
    queue = { waiting, held: null };
    emit({ type: 'queue', queue });
    return queue;
  };
  const changeRun = (id: string, change: Partial<RunInfo>): RunInfo => {
    runs = runs.map((run) => (run.id === id ? { ...run, ...change } : run));
    return runs.find((run) => run.id === id) ?? fakeRun('paused', 1);
  };
  return {
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
      flopsToMeasure: { image: 1e9, object: 1e8 },
      secondsOfChecks: 30,
      steps: Number(settings.values['train.steps']),
      images: { train: 42, validation: 12, test: 18 },
      objects: { train: 187, validation: 51, test: 80 },
      outlook: {
        validation: { objects: 51, images: 12, error: 0.02, gain: 0.04 },
        test: { objects: 80, images: 18, error: 0.015, gain: 0.03 },
        sentences: ['With 80 test objects, the verdict can show a gain of 0.03 or more.'],
      },
      opposed: [],
      problems: [],
    }),
    'train.start': (settings) => {
      const run = { ...fakeRun('running', runs.length + 1), settings, name: settings.name };
      runs = [...runs, run];
      return run;
    },
    'queue.list': () => queue,
    'queue.add': ({ settings }) =>
      changeQueue([
        ...queue.waiting,
        ...settings.map((each, i) => ({
          ...{ id: `queued-${queue.waiting.length + i}`, settings: each, modelName: MODEL.name },
          ...{ seconds: 480, failure: null },
        })),
      ]),
    'queue.remove': ({ ids }) => changeQueue(queue.waiting.filter(({ id }) => !ids.includes(id))),
    'queue.move': ({ id, to }) => {
      const others = queue.waiting.filter((run) => run.id !== id);
      const moved = queue.waiting.filter((run) => run.id === id);
      return changeQueue([...others.slice(0, to), ...moved, ...others.slice(to)]);
    },
    'queue.goOn': () => queue,
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
    'train.compare': ({ runIds }) => runIds.map((runId) => ({ runId, gain: null })),
    'train.rename': ({ runId, name }) => changeRun(runId, { name }),
    'train.note': ({ runId, note }) => changeRun(runId, { note }),
    'train.delete': ({ runId }) => {
      runs = runs.filter((run) => run.id !== runId);
      brokenRuns = brokenRuns.filter((run) => run.id !== runId);
      return {};
    },
  };
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
    ...(status === 'running' && { secondsLeft: 230 }),
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

export function fakeGates(step: number, datasetId: string): GatePoint {
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
    modules: [],
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
