import { beforeEach, expect, test, vi } from 'vitest';
import type { LazyFile } from '../../data/lazy-file.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { writeZip } from '../../data/zip.ts';
import { resolveFieldSettings } from '../../engine/settings.ts';
import { SafetensorsFile } from '../../sam/checkpoint/safetensors-write.ts';
import { fakeWebLocks } from '../../testing/fake-web-locks.ts';
import { MICRO_SAM } from '../../testing/micro-model.ts';
import { DatasetRepository } from '../dataset-repository.ts';
import { RunRepository, runInfo } from '../runs/run-repository.ts';
import { ProjectService } from './project-service.ts';
import { runFoldersAmong } from './run-folders.ts';

const MODEL = { name: 'micro', hash: 'abc' };
const MEASURE = { base: 0.5, tuned: 0.75, gainLow: 0.2, gainHigh: 0.3, n: 4, images: 2 };
const VERDICT = { box: MEASURE, click: MEASURE, perDataset: [], sentence: 'Better.', suggestion: 'More.' };
const MOPEFT = { methods: { lora: { rank: 2 } }, gate: 'none', blocks: [1], trainDecoder: false };
const STEP = { type: 'step', loss: 1, focal: 0, dice: 0, iou: 0, lr: 0.1, norm: 1 };

beforeEach(() => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
});

function adapter(): Uint8Array {
  const record = JSON.stringify({
    format: 'mopeft-adapter',
    version: 1,
    base: MODEL,
    mopeft: MOPEFT,
    preprocessing: { aspect: 'keep', normalisation: { kind: 'min-max' } },
    training: { run: 'cells-lora', step: 2, score: 0.625 },
  });
  const shapes = new Map([
    ['blocks.1.lora.q.A', [2, 8]],
    ['blocks.1.lora.q.B', [8, 2]],
  ]);
  return new SafetensorsFile(shapes, { format: 'mopeft-adapter', base: MODEL.hash, record }).bytes;
}

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const lines = (values: readonly object[]) =>
  new TextEncoder().encode(values.map((value) => `${JSON.stringify(value)}\n`).join(''));

/** What `mopeft train` leaves in its folder. */
const FOLDER: Readonly<Record<string, Uint8Array>> = {
  'config.json': text({
    format: 1,
    model: MODEL,
    method: 'lora',
    mopeft: MOPEFT,
    train: { steps: 4, seed: 7 },
    datasets: [{ key: 'cells', name: 'cells', scale: 160 }],
  }),
  'split.json': text({ cells: { train: ['a.png'], val: ['b.png'], test: ['c.png'] } }),
  'metrics.jsonl': lines([
    { type: 'eval', step: 0, dataset: 'cells', split: 'val', box_iou: 0.5, click_iou: 0.4, n: 3 },
    { ...STEP, step: 1, ms: 1500 },
    { ...STEP, step: 2, ms: 2500 },
  ]),
  'adapter.safetensors': adapter(),
  'verdict.json': text(VERDICT),
  'looks.json': text([]),
  'checkpoint/last.safetensors': new Uint8Array(3),
  'notes.txt': new Uint8Array(3),
};

const lazy = (files: Readonly<Record<string, Uint8Array>>, folder = ''): LazyFile[] =>
  Object.entries(files).map(([path, bytes]) => ({
    path: folder + path,
    size: bytes.length,
    bytes: async () => bytes,
  }));

test('a run of the command line has a record made of its files', async () => {
  const found = await runFoldersAmong(lazy(FOLDER, 'runs/cells-lora/'), 'runs', 1000);
  const [run] = found?.manifest.runs ?? [];
  expect(found?.refusals).toEqual([]);
  expect(run).toMatchObject({ name: 'cells-lora', model: 'abc', hasCheckpoint: false });
  expect(found?.manifest.models).toEqual([{ name: 'micro', hash: 'abc' }]);
  const files = found?.folders.get(`runs/${run?.id}`);
  expect([...(files?.keys() ?? [])].sort()).toEqual(
    ['run.json', ...Object.keys(FOLDER).filter((name) => !/^(checkpoint|notes)/.test(name))].sort(),
  );
  expect(JSON.parse(new TextDecoder().decode(await files?.get('run.json')?.bytes()))).toEqual({
    id: run?.id,
    name: 'cells-lora',
    status: 'finished',
    step: 2,
    steps: 4,
    settings: {
      name: 'cells-lora',
      datasetIds: ['cells'],
      methods: ['lora'],
      trainDecoder: false,
      gate: 'none',
      values: { 'train.steps': 4, 'train.seed': 7, 'lora.rank': 2, 'train.blocks': 'late' },
    },
    datasets: [{ id: 'cells', name: 'cells' }],
    scale: 160,
    modelName: 'micro',
    modelHash: 'abc',
    created: 1000,
    updated: 1000,
    bestStep: 2,
    bestScore: 0.625,
    secondsPerStep: 2,
    checkpointStep: null,
    failure: null,
    verdict: VERDICT,
    trainableCount: 32,
  });
});

