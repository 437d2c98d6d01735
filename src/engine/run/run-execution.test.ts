import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Failure } from '../../config/failure.ts';
import { parseTrainConfig } from '../../config/train.ts';
import { encodeImagePng, encodeMaskPng } from '../../data/encode-png.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { openTestGpu } from '../../testing/device.ts';
import { fakeDataThread } from '../../testing/fake-data-thread.ts';
import { MICRO_SAM, openMicroModel } from '../../testing/micro-model.ts';
import { drawSample } from '../../testing/training-sets.ts';
import type { DataThread } from '../../train/data-port.ts';
import { resumedDataset, runDataset } from '../datasets.ts';
import { GpuQueue } from '../gpu-queue.ts';
import { readRunAdapter } from './adapter-files.ts';
import { resumeTraining, startTraining } from './run.ts';
import { RUN_FILES, RunFiles } from './run-files.ts';
import type { RunObserver, RunParts } from './run-types.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu?.destroy());

/** An image and its mask as PNG files. */
function drawnFiles(name: string) {
  const { image, labelling } = drawSample(name, 1);
  const file = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });
  return {
    name,
    image: file(`images/${name}`, encodeImagePng(image)),
    ...(labelling && { mask: file(`masks/${name}`, encodeMaskPng(labelling.labelMap)) }),
  };
}

/** A folder of its own, and what starts or resumes a run of one dataset in it. */
async function openFolder(name = 'Cells', openDataThread?: () => DataThread, isChecked = true, steps = 1) {
  const model = { ...(await openMicroModel(gpu)), parameterCount: 0, fileBytes: 0, unused: [], remarks: [] };
  const files = new RunFiles(new MemoryStore(), 'runs/try');
  const dataset = {
    name,
    samples: ['a.png', 'b.png', 'c.png', 'd.png', 'e.png', 'f.png', 'g.png', 'h.png'].map(drawnFiles),
  };
  const named = { key: 'cells', name };
  const drawn = runDataset(named, dataset, 0, 'shuffled');
  const settings = {
    mopeft: resolveMopeft({ methods: ['lora'] }, MICRO_SAM),
    train: parseTrainConfig({ steps, imagesPerStep: 1, objectsPerImage: 1, evalObjects: 1 }),
  };
  const parts = (observer: RunObserver, queue = new GpuQueue()) => ({
    ...{ gpu, queue, model, files, observer },
    ...(openDataThread && { openDataThread }),
  });
  return {
    files,
    model,
    split: drawn.split,
    start: (observer: RunObserver = {}, queue?: GpuQueue, more: Pick<RunParts, 'earlier' | 'leaving'> = {}) =>
      startTraining({ ...parts(observer, queue), ...more }, settings, [
        isChecked ? drawn : { ...drawn, split: { ...drawn.split, val: [] } },
      ]),
    resume: async (observer: RunObserver = {}) => {
      const { cells } = await files.readSplit();
      const split = cells ?? { train: [], val: [], test: [] };
      return resumeTraining(parts(observer), await files.readConfig(), [
        resumedDataset(named, dataset, split),
      ]);
    },
  };
}

const testLines = async (files: RunFiles) =>
  (await files.readMetrics()).filter((line) => line.type === 'eval' && line.split === 'test');

test('a run that is paused in its first validation has a checkpoint from then on, and no weights to use', async () => {
  const run = await (await openFolder()).start();
  run.pause();
  expect(run.progress).toMatchObject({ step: 0, checkpointStep: null, bestStep: null });
  expect(await run.done).toMatchObject({ status: 'paused', step: 0, checkpointStep: 0, bestStep: null });
});

/** Without a validation image, so that the last weights are kept whatever they are. */
const openUnchecked = (name = 'Cells', steps = 1) => openFolder(name, undefined, false, steps);

