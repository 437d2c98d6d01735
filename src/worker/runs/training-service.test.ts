import { beforeEach, expect, test, vi } from 'vitest';
import { Failure } from '../../config/failure.ts';
import { parseTrainConfig } from '../../config/train.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { GpuQueue } from '../../engine/gpu-queue.ts';
import { startTraining } from '../../engine/run/run.ts';
import type { RunConfig } from '../../engine/run/run-files.ts';
import type { Run, RunOutcome, RunProgress } from '../../engine/run/run-types.ts';
import { sizeOf } from '../../graph/shape.ts';
import { writeAdapter } from '../../peft/adapter-file.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { trainableTensors } from '../../peft/tensors.ts';
import { fakeWebLocks } from '../../testing/fake-web-locks.ts';
import { MICRO_SAM } from '../../testing/micro-model.ts';
import type { EngineState } from '../engine-state.ts';
import type { DroppedFile, EngineEvent, RunInfo, TrainSettings } from '../protocol.ts';
import { runLocks } from '../tab-locks.ts';
import type { Planner } from './planner.ts';
import { TrainingService } from './training-service.ts';

// What is tested is who may do what and when, so runs are faked and nothing is computed.
vi.mock('../../engine/run/run.ts', () => ({ startTraining: vi.fn(), resumeTraining: vi.fn() }));
vi.mock('../../engine/run/plan-run.ts', () => ({
  withDatasets: (cost: object) => cost,
  settingsFor: (chosen: object) => chosen,
}));

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'] = () => undefined;
  let reject: Deferred<T>['reject'] = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

const settings: TrainSettings = {
  name: 'Try',
  datasetIds: ['cells'],
  methods: ['lora'],
  trainDecoder: true,
  gate: 'none',
  values: {},
};
const progress: RunProgress = {
  step: 3,
  steps: 10,
  checkpointStep: 3,
  bestStep: 0,
  bestScore: 0.5,
  secondsPerStep: 1,
};

const CONFIG: RunConfig = {
  format: 1,
  model: { name: 'micro', hash: 'abc' },
  method: 'lora',
  mopeft: resolveMopeft({ methods: ['lora'] }, MICRO_SAM),
  train: parseTrainConfig({}),
  datasets: [{ key: 'cells', name: 'Cells' }],
};

const MODEL = { name: 'micro', hash: 'abc', config: MICRO_SAM, precision: 'f32' };

/** `adapter.safetensors` of the model, as a page drops it. */
function droppedAdapter(): DroppedFile {
  const { mopeft } = CONFIG;
  const tensors = new Map(
    trainableTensors(mopeft, MICRO_SAM).map(({ name, shape }) => [
      name,
      { shape, data: new Float32Array(sizeOf(shape)) },
    ]),
  );
  const training = { run: 'Theirs', step: 7, score: 0.5 };
  const { safetensors } = writeAdapter(MODEL, { mopeft, tensors, maskThreshold: 0, training });
  return { path: 'adapter.safetensors', file: new File([safetensors], 'adapter.safetensors') };
}

/** A run that ends when it is told to. */
function fakeRun() {
  const done = deferred<RunOutcome>();
  const end = (status: RunOutcome['status']): void => done.resolve({ ...progress, status, verdict: null });
  const run = {
    config: {},
    progress,
    done: done.promise,
    profileNextStep: vi.fn(),
    pause: () => end('paused'),
    stop: () => end('stopped'),
  };
  return { run: run as unknown as Run, end };
}

const planner = { cost: async () => ({ problems: [] }) } as unknown as Planner;

/** A service whose next run is launched until `begun` says otherwise. */
function openService(store = new MemoryStore()) {
  const events: EngineEvent[] = [];
  const hooks: (() => Promise<void>)[] = [];
  const openDataset = vi.fn(async (id: string) => ({
    dataset: { name: id, samples: [] },
    card: { splitOrder: 'shuffled' },
  }));
  const keepSplit = vi.fn(async () => undefined);
  const model = { open: MODEL, info: { name: 'micro', hash: 'abc' } };
  const storeWeights = vi.fn(async (precision: string) => {
    model.open = { ...MODEL, precision };
    return model;
  });
  const state = {
    store,
    queue: new GpuQueue(),
    model,
    storeWeights,
    datasets: { openAnew: openDataset, keepSplit },
    emit: (event: EngineEvent) => void events.push(event),
    needModel: () => model,
    needGpu: () => ({ info: { vendor: 'v', architecture: 'a', description: 'd' } }),
    deviceWasLost: async () => null,
    onRelease: () => undefined,
    onModelChange: (work: () => Promise<void>) => void hooks.push(work),
  };
  const launching = deferred<void>();
  const begun = deferred<Run>();
  vi.mocked(startTraining).mockImplementationOnce(() => {
    launching.resolve();
    return begun.promise;
  });
  return {
    service: new TrainingService(state as unknown as EngineState, planner),
    openDataset,
    keepSplit,
    storeWeights,
    events,
    launching: launching.promise,
    begun,
    changeModel: () => Promise.all(hooks.map((work) => work())),
    runs: () => events.flatMap((event): RunInfo[] => (event.type === 'run' ? [event.run] : [])),
  };
}

