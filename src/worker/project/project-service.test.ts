import { beforeEach, expect, test, vi } from 'vitest';
import { toFailureRecord } from '../../config/failure.ts';
import type { Dataset } from '../../data/dataset.ts';
import { newDatasetId } from '../../data/dataset-store.ts';
import { encodeImagePng, encodeMaskPng } from '../../data/encode-png.ts';
import type { FileStore } from '../../data/file-store.ts';
import { newObject } from '../../data/labels/objects.ts';
import { boxRuns } from '../../data/labels/shapes.ts';
import { NO_HISTORY, NO_RUNS } from '../../data/labels/types.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { PROJECT_FILE } from '../../data/project/project-manifest.ts';
import { readZip, writeZip } from '../../data/zip.ts';
import type { RunRecord } from '../../engine/run/run-types.ts';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { Safetensors } from '../../sam/checkpoint/safetensors.ts';
import { SafetensorsFile } from '../../sam/checkpoint/safetensors-write.ts';
import { fakeWebLocks } from '../../testing/fake-web-locks.ts';
import { drawSample } from '../../testing/training-sets.ts';
import { DatasetRepository } from '../dataset-repository.ts';
import { LabelRepository } from '../label-repository.ts';
import type { DroppedFile, RunInfo } from '../protocol.ts';
import { RunRepository, runInfo } from '../runs/run-repository.ts';
import { ProjectService } from './project-service.ts';

const quiet = { signal: new AbortController().signal, onProgress: () => undefined };
const call = { signal: new AbortController().signal, progress: () => undefined };
const SIZE = { width: 40, height: 28 };
const RUN_ID = '2026-11-28-12-00-00-0123abcd';
const MODEL = { hash: 'abc', name: 'micro' };

beforeEach(() => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
});

function studio(store: FileStore = new MemoryStore(), spare: number | null = null, openModel = MODEL.hash) {
  const datasets = new DatasetRepository(store);
  const repository = new RunRepository(store);
  const info = async (record: RunRecord): Promise<RunInfo> =>
    runInfo(record, await repository.bytesOf(record.id), MODEL.hash);
  const training = {
    repository,
    list: async () => Promise.all((await repository.list()).map(info)),
    info: async (id: string) => {
      const record = await repository.find(id);
      if (!record) throw new Error(`no run ${id}`);
      return info(record);
    },
  };
  const state = { store, datasets, model: { info: { hash: openModel } } as never };
  const service = new ProjectService(state, training, async () => spare);
  return { store, datasets, repository, training, service, labels: new LabelRepository(store, datasets) };
}
type Studio = ReturnType<typeof studio>;

const lazy = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });

/** One image with a mask, one that is labelled here and done, one in work and one without labels. */
async function addCells({ datasets, labels }: Studio, name = 'Cells'): Promise<string> {
  const cells: Dataset = {
    name,
    samples: ['a.png', 'b c.png', 'd.png', 'e.png'].map((file, i) => {
      const { image, labelling } = drawSample(file, 1);
      return {
        name: file,
        image: lazy(`images/${file}`, encodeImagePng(image)),
        ...(labelling && i === 0 ? { mask: lazy(`masks/${file}`, encodeMaskPng(labelling.labelMap)) } : {}),
      };
    }),
  };
  const {
    datasets: [added],
  } = await datasets.add([cells], [], quiet);
  const datasetId = added?.id ?? '';
  for (const [sampleId, status] of [
    ['b c.png', 'done'],
    ['d.png', 'in-work'],
  ] as const) {
    const origin = { kind: 'clicked', model: 'tiny' } as const;
    const object = newObject(boxRuns([4, 3, 12, 9], SIZE), 1, origin, { id: 'one', created: 3 });
    const made = { status, objects: [object], revision: 0, ...SIZE, ignored: NO_RUNS };
    await labels.save({ datasetId, sampleId }, { labels: made, history: NO_HISTORY, baseRevision: 0 });
  }
  return datasetId;
}