test.each(['test images', 'base model'])(
  'a pause while the %s is measured takes effect before the next image, and the run measures when it goes on',
  async (stage) => {
    const { files, start, resume } = await openUnchecked();
    const whole = await openUnchecked();
    const { verdict } = await (await whole.start()).done;
    const measured: number[] = [];
    const run = await start({
      onActivity: (label, done, total) => {
        if (!label.startsWith(`Measuring the ${stage}`)) return;
        measured.push(done);
        if (done === 0) run.pause();
        expect(total).toBe(2);
      },
    });
    expect(await run.done).toMatchObject({ status: 'paused', step: 1, checkpointStep: 1, verdict: null });
    expect(measured).toEqual([0]);
    expect(await testLines(files)).toEqual([]);
    const resumed = await (await resume()).done;
    expect(resumed).toMatchObject({ status: 'finished', step: 1 });
    expect(resumed.verdict).toEqual(verdict);
    expect(await testLines(files)).toEqual(await testLines(whole.files));
  },
);

test('a test is left while the kernels of the base model are compiled, and is not where a stop takes the pause back', async () => {
  // The next that is compiled is for the base model.
  const isNext = (label: string, done: number) => label.startsWith('Measuring the test images') && done === 0;
  const compiling = vi.spyOn(gpu.pipelines, 'prepare');
  const left = await (await openUnchecked()).start({
    onActivity: (label, done) => {
      if (!isNext(label, done)) return;
      compiling.mockImplementationOnce(() => {
        setTimeout(() => left.pause());
        return new Promise(() => undefined);
      });
    },
  });
  expect(await left.done).toMatchObject({ status: 'paused', verdict: null });
  const kept = await (await openUnchecked()).start({
    onActivity: (label, done) => {
      if (!isNext(label, done)) return;
      const compiled = () =>
        new Promise<void>((resolve) =>
          setTimeout(() => {
            kept.pause();
            kept.stop();
            setTimeout(resolve);
          }),
        );
      compiling.mockImplementationOnce(compiled);
    },
  });
  expect((await kept.done).verdict).not.toBeNull();
  compiling.mockRestore();
});

test('a stopped run stays stopped when a pause cuts its test off, and a later stop takes a pause back', async () => {
  const isTest = (label: string) => label.includes('test images');
  const cut = await (await openUnchecked('Cells', 9)).start({
    onMetrics: ([line]) => {
      if (line?.type === 'step') cut.stop();
    },
    onActivity: (label) => {
      if (isTest(label)) cut.pause();
    },
  });
  expect(await cut.done).toMatchObject({ status: 'stopped', verdict: null });
  const kept = await (await openUnchecked()).start({
    onActivity: (label) => {
      if (!isTest(label)) return;
      kept.pause();
      kept.stop();
    },
  });
  expect((await kept.done).verdict).not.toBeNull();
});

test('a run that is stopped before its first step measures no test image', async () => {
  const labels: string[] = [];
  const run = await (await openUnchecked()).start({ onActivity: (label) => void labels.push(label) });
  run.stop();
  expect(await run.done).toMatchObject({ status: 'stopped', step: 0, verdict: null });
  expect(labels.filter((label) => label.includes('test images'))).toEqual([]);
});

test('a start is left while its kernels are compiled, during which the device is for others', async () => {
  const { start } = await openFolder();
  const queue = new GpuQueue();
  const leaving = new AbortController();
  const bytes = gpu.allocatedBytes;
  const compiling = vi.spyOn(gpu.pipelines, 'prepare').mockReturnValueOnce(new Promise(() => undefined));
  const started = start({}, queue, { leaving: leaving.signal });
  await vi.waitFor(() => expect(compiling).toHaveBeenCalled());
  expect(await queue.run('urgent', async () => 'a click')).toBe('a click');
  leaving.abort();
  await expect(started).rejects.toBe(leaving.signal.reason);
  expect(gpu.allocatedBytes).toBe(bytes);
});