beforeEach(() => {
  vi.mocked(startTraining).mockReset();
  vi.stubGlobal('navigator', {});
});

test('a run in half precision has the model so until it is over, the next run may be in full and has a name of its own', async () => {
  const { service, begun, storeWeights } = openService();
  begun.resolve(fakeRun().run);
  const half = { ...settings, values: { 'train.weights': 'f16' } };
  const { id } = await service.start(half);
  expect(storeWeights.mock.calls.map(([precision]) => precision)).toEqual(['f16']);
  expect(vi.mocked(startTraining).mock.lastCall?.[0].model.precision).toBe('f16');
  await service.pause(id);
  vi.mocked(startTraining).mockResolvedValueOnce(fakeRun().run);
  const again = await service.start(settings);
  expect(again.name).toBe(`${(await service.info(id)).name} (2)`);
  expect(storeWeights.mock.calls.map(([precision]) => precision)).toEqual(['f16', 'f32']);
  expect(vi.mocked(startTraining).mock.lastCall?.[0].model.precision).toBe('f32');
});

test('the record of a run keeps the scale of its start', async () => {
  const { service, begun, openDataset } = openService();
  const scaled = { dataset: { name: 'Cells', samples: [], scale: 160 }, card: { splitOrder: 'shuffled' } };
  openDataset.mockResolvedValueOnce(scaled);
  begun.resolve(fakeRun().run);
  const { id } = await service.start(settings);
  await service.pause(id);
  expect(await service.info(id)).toMatchObject({ status: 'paused', scale: 160 });
  openDataset.mockResolvedValueOnce(scaled);
  vi.mocked(startTraining).mockResolvedValueOnce(fakeRun().run);
  // The second dataset is whole.
  expect(await service.start({ ...settings, datasetIds: ['cells', 'cracks'] })).toMatchObject({
    scale: null,
  });
});

test('another model waits for a run that is being launched, and the run is paused as soon as it has begun', async () => {
  const { service, launching, begun, changeModel } = openService();
  const started = service.start(settings);
  await launching;
  await expect(service.expectUnused('cells')).rejects.toMatchObject({ record: { code: 'data/in-use' } });
  const order: string[] = [];
  const changed = changeModel().then(() => order.push('model changed'));
  const { run } = fakeRun();
  void run.done.then(() => order.push('run paused'));
  begun.resolve(run);
  const { id } = await started;
  await changed;
  expect(order).toEqual(['run paused', 'model changed']);
  expect((await service.info(id)).status).toBe('paused');
  await service.expectUnused('cells');
});

test.each(['pause', 'stop'] as const)('%s is taken while a run is being launched', async (stopRequest) => {
  const { service, launching, begun, runs } = openService();
  const started = service.start(settings);
  await launching;
  const answered = service[stopRequest](runs()[0]?.id ?? '');
  begun.resolve(fakeRun().run);
  expect((await answered).status).toBe(stopRequest === 'pause' ? 'paused' : 'stopped');
  await started;
});

test.each([
  ['pause', 'pausing', 'paused'],
  ['stop', 'stopping', 'stopped'],
] as const)('%s leaves a launch at once, and is no failure', async (stopRequest, meanwhile, end) => {
  const { service, launching, runs } = openService();
  vi.mocked(startTraining).mockReset();
  vi.mocked(startTraining).mockImplementationOnce(
    ({ leaving }) =>
      new Promise((_, reject) => leaving?.addEventListener('abort', () => reject(leaving.reason))),
  );
  const started = service.start(settings);
  await vi.waitFor(() => expect(startTraining).toHaveBeenCalled());
  const id = runs()[0]?.id ?? '';
  expect(await service[stopRequest](id)).toMatchObject({ status: end, step: 0, failure: null });
  expect(await started).toMatchObject({ id, status: end });
  expect(runs().map(({ status }) => status)).toEqual(['running', meanwhile, end]);
  void launching;
  vi.mocked(startTraining).mockResolvedValueOnce(fakeRun().run);
  expect(await service.resume(id)).toMatchObject({ id, status: 'running' });
});