/** A run that was left at step 4, with what names its dataset. */
async function addRun(
  { store, repository }: Studio,
  datasetId: string,
  changes: Partial<RunRecord> = {},
): Promise<void> {
  const record: RunRecord = {
    id: RUN_ID,
    name: 'First',
    status: 'paused',
    step: 4,
    steps: 10,
    settings: {
      name: 'First',
      datasetIds: [datasetId],
      methods: ['lora'],
      trainDecoder: true,
      gate: 'none',
      values: { 'train.steps': 10 },
    },
    datasets: [{ id: datasetId, name: 'Cells' }],
    scale: 'whole',
    modelName: MODEL.name,
    modelHash: MODEL.hash,
    created: 1,
    updated: 2,
    bestStep: 2,
    bestScore: 0.5,
    secondsPerStep: 1,
    checkpointStep: 4,
    failure: null,
    verdict: null,
    ...changes,
  };
  await repository.save(record);
  const write = (name: string, text: string) =>
    store.write(`runs/${record.id}/${name}`, new TextEncoder().encode(text));
  const mopeft = { methods: { lora: { rank: 2 } }, gate: 'none', blocks: [0], trainDecoder: true };
  const datasets = [{ key: datasetId, name: 'Cells' }];
  await write(
    'config.json',
    JSON.stringify({ format: 1, model: MODEL, method: 'lora', mopeft, train: { steps: 10 }, datasets }),
  );
  await write(
    'split.json',
    JSON.stringify({ [datasetId]: { train: ['a.png'], val: [], test: ['b c.png'] } }),
  );
  await write('metrics.jsonl', `${JSON.stringify({ type: 'eval', step: 0, dataset: datasetId })}\n`);
  await write('adapter.safetensors', 'adapter');
  const state = JSON.stringify({ startSums: [{ key: datasetId, images: [] }] });
  const checkpoint = new SafetensorsFile(new Map([['param.a', [2]]]), { format: 'mopeft-checkpoint', state });
  checkpoint.set('param.a', Float32Array.of(1.5, -2));
  await store.write(`runs/${record.id}/checkpoint/last.safetensors`, checkpoint.bytes);
  await write('kept/blocks.bin', 'can be made again');
}

/** Every file under a folder by its path in it. */
async function filesUnder(store: FileStore, folder: string): Promise<Record<string, Uint8Array>> {
  const found: Record<string, Uint8Array> = {};
  for (const { name, kind } of await store.list(folder)) {
    const path = `${folder}/${name}`;
    if (kind === 'file') found[name] = await store.read(path);
    else
      for (const [inner, bytes] of Object.entries(await filesUnder(store, path)))
        found[`${name}/${inner}`] = bytes;
  }
  return found;
}

async function exported(
  { service }: Studio,
  datasetIds: readonly string[],
  runIds: readonly string[] = [],
  withCheckpoints = true,
): Promise<Uint8Array> {
  const { file } = await service.write({ datasetIds, runIds, withCheckpoints, to: null }, call);
  return new Uint8Array((await file?.arrayBuffer()) ?? []);
}

const drop = (zip: Uint8Array): DroppedFile[] => [
  { path: 'p.zip', file: new File([new Uint8Array(zip)], 'p.zip') },
];

async function looked({ service }: Studio, zip: Uint8Array) {
  const look = await service.look(drop(zip), call);
  if (!look) throw new Error('no project');
  return look;
}

const added = async (to: Studio, zip: Uint8Array) => to.service.add((await looked(to, zip)).lookId, call);

/** The files of a zip, to be packed again with others. */
async function unpacked(zip: Uint8Array): Promise<Record<string, Uint8Array>> {
  const { files } = await readZip(zip, 'p.zip');
  return Object.fromEntries(await Promise.all(files.map(async (file) => [file.path, await file.bytes()])));
}

/** The failure that something ends with. */
const failureOf = async (work: Promise<unknown>) =>
  work.then(
    () => ({ code: 'none' }),
    (error: unknown) => toFailureRecord(error),
  );

