import { beforeEach, describe, expect, it } from 'vitest';
import { type Dataset, loadSample } from './dataset.ts';
import { DatasetStore } from './dataset-store.ts';
import { encodeImagePng, encodeMaskPng } from './encode-png.ts';
import { type InspectedDataset, inspectDataset } from './inspect.ts';
import { MemoryStore } from './memory-store.ts';
import { readDatasets } from './read-datasets.ts';

const image = (seed: number) =>
  encodeImagePng({
    width: 6,
    height: 4,
    channels: 3,
    data: Uint8Array.from({ length: 72 }, (_, i) => i * seed),
  });
const mask = (...on: number[]) =>
  encodeMaskPng({
    width: 6,
    height: 4,
    data: Uint8Array.from({ length: 24 }, (_, i) => (on.includes(i) ? 1 : 0)),
  });

async function inspected(files: Readonly<Record<string, Uint8Array>>): Promise<InspectedDataset> {
  const list = Object.entries(files).map(([path, content]) => ({ path, bytes: async () => content }));
  const { datasets } = await readDatasets(list);
  if (!datasets[0]) throw new Error('no dataset');
  return inspectDataset(datasets[0]);
}

const files = {
  'My cells/images/a.png': image(3),
  'My cells/images/sub/b: 100%.png': image(5),
  'My cells/masks/a_mask.png': mask(0, 1),
  'My cells/masks/sub/b: 100%.png': mask(9),
  'My cells/images/c.png': image(7),
};

/** As it was written before the mask kind `cut128` was called `threshold128`, and then `threshold`. */
const VERSION_1 = JSON.stringify({
  version: 1,
  id: 'old',
  name: 'Old',
  created: 5,
  files: [
    { image: { path: 'images/a.png', size: 90 }, mask: { path: 'masks/a.jpg', size: 5 } },
    { image: { path: 'images/b.png', size: 90 } },
  ],
  samples: [
    {
      name: 'a.png',
      width: 6,
      height: 4,
      maskKind: 'cut128',
      source: 'masks',
      objects: 1,
      labels: [1],
      foreground: 0.25,
    },
    { name: 'b.png', width: 6, height: 4, objects: 0, labels: [], foreground: 0 },
  ],
  summary: {
    name: 'Old',
    images: 2,
    labelled: 1,
    unlabelled: 1,
    empty: 0,
    objects: 1,
    labels: [1],
    maskKinds: { binary: 0, cut128: 1, labels: 0, instances: 0 },
    bytes: 185,
    widths: [6, 6],
    heights: [4, 4],
  },
});

let memory: MemoryStore;
let store: DatasetStore;
beforeEach(() => {
  memory = new MemoryStore();
  store = new DatasetStore(memory);
});