test('the next step of the run under way is profiled, the first of one that is being launched, and no other', async () => {
  const { service, launching, begun, runs } = openService();
  const started = service.start(settings);
  await launching;
  const id = runs()[0]?.id ?? '';
  service.profileNextStep(id);
  const { run } = fakeRun();
  expect(run.profileNextStep).not.toHaveBeenCalled();
  begun.resolve(run);
  await started;
  expect(run.profileNextStep).toHaveBeenCalledTimes(1);
  service.profileNextStep(id);
  expect(run.profileNextStep).toHaveBeenCalledTimes(2);
  expect(() => service.profileNextStep('another')).toThrow('not under way');
  await service.pause(id);
  expect(() => service.profileNextStep(id)).toThrow('not under way');
});

test('a launch that fails is told, ends whoever waits for it, and makes room for the next', async () => {
  const { service, launching, begun, changeModel } = openService();
  const started = service.start(settings);
  await launching;
  await expect(service.start(settings)).rejects.toThrow('Another run is under way.');
  const changed = changeModel();
  const failure = { code: 'gpu/memory', what: 'There is too little memory.', cure: 'Train fewer blocks.' };
  begun.reject(new Failure(failure));
  await expect(started).rejects.toThrow('too little memory');
  await changed;
  expect(await service.list()).toMatchObject([{ status: 'failed', failure }]);
  const { run, end } = fakeRun();
  vi.mocked(startTraining).mockResolvedValueOnce(run);
  expect((await service.start(settings)).status).toBe('running');
  end('finished');
});

test('a run whose first record does not fit is refused and is not there', async () => {
  const { service } = openService(new MemoryStore(10));
  await expect(service.start(settings)).rejects.toMatchObject({ record: { code: 'storage/full' } });
  expect([await service.list(), await service.broken()]).toEqual([[], []]);
});

test('the end of a run is told though it cannot be written', async () => {
  const store = new MemoryStore();
  const { service, begun, events, runs } = openService(store);
  begun.resolve(fakeRun().run);
  const { id } = await service.start(settings);
  const full = new Failure({ code: 'storage/full', what: 'The disk is full.', cure: 'Delete something.' });
  vi.spyOn(store, 'write').mockRejectedValue(full);
  expect(await service.stop(id)).toMatchObject({ status: 'stopped', step: 3, failure: full.record });
  expect(runs().at(-1)).toMatchObject({ id, status: 'stopped', failure: full.record });
  expect(events).toContainEqual({
    type: 'log',
    level: 'error',
    text: 'The record of the run could not be written: The disk is full. Delete something.',
  });
  vi.mocked(store.write).mockRestore();
  vi.mocked(startTraining).mockResolvedValueOnce(fakeRun().run);
  expect((await service.start(settings)).status).toBe('running');
});

test('the first remark of a run is for the person, the others are for the console', async () => {
  const { service, begun, events } = openService();
  begun.resolve(fakeRun().run);
  await service.start(settings);
  const { observer } = vi.mocked(startTraining).mock.calls[0]?.[0] ?? {};
  observer?.onNotice?.('Cells, a.png: it has no object.');
  observer?.onNotice?.('Cells, b.png: it has no object.');
  const logs = events.flatMap((event) => (event.type === 'log' ? [event] : []));
  expect(logs.map(({ level }) => level)).toEqual(['warning', 'info']);
  expect(logs[0]?.text).toMatch(/^Try: Cells, a\.png: it has no object\./);
});

test('a pause that comes when the run has just ended changes nothing', async () => {
  const { service, begun } = openService();
  begun.resolve(fakeRun().run);
  const { id } = await service.start(settings);
  const ended = await service.stop(id);
  expect(await service.pause(id)).toEqual(ended);
});