test('a project that goes out comes in the same, byte for byte, and dropped again adds nothing', async () => {
  const here = studio();
  const datasetId = await addCells(here);
  await addRun(here, datasetId);
  for (const found of ['found.jsonl', 'reviewed.json', 'left/a.png.jsonl'])
    await here.store.write(`datasets/${datasetId}/found/${found}`, new TextEncoder().encode(found));
  const parts = await here.service.parts();
  expect(parts.runs).toEqual([
    { id: RUN_ID, bytes: expect.any(Number), checkpointBytes: expect.any(Number) },
  ]);
  const zip = await exported(here, [datasetId], [RUN_ID]);

  const there = studio(new MemoryStore(), 10 * zip.length, 'another');
  const preview = await looked(there, zip);
  expect(preview).toMatchObject({
    items: [
      { kind: 'dataset', name: 'Cells', fate: 'new', bytes: parts.datasets[0]?.bytes },
      {
        kind: 'run',
        name: 'First',
        fate: 'new',
        bytes: (parts.runs[0]?.bytes ?? 0) + (parts.runs[0]?.checkpointBytes ?? 0),
      },
    ],
    otherModels: [MODEL],
    refusals: [],
  });
  const report = await there.service.add(preview.lookId, call);
  expect(report.refusals).toEqual([]);
  expect(report.datasets).toEqual(await here.datasets.list());
  expect(report.runs.map(({ id, status, checkpointStep }) => [id, status, checkpointStep])).toEqual([
    [RUN_ID, 'paused', 4],
  ]);
  expect(await filesUnder(there.store, 'datasets')).toEqual(await filesUnder(here.store, 'datasets'));
  const record = `${RUN_ID}/run.json`;
  const { [`${RUN_ID}/kept/blocks.bin`]: _, [record]: sent, ...runs } = await filesUnder(here.store, 'runs');
  const { [record]: came, ...others } = await filesUnder(there.store, 'runs');
  expect(others).toEqual(runs);
  expect(json(came)).toEqual(json(sent));
  const { labels } = await there.labels.open({ datasetId, sampleId: 'd.png' });
  expect(labels).toMatchObject({
    status: 'in-work',
    objects: [{ origin: { kind: 'clicked', model: 'tiny' } }],
  });

  const again = await looked(there, zip);
  expect(again.items.map(({ fate }) => fate)).toEqual(['here', 'here']);
  expect(await there.service.add(again.lookId, call)).toEqual({ datasets: [], runs: [], refusals: [] });
});

test('what comes in under a name that another has gets one of its own, and is known by its content all the same', async () => {
  const here = studio();
  const [first, second] = [await addCells(here), await addCells(here)];
  await here.datasets.rename(second, 'Cells');
  await addRun(here, first);
  const zip = await exported(here, [first, second], [RUN_ID]);
  const there = studio();
  await addCells(there);
  await addRun(there, first, { id: '2026-10-02-09-30-00-0badcafe' });
  const expected = [
    ['new', 'Cells (2)'],
    ['new', 'Cells (3)'],
    ['new', 'First (2)'],
  ];
  expect((await looked(there, zip)).items.map(({ fate, addedAs }) => [fate, addedAs])).toEqual(expected);
  const { datasets, runs } = await added(there, zip);
  expect(datasets.map(({ id, name }) => [id, name])).toEqual([
    [first, 'Cells (2)'],
    [second, 'Cells (3)'],
  ]);
  expect(runs).toMatchObject([{ id: RUN_ID, name: 'First (2)' }]);
  expect((await there.datasets.list()).map(({ name }) => name).sort()).toEqual([
    'Cells',
    'Cells (2)',
    'Cells (3)',
  ]);
  expect((await looked(there, zip)).items.map(({ fate, addedAs }) => [fate, addedAs])).toEqual(
    expected.map(([, name]) => ['here', name]),
  );
});

test('others of the same ids stay, and what comes in stands beside them with ids of its own', async () => {
  const here = studio();
  const datasetId = await addCells(here);
  await addRun(here, datasetId);
  const zip = await exported(here, [datasetId], [RUN_ID]);
  // Work went on after the project was written.
  await here.datasets.setScale(datasetId, 512);
  await here.repository.save({ ...(await here.training.info(RUN_ID)), note: 'too few images' });
  const before = { ...(await filesUnder(here.store, 'datasets')), ...(await filesUnder(here.store, 'runs')) };

  expect((await looked(here, zip)).items.map(({ fate, addedAs }) => [fate, addedAs])).toEqual([
    ['beside', 'Cells (2)'],
    ['beside', 'First (2)'],
  ]);
  const {
    datasets: [dataset],
    runs: [run],
  } = await added(here, zip);
  const newId = dataset?.id ?? '';
  expect(newId).not.toBe(datasetId);
  expect(dataset?.name).toBe('Cells (2)');
  expect(run).toMatchObject({
    name: 'First (2)',
    settings: { datasetIds: [newId] },
    datasets: [{ id: newId, name: 'Cells' }],
  });
  const files = here.repository.filesOf(run?.id ?? '');
  expect((await files.readConfig()).datasets).toEqual([{ key: newId, name: 'Cells' }]);
  expect(Object.keys(await files.readSplit())).toEqual([newId]);
  expect(await files.readMetrics()).toEqual([{ type: 'eval', step: 0, dataset: newId }]);
  const bytes = (await files.readIfThere('checkpoint/last.safetensors')) ?? new Uint8Array(0);
  const checkpoint = await Safetensors.open(bytesSource('c', bytes));
  expect(JSON.parse(checkpoint.metadata.state ?? '')).toEqual({ startSums: [{ key: newId, images: [] }] });
  expect((await checkpoint.read('param.a')).data).toEqual(Float32Array.of(1.5, -2));
  const after = { ...(await filesUnder(here.store, 'datasets')), ...(await filesUnder(here.store, 'runs')) };
  expect(after).toMatchObject(before);

  // The same again is known by its content, whatever it is called.
  await here.datasets.rename(newId, 'Cells of May');
  expect((await looked(here, zip)).items.map(({ fate, addedAs }) => [fate, addedAs])).toEqual([
    ['here', 'Cells of May'],
    ['here', 'First (2)'],
  ]);
});

