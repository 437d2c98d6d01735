/** A run that `python -m mopeft.train` left after two of four steps (tests/vectors/train), as a drop on the page. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseStoredTrainConfig } from '../../config/train.ts';
import type { LazyFile } from '../../data/lazy-file.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { incomingRun } from '../../engine/project/run-part.ts';
import { parseMetrics } from '../../engine/run/metrics.ts';
import { RUN_FILES, RunFiles } from '../../engine/run/run-files.ts';
import { readRecord } from '../../engine/run/run-record.ts';
import { resolveFieldSettings } from '../../engine/settings.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { resolveStoredMopeft } from '../../peft/resolve.ts';
import type { SamModel } from '../../sam/weights.ts';
import { openTestGpu } from '../../testing/device.ts';
import { expectStep, openTwinModel, readTwinSets } from '../../testing/twin-run.ts';
import type { TrainEvent } from '../../train/events.ts';
import { Trainer } from '../../train/loop.ts';
import { localData } from '../../train/training-data.ts';
import { runFoldersAmong } from './run-folders.ts';

const vectors = fileURLToPath(new URL('../../../tests/vectors/', import.meta.url));
const RUN = `${vectors}train/python/`;

const FILES = readdirSync(RUN, { recursive: true, withFileTypes: true }).flatMap((entry): LazyFile[] => {
  if (!entry.isFile()) return [];
  const bytes = new Uint8Array(readFileSync(`${entry.parentPath}/${entry.name}`));
  const path = `nuclei/${`${entry.parentPath}/${entry.name}`.slice(RUN.length).replace(/^\//, '')}`;
  return [{ path, size: bytes.length, bytes: async () => bytes }];
});

let gpu: Gpu;
let model: SamModel;
beforeAll(async () => {
  gpu = await openTestGpu();
  model = await openTwinModel(gpu, `${vectors}twin/`);
});
afterAll(() => {
  model?.weights.release();
  gpu?.destroy();
});

/** The run's files as the studio stores them. */
async function stored(): Promise<RunFiles> {
  const found = await runFoldersAmong(FILES, 'drop', 1);
  expect(found?.refusals).toEqual([]);
  const [run] = found?.manifest.runs ?? [];
  expect(run).toMatchObject({ name: 'nuclei', hasCheckpoint: true });
  const { files } = await incomingRun(found?.folders.get(`runs/${run?.id}`) ?? new Map(), 'nuclei');
  const own = new RunFiles(new MemoryStore(), 'runs/nuclei');
  for (const [path, file] of files) await own.store.write(own.path(path), await file.bytes());
  return own;
}

it('is a run with its curves, which knows how it was set and that it can go on', async () => {
  const files = await stored();
  const record = await readRecord(files);
  expect(record).toMatchObject({
    status: 'interrupted',
    step: 2,
    steps: 4,
    checkpointStep: 2,
    datasets: [
      { id: 'blobs-0001', name: 'blobs' },
      { id: 'stripes-0001', name: 'stripes' },
    ],
  });
  expect((await files.readMetrics()).map(({ type }) => type)).toEqual([
    ...['eval', 'gates', 'eval', 'gates', 'step', 'step', 'eval', 'gates', 'eval', 'gates'],
  ]);
  const { config } = model;
  const asked = resolveFieldSettings(record.settings, config);
  const { mopeft, train } = await files.readConfig();
  expect(asked.mopeft).toEqual(resolveStoredMopeft(mopeft, config));
  expect(asked.train).toEqual(parseStoredTrainConfig(train));
  expect(await files.readAdapterPair()).not.toBeNull();
});

it('goes on in the engine with the losses that Python found', async () => {
  const files = await stored();
  const { mopeft, train } = await files.readConfig();
  const config = parseStoredTrainConfig(train);
  const sets = await readTwinSets(`${vectors}twin/`, ['blobs', 'stripes'], model.config, config);
  const events: TrainEvent[] = [];
  const trainer = await Trainer.open(
    {
      gpu,
      model,
      mopeft: resolveStoredMopeft(mopeft, model.config),
      config,
      data: localData(
        model.config,
        config,
        sets.map((set) => ({ ...set, key: `${set.key}-0001` })),
      ),
      storage: files.trainerStorage({ ...model, name: 'micro', hash: '' }),
      emit: (event) => events.push(event),
    },
    true,
  );
  expect(await trainer.run()).toBe('finished');
  trainer.release();
  const lines = parseMetrics(readFileSync(`${RUN}after.jsonl`, 'utf8'));
  const wanted = lines.flatMap((line) => (line.type === 'step' && line.step > 2 ? [line] : []));
  const got = events.flatMap((event) => (event.type === 'step' ? [event] : []));
  expect(got.map(({ step }) => step)).toEqual([3, 4]);
  for (const [i, want] of wanted.entries()) if (got[i]) expectStep(got[i], want);
  expect(await files.readIfThere(RUN_FILES.checkpoint)).not.toBeNull();
});