describe('stored datasets', () => {
  it('survive: what is loaded is what was dropped', async () => {
    const before = await inspected(files);
    const stored = await store.save(before, { now: 5 });
    expect(stored).toMatchObject({
      name: 'My cells',
      created: 5,
      summary: { images: 3, labelled: 2, unlabelled: 1 },
    });
    expect(stored.id).toMatch(/^my-cells-[0-9a-f]{8}$/);
    const again = new DatasetStore(memory);
    expect((await again.list()).datasets).toEqual([stored]);
    const loaded = await again.load(stored.id);
    if (!loaded.ok) throw new Error(loaded.refusal.reason);
    expect(loaded.value.dataset.samples.map(({ name }) => name)).toEqual([
      'a.png',
      'c.png',
      'sub/b: 100%.png',
    ]);
    const load = ({ samples }: Dataset) => Promise.all(samples.map((sample) => loadSample(sample)));
    expect(await load(loaded.value.dataset)).toEqual(await load(before.dataset));
    const original = await memory.read(`datasets/${stored.id}/images/a.png`);
    expect(original).toEqual(files['My cells/images/a.png']);
    expect(stored.bytes).toBe(await memory.size('datasets'));
    expect(stored.summary.bytes).toBe(Object.values(files).reduce((sum, file) => sum + file.length, 0));
  });

  it('are listed by their manifests alone, without a look at their files', async () => {
    const stored = await store.save(await inspected(files));
    const asked: string[] = [];
    const counting = new Proxy(memory, {
      get: (target, name: keyof MemoryStore) => async (path: string) => {
        asked.push(`${name} ${path}`);
        return Reflect.apply(target[name], target, [path]);
      },
    });
    expect((await new DatasetStore(counting).list()).datasets).toEqual([stored]);
    const manifest = `datasets/${stored.id}/dataset.json`;
    expect(asked).toEqual(['list datasets', `exists ${manifest}`, `read ${manifest}`]);
    await memory.remove(manifest);
    await new DatasetStore(counting).list();
    expect(asked.at(-1)).toBe(`size datasets/${stored.id}`);
  });

  it('are renamed and deleted', async () => {
    const stored = await store.save(await inspected(files));
    const renamed = await store.rename(stored.id, '  Nuclei ');
    expect(renamed).toMatchObject({
      ok: true,
      value: { id: stored.id, name: 'Nuclei', summary: { name: 'Nuclei' } },
    });
    expect((await store.list()).datasets.map(({ name }) => name)).toEqual(['Nuclei']);
    await store.delete(stored.id);
    expect(await store.list()).toEqual({ datasets: [], broken: [] });
    expect(await memory.size('')).toBe(0);
    expect(await store.rename(stored.id, 'x')).toMatchObject({
      ok: false,
      refusal: { code: 'data/half-saved' },
    });
  });

  it('leave nothing behind on a full disk', async () => {
    const small = new MemoryStore(300);
    await expect(new DatasetStore(small).save(await inspected(files))).rejects.toMatchObject({
      record: { code: 'storage/full' },
    });
    expect(await small.size('')).toBe(0);
  });

  it('name the file that went away while they were saved, and leave nothing behind', async () => {
    const { dataset, ...rest } = await inspected(files);
    const bytes = () => Promise.reject(new Error('moved'));
    const samples = dataset.samples.map((sample, i) =>
      i === 1 ? { ...sample, image: { ...sample.image, bytes } } : sample,
    );
    await expect(store.save({ ...rest, dataset: { ...dataset, samples } })).rejects.toMatchObject({
      record: { code: 'data/unreadable', where: 'My cells/images/c.png' },
    });
    expect(await memory.size('')).toBe(0);
  });

  it.each([
    ['no JSON', '{"version":2,', 'data/manifest-broken'],
    ['another shape', '{"version":4,"id":"x"}', 'data/manifest-broken'],
    ['version 3 in another shape', '{"version":3,"id":"x"}', 'data/manifest-broken'],
    ['version 2 in another shape', '{"version":2,"id":"x"}', 'data/manifest-broken'],
    ['a list', '[]', 'data/manifest-broken'],
    ['a newer version', '{"version":6}', 'data/manifest-newer'],
    ['an old version without samples', '{"version":1,"summary":{}}', 'data/manifest-broken'],
  ])('are reported, not opened, when dataset.json holds %s', async (_, content, code) => {
    const good = await store.save(await inspected(files));
    await memory.write('datasets/bad/dataset.json', new TextEncoder().encode(content));
    await memory.write('datasets/half/images/a.png', new Uint8Array(3));
    const { datasets, broken } = await store.list();
    expect(datasets.map(({ id }) => id)).toEqual([good.id]);
    expect(broken.map(({ id, bytes, refusal }) => [id, bytes, refusal.code])).toEqual([
      ['bad', content.length, code],
      ['half', 3, 'data/half-saved'],
    ]);
    expect(await store.load('bad')).toMatchObject({ ok: false, refusal: { code } });
  });

  it.each([1, 2])('open with a manifest of version %i, and are written as version 5', async (version) => {
    const kind = version === 1 ? 'cut128' : 'threshold128';
    const text = VERSION_1.replaceAll('cut128', kind).replace('"version":1', `"version":${version}`);
    await memory.write('datasets/old/images/a.png', image(3));
    await memory.write('datasets/old/masks/a.jpg', new Uint8Array(5));
    await memory.write('datasets/old/dataset.json', new TextEncoder().encode(text));
    const { datasets, broken } = await store.list();
    expect(broken).toEqual([]);
    expect(datasets).toMatchObject([
      {
        id: 'old',
        reading: 'per-file',
        scale: 'whole',
        sizes: null,
        samples: [{ name: 'a.png', maskKind: 'threshold' }, { name: 'b.png' }],
        summary: { maskKinds: { binary: 0, threshold: 1, labels: 0, instances: 0 } },
      },
    ]);
    const loaded = await store.load('old');
    expect(loaded.ok && loaded.value.dataset.samples[0]).toMatchObject({
      mask: { path: 'masks/a.jpg' },
      reading: 'per-file',
    });
    expect(await store.rename('old', 'New')).toMatchObject({ ok: true, value: { name: 'New' } });
    const written = new TextDecoder().decode(await memory.read('datasets/old/dataset.json'));
    expect(JSON.parse(written)).toMatchObject({
      version: 5,
      reading: 'per-file',
      scale: 'whole',
      samples: [{ maskKind: 'threshold' }, {}],
    });
    expect(written).not.toContain('128');
  });

  it('open with a manifest of version 3 and are seen whole, as they were', async () => {
    const stored = await store.save(await inspected(files));
    const path = `datasets/${stored.id}/dataset.json`;
    const { scale, sizes, ...before } = JSON.parse(new TextDecoder().decode(await memory.read(path)));
    expect([scale, sizes]).toEqual(['whole', stored.sizes]);
    await memory.write(path, new TextEncoder().encode(JSON.stringify({ ...before, version: 3 })));
    const { bytes: _, ...kept } = stored;
    expect((await store.list()).datasets).toMatchObject([{ ...kept, scale: 'whole', sizes: null }]);
    const changed = await store.setScale(stored.id, 64);
    expect(changed).toMatchObject({ ok: true, value: { scale: 64, sizes: null } });
  });

  it('open with a manifest of version 4, before anything was labelled here', async () => {
    const stored = await store.save(await inspected(files));
    const path = `datasets/${stored.id}/dataset.json`;
    const before = JSON.parse(new TextDecoder().decode(await memory.read(path)));
    await memory.write(path, new TextEncoder().encode(JSON.stringify({ ...before, version: 4 })));
    const { bytes: _, ...kept } = stored;
    expect((await store.list()).datasets).toMatchObject([
      { ...kept, statuses: ['done', 'unlabelled', 'done'], revisions: [0, 0, 0], classObjects: null },
    ]);
    await store.rename(stored.id, 'New');
    expect(JSON.parse(new TextDecoder().decode(await memory.read(path)))).toMatchObject({ version: 5 });
  });

  it('keep their scale and the sizes of their objects', async () => {
    const before = await inspected(files);
    const stored = await store.save({ ...before, dataset: { ...before.dataset, scale: 96 } });
    const areas = [
      [1, 1],
      [2, 1],
    ];
    expect(stored).toMatchObject({ scale: 96, sizes: [{ width: 6, height: 4, areas }] });
    await store.setScale(stored.id, 'whole');
    await store.rename(stored.id, 'Other');
    const loaded = await new DatasetStore(memory).load(stored.id);
    expect(loaded).toMatchObject({
      ok: true,
      value: { dataset: { scale: 'whole' }, stored: { sizes: stored.sizes } },
    });
    expect(await store.setScale('gone', 64)).toMatchObject({
      ok: false,
      refusal: { code: 'data/half-saved' },
    });
  });

  it('name a file that is gone from storage', async () => {
    const stored = await store.save(await inspected(files));
    await memory.remove(`datasets/${stored.id}/images/a.png`);
    const loaded = await store.load(stored.id);
    if (!loaded.ok) throw new Error(loaded.refusal.reason);
    const [sample] = loaded.value.dataset.samples;
    expect(sample && (await loadSample(sample))).toMatchObject({
      ok: false,
      refusal: { code: 'storage/missing', file: 'images/a.png' },
    });
  });
});