test('a run without its checkpoint is over, and is known again with or without it', async () => {
  const here = studio();
  await addRun(here, newDatasetId('gone'));
  const there = studio();
  const { runs } = await added(there, await exported(here, [], [RUN_ID], false));
  expect(runs).toMatchObject([{ status: 'finished', checkpointStep: null, bestStep: 2 }]);
  expect((await looked(there, await exported(here, [], [RUN_ID], true))).items).toMatchObject([
    { fate: 'here' },
  ]);
});

test('what changes while it is written is not written', async () => {
  const here = studio();
  const datasetId = await addCells(here);
  await addRun(here, datasetId, { status: 'running' });
  const request = { datasetIds: [datasetId], runIds: [RUN_ID], withCheckpoints: false, to: null };
  expect(await failureOf(here.service.write(request, call))).toMatchObject({
    code: 'project/under-way',
    where: 'First',
  });
  expect(await failureOf(here.service.write({ ...request, datasetIds: [], runIds: [] }, call))).toMatchObject(
    {
      code: 'project/nothing',
    },
  );
  let isRenamed = false;
  const progress = () => {
    if (!isRenamed) void here.datasets.rename(datasetId, 'Other');
    isRenamed = true;
  };
  expect(
    await failureOf(here.service.write({ ...request, runIds: [] }, { ...call, progress })),
  ).toMatchObject({
    code: 'project/changed',
    where: 'Cells',
  });
});

test('a disk that is full or a cancel leaves no half of anything', async () => {
  const here = studio();
  const [first, second] = [await addCells(here), await addCells(here, 'More cells')];
  const zip = await exported(here, [first, second]);
  const room = await here.store.size(`datasets/${first}`);
  const small = studio(new MemoryStore(room + 2000));
  const { datasets, refusals } = await added(small, zip);
  expect(datasets.map(({ name }) => name)).toEqual(['Cells']);
  expect(refusals).toMatchObject([{ code: 'storage/full' }]);
  expect((await small.store.list('datasets')).map(({ name }) => name)).toEqual([first]);

  const asked = studio(new MemoryStore(), 2000);
  expect(await failureOf(added(asked, zip))).toMatchObject({ code: 'storage/full' });

  const there = studio();
  const { lookId } = await looked(there, zip);
  const controller = new AbortController();
  const progress = ({ label }: { label: string }) => {
    if (label === 'Adding More cells') controller.abort();
  };
  const cut = await there.service.add(lookId, { signal: controller.signal, progress });
  expect(cut.datasets.map(({ name }) => name)).toEqual(['Cells']);
  expect((await there.store.list('datasets')).map(({ name }) => name)).toEqual([first]);
  expect(await failureOf(there.service.add(lookId, call))).toMatchObject({ code: 'project/no-drop' });

  // What a tab that was closed left is no dataset, and makes room for the whole one.
  await there.store.write(`datasets/${second}/images/left over.png`, new Uint8Array(3));
  expect((await added(there, zip)).datasets.map(({ name }) => name)).toEqual(['More cells']);
  expect(await there.store.exists(`datasets/${second}/images/left over.png`)).toBe(false);
});

test('an unpacked project is one too, and other drops are none', async () => {
  const here = studio();
  const zip = await exported(here, [await addCells(here)]);
  const loose = Object.entries(await unpacked(zip)).map(([path, bytes]) => ({
    path: `My project/${path}`,
    file: new File([new Uint8Array(bytes)], path),
  }));
  const there = studio();
  const preview = await there.service.look(loose, call);
  expect((await there.service.add(preview?.lookId ?? '', call)).datasets).toEqual(await here.datasets.list());
  expect(await there.service.look(drop(await writeZip({ 'a.png': new Uint8Array(9) })), call)).toBeNull();
  expect(await there.service.look(drop(new Uint8Array(99)), call)).toBeNull();
});

