import { beforeEach, expect, test, vi } from 'vitest';
import { Failure } from '../config/failure.ts';
import { type OpenModel, openModel } from '../engine/model.ts';
import { BASE_WEIGHTS } from '../engine/segmenter.ts';
import { ModelSession } from '../engine/tuning.ts';
import { Gpu } from '../gpu/gpu.ts';
import type { WeightPrecision } from '../sam/halves.ts';
import { MICRO_SAM } from '../testing/micro-model.ts';
import { EngineState, type ModelOrigin } from './engine-state.ts';
import type { EngineEvent } from './protocol.ts';

// A device and a model that can be taken away; what they compute is tested elsewhere.
vi.mock('../gpu/gpu.ts', () => ({ Gpu: { open: vi.fn() } }));
vi.mock('../engine/model.ts', () => ({ openModel: vi.fn() }));
vi.mock('../engine/tuning.ts', () => ({ ModelSession: { open: vi.fn() } }));
vi.mock('./gpu-report.ts', () => ({ gpuReport: () => ({ state: 'ready' }) }));

const origin: ModelOrigin = {
  source: 'embedded',
  embeddedId: 'micro',
  catalogueId: null,
  name: 'micro',
  licence: '',
  files: async () => [],
};

/** The next device that is asked for. */
function nextGpu(): { readonly lose: () => void } {
  let lose: (info: { readonly message: string }) => void = () => undefined;
  const lost = new Promise((resolve) => {
    lose = resolve;
  });
  vi.mocked(Gpu.open).mockResolvedValueOnce({ lost, traits: { isSoftware: true } } as unknown as Gpu);
  return { lose: () => lose({ message: '' }) };
}

/** Opens `first`, and prepares `second` as the next model. */
async function openFirst() {
  nextGpu();
  const { state } = await openState();
  await state.openGpu();
  const [first, second] = [fakeModel('first'), fakeModel('second')];
  vi.mocked(openModel).mockResolvedValueOnce(first.model).mockResolvedValueOnce(second.model);
  await state.openModel(origin);
  return { state, first, second };
}

function fakeModel(hash: string, precision: WeightPrecision = 'f32') {
  const release = vi.fn();
  return {
    model: { hash, precision, config: MICRO_SAM, weights: { release } } as unknown as OpenModel,
    release,
  };
}

async function openState() {
  const events: EngineEvent[] = [];
  let told: () => void = () => undefined;
  const lossIsTold = new Promise<void>((resolve) => {
    told = resolve;
  });
  const state = await EngineState.open((event) => {
    events.push(event);
    if (event.type === 'device-lost') told();
  });
  return { state, events, lossIsTold };
}

beforeEach(() => {
  // Where there is no storage, it works in memory.
  vi.stubGlobal('navigator', {});
  vi.mocked(openModel).mockReset();
});

test('the model of a lost device is asked for until it is open again', async () => {
  const { lose } = nextGpu();
  const { state, lossIsTold } = await openState();
  await state.openGpu();
  vi.mocked(openModel).mockResolvedValueOnce(fakeModel('first').model);
  await state.openModel(origin);
  lose();
  await lossIsTold;
  nextGpu();
  const offline = new Failure({ code: 'model/fetch', what: 'The model did not come.', cure: 'Try again.' });
  vi.mocked(openModel).mockRejectedValueOnce(offline);
  await expect(state.recover()).rejects.toBe(offline);
  vi.mocked(openModel).mockResolvedValueOnce(fakeModel('again').model);
  expect(await state.recover()).toEqual({ state: 'ready' });
  expect(state.model?.info.hash).toBe('again');
  await state.recover();
  expect(openModel).toHaveBeenCalledTimes(3);
});

test('without storage it works in memory, and why is known', async () => {
  const { state } = await openState();
  expect(state.storageFailure?.code).toBe('storage/unavailable');
  await state.store.write('a', Uint8Array.of(1));
  expect(await state.store.exists('a')).toBe(true);
});

test('two calls for a new device at the same time share one', async () => {
  const { lose } = nextGpu();
  const { state, lossIsTold } = await openState();
  await state.openGpu();
  lose();
  await lossIsTold;
  vi.mocked(Gpu.open).mockClear();
  nextGpu();
  expect(await Promise.all([state.recover(), state.recover()])).toEqual([
    { state: 'ready' },
    { state: 'ready' },
  ]);
  expect(Gpu.open).toHaveBeenCalledOnce();
});