test('a run whose dataset was deleted says that it cannot go on, and stays as it was', async () => {
  const { service, begun, openDataset } = openService();
  begun.resolve(fakeRun().run);
  const { id } = await service.start(settings);
  await service.pause(id);
  await service.repository.filesOf(id).writeConfig(CONFIG);
  await service.repository.filesOf(id).writeSplit({ cells: { train: [], val: [], test: [] } });
  openDataset.mockRejectedValueOnce(
    new Failure({ code: 'data/half-saved', what: 'Gone.', cure: 'Import it.' }),
  );
  await expect(service.resume(id)).rejects.toMatchObject({
    record: {
      code: 'run/no-datasets',
      where: 'Cells',
      cure: 'Use its best weights as they are, or start a new run.',
    },
  });
  expect(await service.info(id)).toMatchObject({ status: 'paused', failure: null });
});

test('a run does not begin on a dataset that another tab deleted, whenever that was', async () => {
  const gone = new Failure({ code: 'data/half-saved', what: 'Gone.', cure: 'Import it.' });
  const refusal = { code: 'run/no-datasets', cure: expect.stringContaining('other datasets') };
  const before = openService();
  before.openDataset.mockRejectedValueOnce(gone);
  await expect(before.service.start(settings)).rejects.toMatchObject({ record: refusal });
  expect(await before.service.list()).toEqual([]);
  const meanwhile = openService();
  meanwhile.keepSplit.mockRejectedValueOnce(gone);
  await expect(meanwhile.service.start(settings)).rejects.toMatchObject({ record: refusal });
  // Its record came first, so that the deletion would have found it.
  expect(await meanwhile.service.list()).toMatchObject([{ status: 'failed', failure: refusal }]);
});

test('the dataset of a run that waits in the queue is left alone until the run is removed', async () => {
  const { service, begun } = openService();
  begun.resolve(fakeRun().run);
  await service.start(settings);
  const { waiting } = await service.queue.add([{ ...settings, name: 'Next', datasetIds: ['slides'] }]);
  await expect(service.expectUnused('slides')).rejects.toMatchObject({
    record: { code: 'data/in-use', where: 'Next', cure: 'Remove it from the queue first.' },
  });
  await service.queue.remove(waiting.map(({ id }) => id));
  await service.expectUnused('slides');
});

test.each([['nothing'], ['its config without its split']])(
  'a run whose tab was closed when it had %s goes on from its start',
  async (left) => {
    const { service, begun } = openService();
    begun.resolve(fakeRun().run);
    const { id } = await service.start(settings);
    await service.pause(id);
    if (left !== 'nothing') await service.repository.filesOf(id).writeConfig(CONFIG);
    vi.mocked(startTraining).mockResolvedValueOnce(fakeRun().run);
    expect(await service.resume(id)).toMatchObject({ id, name: 'Try', status: 'running', step: 0 });
    const [, , datasets] = vi.mocked(startTraining).mock.calls.at(-1) ?? [];
    expect(datasets?.map(({ key }) => key)).toEqual(['cells']);
  },
);

test('a deletion that is cut off leaves no run that looks whole', async () => {
  const store = new MemoryStore();
  const { service, begun } = openService(store);
  begun.resolve(fakeRun().run);
  const { id } = await service.start(settings);
  await service.pause(id);
  const remove = store.remove.bind(store);
  vi.spyOn(store, 'remove').mockImplementationOnce(async (path) => {
    await remove(path);
    throw new Error('killed');
  });
  await expect(service.delete(id)).rejects.toThrow('killed');
  expect(await service.list()).toEqual([]);
});

test('a run under way in another tab, and its datasets, are left alone until it is over there', async () => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
  const store = new MemoryStore();
  const there = openService(store);
  there.begun.resolve(fakeRun().run);
  const { id } = await there.service.start(settings);
  const here = openService(store).service;
  expect(await here.list()).toMatchObject([{ id, status: 'elsewhere' }]);
  const otherTab = { record: { code: 'run/other-tab' } };
  await expect(here.stop(id)).rejects.toMatchObject(otherTab);
  await expect(here.resume(id)).rejects.toMatchObject(otherTab);
  await expect(here.delete(id)).rejects.toMatchObject(otherTab);
  await expect(here.rename(id, 'Mine')).rejects.toMatchObject(otherTab);
  await expect(here.expectUnused('cells')).rejects.toMatchObject({
    record: { code: 'data/in-use', where: 'Try' },
  });
  await there.service.pause(id);
  expect(await here.list()).toMatchObject([{ id, status: 'paused' }]);
  await here.expectUnused('cells');
  await here.delete(id);
  expect(await there.service.list()).toEqual([]);
});