test('datasets of an earlier version come in as they always did', async () => {
  const here = studio();
  const datasetId = await addCells(here);
  const files = await unpacked(await exported(here, [datasetId]));
  const path = `datasets/${datasetId}/dataset.json`;
  const { classNames: _, classColours: __, classObjects: ___, files: stored, ...old } = json(files[path]);
  const images = (stored as { labelled?: object }[]).map(({ labelled: ____, ...rest }) => rest);
  const zip = await writeZip({ ...files, [path]: text({ ...old, version: 4, files: images }) });
  const there = studio();
  expect((await added(there, zip)).datasets).toMatchObject([{ id: datasetId, imageCount: 4 }]);
});

const json = (bytes: Uint8Array | undefined): Record<string, unknown> =>
  JSON.parse(new TextDecoder().decode(bytes));
const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

type Files = Record<string, Uint8Array>;
type Rewrite = (files: Files, datasetId: string) => Files;

const described =
  (change: (manifest: Record<string, unknown>) => object): Rewrite =>
  (files) => ({ ...files, [PROJECT_FILE]: text(change(json(files[PROJECT_FILE]))) });

const without =
  (path: (datasetId: string) => string): Rewrite =>
  (files, datasetId) => {
    const { [path(datasetId)]: _, ...rest } = files;
    return rest;
  };

const renamedFile =
  (from: (datasetId: string) => string, to: string): Rewrite =>
  (files, datasetId) => {
    const { [from(datasetId)]: bytes = new Uint8Array(0), ...rest } = files;
    return { ...rest, [to]: bytes };
  };

const datasetChanged =
  (change: (dataset: Record<string, unknown>) => object): Rewrite =>
  (files, id) => {
    const path = `datasets/${id}/dataset.json`;
    return { ...files, [path]: text(change(json(files[path]))) };
  };

/** A project as a whole that cannot be taken. */
const REFUSED: Readonly<Record<string, readonly [Rewrite, code: string, words: RegExp]>> = {
  'a newer version': [
    described((manifest) => ({ ...manifest, version: 2, studio: '0.3.0' })),
    'project/newer',
    /version 2, written by 0\.3\.0 .* Open it in the studio 0\.3\.0/,
  ],
  'another format': [described((manifest) => ({ ...manifest, format: 'zip' })), 'project/damaged', /format/],
  'wrong types': [described((manifest) => ({ ...manifest, datasets: 3 })), 'project/damaged', /datasets/],
  'an id that is a path': [
    described((manifest) => ({ ...manifest, datasets: [{ id: '../../runs/x-12345678', name: 'x' }] })),
    'project/damaged',
    /datasets\.0\.id/,
  ],
  'an id that is there twice': [
    described(({ datasets, ...rest }) => ({ ...rest, datasets: [datasets, datasets].flat() })),
    'project/damaged',
    /is twice among its datasets/,
  ],
  'no JSON': [
    (files) => ({ ...files, [PROJECT_FILE]: new Uint8Array(9) }),
    'project/damaged',
    /not valid JSON/,
  ],
};

test.each(Object.entries(REFUSED))('a project with %s is refused', async (_, [rewrite, code, words]) => {
  const here = studio();
  const datasetId = await addCells(here);
  const zip = await writeZip(rewrite(await unpacked(await exported(here, [datasetId])), datasetId));
  const failure = toFailureRecord(
    await studio()
      .service.look(drop(zip), call)
      .catch((error) => error),
  );
  expect(failure).toMatchObject({ code, where: 'p.zip' });
  expect(`${failure.what} ${failure.cure}`).toMatch(words);
});

test('a project that is cut off is known as one', async () => {
  const here = studio();
  const zip = await exported(here, [await addCells(here)]);
  expect(await failureOf(studio().service.look(drop(zip.subarray(0, zip.length / 2)), call))).toMatchObject({
    code: 'project/damaged',
    where: 'p.zip',
    what: expect.stringContaining('its directory is missing'),
  });
});