test('the weights of a replaced model are released after its last use, and later uses are refused', async () => {
  const { state, first } = await openFirst();
  const order: string[] = [];
  first.release.mockImplementation(() => order.push('weights released'));
  let begin: () => void = () => undefined;
  let finish: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const over = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const release = async () => void order.push('session released');
  const warmUp = () => {
    begin();
    return over.then(() => order.push('used'));
  };
  const session = { sam: { compile: async () => undefined, warmUp }, release };
  vi.mocked(ModelSession.open).mockResolvedValueOnce(session as unknown as ModelSession);
  const { segmenter } = state.needModel();
  const used = segmenter.prepare(BASE_WEIGHTS);
  await begun;
  const releaseAsked = new Promise<void>((resolve) => {
    const releaseSegmenter = segmenter.release.bind(segmenter);
    segmenter.release = () => {
      const released = releaseSegmenter();
      resolve();
      return released;
    };
  });
  const changed = state.openModel(origin);
  await releaseAsked;
  await expect(segmenter.prepare(BASE_WEIGHTS)).rejects.toMatchObject({ record: { code: 'model/replaced' } });
  expect(order).toEqual([]);
  finish();
  await Promise.all([used, changed]);
  expect(order).toEqual(['used', 'session released', 'weights released']);
  expect(ModelSession.open).toHaveBeenCalledOnce();
});

test('what begins while the uses of a replaced model are ended gets the new one', async () => {
  const { state, first } = await openFirst();
  state.onModelChange(async () => {
    expect(first.release).not.toHaveBeenCalled();
    expect(state.needModel().info.hash).toBe('second');
  });
  await state.openModel(origin);
  expect(first.release).toHaveBeenCalledOnce();
});

test('a model that may not take the place of the open one leaves nothing on the device', async () => {
  const { state, first, second } = await openFirst();
  state.onModelChange(() => Promise.reject(new Error('still in use')));
  await expect(state.openModel(origin)).rejects.toThrow('still in use');
  expect(second.release).toHaveBeenCalledOnce();
  expect(first.release).not.toHaveBeenCalled();
  expect(state.model?.info.hash).toBe('first');
});

test('the weights of the open model are stored anew in another precision, and no run is ended for it', async () => {
  nextGpu();
  const { state } = await openState();
  await state.openGpu();
  const [full, half] = [fakeModel('first'), fakeModel('first', 'f16')];
  vi.mocked(openModel).mockResolvedValueOnce(full.model).mockResolvedValueOnce(half.model);
  const info = await state.openModel(origin);
  const end = vi.fn(async () => undefined);
  state.onModelChange(end);
  const { segmenter } = state.needModel();
  await state.storeWeights('f32');
  expect(openModel).toHaveBeenCalledOnce();
  const current = await state.storeWeights('f16');
  expect(openModel).toHaveBeenLastCalledWith(
    expect.anything(),
    [],
    expect.objectContaining({ precision: 'f16' }),
  );
  expect(state.needModel()).toBe(current);
  expect(current).toMatchObject({ open: half.model, info });
  expect(full.release).toHaveBeenCalledOnce();
  expect(end).not.toHaveBeenCalled();
  await expect(segmenter.prepare(BASE_WEIGHTS)).rejects.toMatchObject({ record: { code: 'model/replaced' } });
});

test('weights that cannot be stored anew stay as they are, and those of a model that was replaced are given back', async () => {
  const { state, first, second } = await openFirst();
  const offline = new Failure({ code: 'model/fetch', what: 'The model did not come.', cure: 'Try again.' });
  vi.mocked(openModel).mockReset().mockRejectedValueOnce(offline);
  await expect(state.storeWeights('f16')).rejects.toBe(offline);
  expect(state.needModel().open).toBe(first.model);
  expect(first.release).not.toHaveBeenCalled();
  const half = fakeModel('first', 'f16');
  let finish: (model: OpenModel) => void = () => undefined;
  vi.mocked(openModel)
    .mockReturnValueOnce(
      new Promise((resolve) => {
        finish = resolve;
      }),
    )
    .mockResolvedValueOnce(second.model);
  const stored = state.storeWeights('f16');
  await state.openModel(origin);
  finish(half.model);
  await expect(stored).rejects.toMatchObject({ record: { code: 'model/replaced' } });
  expect(half.release).toHaveBeenCalledOnce();
  expect(state.needModel().open).toBe(second.model);
});