test('a run under way is deleted in its own tab, and one whose tab was closed is interrupted', async () => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
  const store = new MemoryStore();
  const { service, begun } = openService(store);
  begun.resolve(fakeRun().run);
  const { id } = await service.start(settings);
  await service.delete(id);
  expect(await service.list()).toEqual([]);
  await runLocks.whileTaken(id, async () => undefined);
  vi.mocked(startTraining).mockResolvedValueOnce(fakeRun().run);
  await service.start(settings);
  // The browser has given the locks of a closed tab back.
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
  expect(await openService(store).service.list()).toMatchObject([{ status: 'interrupted' }]);
});

test('a tab that lists a run of another one hears once when it is over there, and deletes nothing meanwhile', async () => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
  const store = new MemoryStore();
  const there = openService(store);
  there.begun.resolve(fakeRun().run);
  const { id } = await there.service.start(settings);
  const here = openService(store);
  const heard = () => here.events.filter(({ type }) => type === 'elsewhere');
  await here.service.list();
  await here.service.list();
  expect(heard()).toEqual([]);
  // Ends it and takes its lock anew, which no one who waits for the end may have.
  await there.service.delete(id);
  await vi.waitFor(() => expect(heard()).toEqual([{ type: 'elsewhere', kind: 'runs' }]));
});

test('an adapter becomes a run, is not broken for another tab while it is stored, and leaves nothing when that fails', async () => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
  const store = new MemoryStore();
  const here = openService(store).service;
  const there = openService(store).service;
  const write = store.write.bind(store);
  const seen: unknown[] = [];
  vi.spyOn(store, 'write').mockImplementation(async (path, bytes) => {
    await write(path, bytes);
    seen.push(await there.broken());
  });
  const run = await here.addAdapter([droppedAdapter()]);
  expect(run).toMatchObject({ name: 'Theirs (imported)', status: 'imported', step: 7, bestScore: 0.5 });
  expect(seen).toEqual([[], [], []]);
  expect((await there.list()).map(({ id }) => id)).toEqual([run.id]);
  expect((await here.addAdapter([droppedAdapter()])).name).toBe('Theirs (imported) (2)');
  vi.mocked(store.write).mockImplementation(async (path, bytes) => {
    if (path.endsWith('run.json'))
      throw new Failure({ code: 'storage/full', what: 'Full.', cure: 'Delete.' });
    await write(path, bytes);
  });
  await expect(here.addAdapter([droppedAdapter()])).rejects.toThrow('Full.');
  expect(await store.list('runs')).toHaveLength(2);
});

test('an import that was cut off is listed as broken and can be deleted', async () => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
  const store = new MemoryStore();
  await store.write('runs/cut-off/adapter.safetensors', new Uint8Array(5));
  const { service } = openService(store);
  expect(await service.list()).toEqual([]);
  expect(await service.broken()).toMatchObject([
    { id: 'cut-off', bytes: 5, failure: { code: 'run/half-saved' } },
  ]);
  await service.delete('cut-off');
  expect(await service.broken()).toEqual([]);
  expect(await store.list('runs')).toEqual([]);
});

test('queued runs are launched with their own ids and settings, the second when the first is over', async () => {
  const { service, begun, launching, events } = openService();
  const [first, second] = [fakeRun(), fakeRun()];
  vi.mocked(startTraining).mockImplementationOnce(async () => second.run);
  const { waiting } = await service.queue.add([
    { ...settings, name: 'a' },
    { ...settings, name: 'b', scale: 64 },
  ]);
  await launching;
  begun.resolve(first.run);
  const names = async () => (await service.list()).map(({ id, name, status }) => [id, name, status]);
  await vi.waitFor(async () => expect(await names()).toEqual([[waiting[0]?.id, 'a', 'running']]));
  first.end('finished');
  await vi.waitFor(async () =>
    expect(await names()).toEqual([
      [waiting[1]?.id, 'b', 'running'],
      [waiting[0]?.id, 'a', 'finished'],
    ]),
  );
  expect((await service.list())[0]).toMatchObject({ scale: 64 });
  second.end('paused');
  await vi.waitFor(async () => expect((await service.list())[0]?.status).toBe('paused'));
  expect((await service.queue.list()).waiting).toEqual([]);
  expect(events.some((event) => event.type === 'queue' && event.queue.waiting.length === 1)).toBe(true);
});