test('a run that follows another is compared with it on the test images of both, measured anew', async () => {
  const first = await openUnchecked();
  await (await first.start()).done;
  const [image = ''] = first.split.test;
  const earlier = {
    name: 'First',
    tested: new Map([['cells', [image, 'gone.png']]]),
    tuning: () => readRunAdapter(first.files, first.model),
  };
  const again = await openUnchecked();
  const { verdict } = await (await again.start({}, undefined, { earlier })).done;
  expect(verdict?.before).toMatchObject({ name: 'First', box: { images: 1, n: 1 } });
  expect(verdict?.before?.sentence).toMatch(/^Against First: .*on 1 test image that both/);
  // A pause leaves the test, rather than out of it what it was at.
  const cut = await (await openUnchecked()).start(
    { onActivity: (label) => void (label.startsWith('Measuring First') && cut.pause()) },
    undefined,
    { earlier },
  );
  expect(await cut.done).toMatchObject({ status: 'paused', verdict: null });
  // Without its weights there is nothing to compare with.
  const lost = { ...earlier, tuning: () => Promise.reject(new Error('gone')) };
  const alone = await (await (await openUnchecked()).start({}, undefined, { earlier: lost })).done;
  expect(alone.verdict && 'before' in alone.verdict).toBe(false);
});

test('a run is the same with its images prepared in a thread, in this one, or in this one for want of a thread', async () => {
  const metricsOf = async (openDataThread?: () => DataThread) => {
    const { files, start } = await openFolder('Cells', openDataThread);
    const notices: string[] = [];
    const { verdict } = await (await start({ onNotice: (text) => notices.push(text) })).done;
    const lines = await files.readMetrics();
    return { notices, verdict, lines: lines.map((line) => ({ ...line, ms: 0, spans: null })) };
  };
  const here = await metricsOf();
  const { thread, end } = fakeDataThread();
  expect(await metricsOf(() => thread)).toEqual(here);
  expect(end).toHaveBeenCalledOnce();
  const without = await metricsOf(() => {
    throw new Error('no threads here');
  });
  expect(without).toEqual({ ...here, notices: [expect.stringMatching(/^No thread could be opened/)] });
});

test("a dataset's name is told as it is, whatever characters it holds", async () => {
  const name = 'J$& $1 cells';
  const labelsOf = async ({ start }: Awaited<ReturnType<typeof openFolder>>) => {
    const labels = new Set<string>();
    const { verdict } = await (await start({ onActivity: (label) => labels.add(label) })).done;
    expect(verdict?.perDataset.map((dataset) => dataset.name)).toEqual([name]);
    return [...labels];
  };
  expect(await labelsOf(await openFolder(name))).toContain(`Measuring the validation images of ${name}`);
  expect(await labelsOf(await openUnchecked(name))).toEqual([
    'Compiling kernels for this GPU',
    `Measuring the test images of ${name}`,
    'Opening the base model to compare with',
    'Compiling the base model for this GPU',
    `Measuring the base model on the test images of ${name}`,
  ]);
});

test('a start that failed before its first step can be made again in the same folder; a run that took one is kept', async () => {
  const { files, start } = await openFolder();
  const busy = new GpuQueue();
  busy.run = () =>
    Promise.reject(new Failure({ code: 'gpu/out-of-memory', what: 'Full.', cure: 'Close tabs.' }));
  await expect(start({}, busy)).rejects.toThrow('Full.');
  await files.writeText(RUN_FILES.adapter, 'of the first validation');
  const run = await start();
  expect(await files.readIfThere(RUN_FILES.adapter)).toBeNull();
  await run.done;
  await expect(start()).rejects.toMatchObject({ record: { code: 'run/exists' } });
});

test.each(['adapter.safetensors', 'adapter.json', 'config.json', 'kept/photo.jpg'])(
  'a folder that holds %s of something else is refused and left as it is',
  async (name) => {
    const { files, start } = await openFolder();
    await files.writeText(name, 'mine');
    const [top = name] = name.split('/');
    await expect(start()).rejects.toMatchObject({
      record: { code: 'run/folder-in-use', where: files.path(top) },
    });
    expect((await files.store.list(files.folder)).map((entry) => entry.name)).toEqual([top]);
    expect(new TextDecoder().decode(await files.store.read(files.path(name)))).toBe('mine');
  },
);