/** A dataset that cannot be taken; the others can. */
const LEFT_OUT: Readonly<Record<string, readonly [Rewrite, code: string]>> = {
  'no description': [without((id) => `datasets/${id}/dataset.json`), 'project/missing-file'],
  'an image missing': [without((id) => `datasets/${id}/images/a.png`), 'project/missing-file'],
  'an image of another size': [
    (files, id) => ({ ...files, [`datasets/${id}/images/a.png`]: new Uint8Array(7) }),
    'project/damaged-dataset',
  ],
  'a name that leads out of it': [
    renamedFile((id) => `datasets/${id}/images/a.png`, '../../../images/a.png'),
    'project/missing-file',
  ],
  'a file named outside of it': [
    datasetChanged(({ files, ...rest }) => ({
      ...rest,
      files: (files as object[]).map((file) => ({ ...file, image: { path: '../../x.png', size: 7 } })),
    })),
    'project/missing-file',
  ],
  'a newer description': [datasetChanged((own) => ({ ...own, version: 99 })), 'data/manifest-newer'],
  'wrong types': [datasetChanged((own) => ({ ...own, samples: 'many' })), 'data/manifest-broken'],
  'two images of one name': [
    datasetChanged(({ samples, ...rest }) => ({
      ...rest,
      samples: (samples as object[]).map((sample) => ({ ...sample, name: 'a.png' })),
    })),
    'project/damaged-dataset',
  ],
};

test.each(Object.entries(LEFT_OUT))('of a dataset with %s nothing is added', async (_, [rewrite, code]) => {
  const here = studio();
  const [datasetId, otherId] = [await addCells(here), await addCells(here, 'Others')];
  const files = await unpacked(await exported(here, [datasetId, otherId]));
  const there = studio();
  const preview = await looked(there, await writeZip(rewrite(files, datasetId)));
  expect(preview.items.map(({ fate }) => fate)).toEqual(['refused', 'new']);
  const own = preview.refusals.filter((refusal) => refusal.code !== 'data/zip-path');
  expect(own).toMatchObject([{ code, where: expect.stringContaining(datasetId) }]);
  expect(own[0]?.cure).not.toBe('');
  const { datasets } = await there.service.add(preview.lookId, call);
  expect(datasets.map(({ name }) => name)).toEqual(['Others']);
  expect((await there.store.list('datasets')).map(({ name }) => name)).toEqual([otherId]);
});

test.each([
  ['no record', 'run.json', null, 'project/missing-file'],
  ['a record of wrong types', 'run.json', { id: 3 }, 'run/damaged'],
  ['a damaged config', 'config.json', { format: 9 }, 'run/damaged'],
  ['a split that is none', 'split.json', { cells: 3 }, 'run/damaged'],
] as const)('of a run with %s nothing is added', async (_, file, value, code) => {
  const here = studio();
  await addRun(here, newDatasetId('gone'));
  const { [`runs/${RUN_ID}/${file}`]: __, ...files } = await unpacked(await exported(here, [], [RUN_ID]));
  const zip = await writeZip(value === null ? files : { ...files, [`runs/${RUN_ID}/${file}`]: text(value) });
  const there = studio();
  const preview = await looked(there, zip);
  expect(preview.items).toMatchObject([{ fate: 'refused' }]);
  expect(preview.refusals).toMatchObject([{ code }]);
  expect((await there.service.add(preview.lookId, call)).runs).toEqual([]);
  expect(await there.store.list('runs')).toEqual([]);
});

test('a record that says another id gets that of its folder', async () => {
  const here = studio();
  await addRun(here, newDatasetId('gone'));
  const files = await unpacked(await exported(here, [], [RUN_ID]));
  const path = `runs/${RUN_ID}/run.json`;
  const zip = await writeZip({ ...files, [path]: text({ ...json(files[path]), id: 'another-01234567' }) });
  const there = studio();
  expect((await added(there, zip)).runs.map(({ id }) => id)).toEqual([RUN_ID]);
  expect((await there.repository.list()).map(({ id }) => id)).toEqual([RUN_ID]);
});

test('an entry whose bytes are damaged keeps its dataset out', async () => {
  const here = studio();
  const zip = await exported(here, [await addCells(here)]);
  const name = new TextEncoder().encode('images/e.png');
  const at = zip.findIndex((_, i) => name.every((byte, k) => zip[i + k] === byte));
  zip.fill(0, at + name.length + 60, at + name.length + 80);
  const there = studio();
  const { datasets, refusals } = await added(there, zip);
  expect(datasets).toEqual([]);
  expect(refusals).toMatchObject([
    { code: 'data/zip-damaged', where: expect.stringContaining('images/e.png') },
  ]);
  expect(await there.store.list('datasets')).toEqual([]);
});