test.each([
  ['none', false],
  ['budget', false],
  ['none', true],
])(
  'its settings with gate form %s, a token for each dataset %s, are those it was trained with',
  async (gate, token) => {
    const asked = {
      methods: ['lora', 'adapter'],
      trainDecoder: true,
      gate,
      values: { 'train.blocks': 'late', ...(token && { 'train.token': true }) },
    };
    const { mopeft, train } = resolveFieldSettings(asked, MICRO_SAM);
    const datasets = [{ key: 'cells', name: 'cells' }];
    const config = text({ format: 1, model: MODEL, method: 'lora+adapter', mopeft, train, datasets });
    const found = await runFoldersAmong(lazy({ ...FOLDER, 'config.json': config }), 'drop', 1);
    const [[, files] = []] = found?.folders ?? [];
    const { settings } = JSON.parse(new TextDecoder().decode(await files?.get('run.json')?.bytes()));
    expect(resolveFieldSettings(settings, MICRO_SAM)).toEqual({ mopeft, train });
  },
);

test('one that was left before its last step says that it goes on where it came from', async () => {
  const { 'verdict.json': _, ...left } = FOLDER;
  const record = async (files: typeof left) => {
    const [[, own] = []] = (await runFoldersAmong(lazy(files), 'drop', 1))?.folders ?? [];
    return JSON.parse(new TextDecoder().decode(await own?.get('run.json')?.bytes()));
  };
  const run = await record(left);
  expect(run).toMatchObject({ status: 'stopped', step: 2, steps: 4, bestStep: 2 });
  expect(run.failure?.what).toContain('after step 2 of 4');
  expect(run.failure?.cure).toContain('mopeft -- train --resume');
  // It may have ended early, or have had no image to be tested on.
  const patient = { format: 1, model: MODEL, method: 'lora', mopeft: MOPEFT };
  const config = {
    ...patient,
    train: { steps: 4, patience: 1 },
    datasets: [{ key: 'cells', name: 'cells' }],
  };
  expect(await record({ ...left, 'config.json': text(config) })).toMatchObject({
    status: 'finished',
    failure: null,
  });
});

test('a damaged run is refused by name beside the others; other folders are none', async () => {
  const broken = { ...FOLDER, 'config.json': text({ format: 9 }) };
  const files = [
    ...lazy(FOLDER, 'good/'),
    ...lazy(broken, 'bad/'),
    ...lazy({ 'metrics.jsonl': text(1) }, 'x/'),
  ];
  const found = await runFoldersAmong(files, 'drop', 1);
  expect(found?.manifest.runs.map(({ name }) => name)).toEqual(['good']);
  expect(found?.refusals).toMatchObject([{ code: 'run/damaged', file: 'bad/config.json' }]);
  const { 'split.json': _, ...undecided } = FOLDER;
  expect(await runFoldersAmong(lazy(undecided), 'drop', 1)).toBeNull();
});

test.each([
  ['config.json', new Uint8Array([123])],
  ['verdict.json', text({ box: 1 })],
  ['adapter.safetensors', new Uint8Array(8).fill(255)],
  ['adapter.safetensors', adapter().slice(0, 300)],
])('a run whose %s is cut off or of another kind is refused', async (name, bytes) => {
  const found = await runFoldersAmong(lazy({ ...FOLDER, [name]: bytes }), 'drop', 1);
  expect(found?.manifest.runs).toEqual([]);
  expect(found?.refusals).toHaveLength(1);
  expect(found?.refusals[0]?.file).toContain(name);
});

test('dropped as a folder it comes in with its history, and dropped again as a zip it is known', async () => {
  const store = new MemoryStore();
  const repository = new RunRepository(store);
  const info = async (id: string) => {
    const record = await repository.find(id);
    if (!record) throw new Error(`no run ${id}`);
    return runInfo(record, 1, MODEL.hash);
  };
  const state = { store, datasets: new DatasetRepository(store), model: { info: MODEL } as never };
  const service = new ProjectService(state, { repository, list: async () => [], info });
  const call = { signal: new AbortController().signal, progress: () => undefined };
  const loose = Object.entries(FOLDER).map(([name, bytes]) => ({
    path: `cells-lora/${name}`,
    file: new File([new Uint8Array(bytes)], name, { lastModified: 5000 }),
  }));
  const preview = await service.look(loose, call);
  expect(preview).toMatchObject({ created: 5000, otherModels: [], refusals: [] });
  const { runs, refusals } = await service.add(preview?.lookId ?? '', call);
  expect(refusals).toEqual([]);
  expect(runs).toMatchObject([{ name: 'cells-lora', status: 'finished', verdict: VERDICT, created: 5000 }]);
  const files = repository.filesOf(runs[0]?.id ?? '');
  expect((await files.readMetrics()).map(({ step }) => step)).toEqual([0, 1, 2]);
  expect(await files.readIfThere('adapter.safetensors')).toEqual(FOLDER['adapter.safetensors']);
  const zip = new File([new Uint8Array(await writeZip(FOLDER))], 'cells-lora.zip');
  expect((await service.look([{ path: zip.name, file: zip }], call))?.items).toMatchObject([
    { name: 'cells-lora', fate: 'here' },
  ]);
});
