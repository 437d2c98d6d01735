import { beforeEach, describe, expect, test, vi } from 'vitest';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import { MemoryStore } from '../data/memory-store.ts';
import { fakeWebLocks } from '../testing/fake-web-locks.ts';
import { greyTiff } from '../testing/grey-tiff.ts';
import { DatasetRepository } from './dataset-repository.ts';
import type { EngineState } from './engine-state.ts';
import { dataHandlers } from './handlers/data.ts';
import type { AnswerOf, CallName, DatasetPreview, DatasetSettings, DroppedFile, Result } from './protocol.ts';
import type { CallContext } from './serve.ts';

const SIDE = 24;

/** A square of 1 with a rim of 255 around it, on 0. */
function rimmed(at: number): Uint8Array {
  const data = new Int32Array(SIDE * SIDE);
  const square = (from: number, to: number, value: number) => {
    for (let y = from; y < to; y++) data.fill(value, y * SIDE + from, y * SIDE + to);
  };
  square(at - 2, at + 12, 255);
  square(at, at + 10, 1);
  return encodeMaskPng({ width: SIDE, height: SIDE, data });
}

const image = encodeImagePng({
  width: SIDE,
  height: SIDE,
  channels: 3,
  data: Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) => (i * 7) % 251),
});

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const files: DroppedFile[] = NAMES.flatMap((name, i) => [
  { path: `set/images/${name}.png`, file: new File([new Uint8Array(image)], `${name}.png`) },
  { path: `set/masks/${name}.png`, file: new File([new Uint8Array(rimmed(3 + i))], `${name}.png`) },
]);

/** Takes the place of the browser's canvas; what is drawn shows in its pixels. */
class FakeCanvas {
  private pixels: ImageData | null = null;
  constructor(
    readonly width: number,
    readonly height: number,
  ) {}
  getContext() {
    return {
      putImageData: (pixels: ImageData) => {
        this.pixels = pixels;
      },
    };
  }
  transferToImageBitmap() {
    return { width: this.width, height: this.height, data: this.pixels?.data };
  }
}

class FakeImageData {
  constructor(
    readonly data: Uint8ClampedArray,
    readonly width: number,
    readonly height: number,
  ) {}
}

let store: MemoryStore;
let repository: DatasetRepository;
beforeEach(() => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
  vi.stubGlobal('OffscreenCanvas', FakeCanvas);
  vi.stubGlobal('ImageData', FakeImageData);
  store = new MemoryStore();
  repository = new DatasetRepository(store);
});

/** The calls as the page has them, with what each handed over. */
function calls() {
  const state = { datasets: repository } as unknown as EngineState;
  const unused = { expectUnused: async () => undefined };
  const handlers = dataHandlers(Promise.resolve({ state, training: unused, finding: unused }));
  const transferred: Transferable[] = [];
  const context = (signal = new AbortController().signal): CallContext => ({
    signal,
    progress: () => undefined,
    transfer: (...objects) => void transferred.push(...objects),
  });
  return { handlers, context, transferred };
}

function answer<K extends CallName>(result: Result<AnswerOf<K>>): AnswerOf<K> {
  if (!result.ok) throw new Error(result.error.what);
  return result.value;
}

async function preview() {
  const { handlers, context, transferred } = calls();
  const drop = answer<'data.preview'>(await handlers['data.preview']({ files, size: 12 }, context()));
  const [first] = drop.datasets;
  if (!first) throw new Error('no dataset');
  return { handlers, context, transferred, drop, first };
}

const objects = ({ samples }: DatasetPreview) => samples.map(({ objectCount }) => objectCount);

describe('a drop', () => {
  test('is shown with its reading, the evidence and three images, and nothing is stored', async () => {
    const { first, drop, transferred } = await preview();
    expect(drop.refusals).toEqual([]);
    expect(first).toMatchObject({ index: 0, name: 'set', imageCount: 5, maskedCount: 5 });
    expect(first.reading).toMatchObject({
      samples: 'grey',
      meaning: 'foreground',
      background: '0',
      ignored: ['255'],
      threshold: null,
      levels: null,
    });
    expect(first.reading?.values.map(({ value }) => value)).toEqual(['0', '1', '255']);
    expect(first.reading?.values.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(first.evidence.join(' ')).toMatch(/0 is background.*255 is ignored.*1 is foreground/);
    expect(first.remarks).toMatchObject([
      { code: 'data/reading-ignored', isNotice: true, where: 'set/masks/' },
    ]);
    expect(first.samples.map(({ name, width, objectCount }) => [name, width, objectCount])).toEqual([
      ['a.png', SIDE, 1],
      ['c.png', SIDE, 1],
      ['e.png', SIDE, 1],
    ]);
    const [sample] = first.samples;
    expect(sample?.image.width).toBe(12);
    expect(sample?.objects).not.toEqual(sample?.image);
    expect(transferred).toEqual(first.samples.flatMap((one) => [one.image, one.objects]));
    expect(await repository.list()).toEqual([]);
  });

  test('is shown again with changes, and imported with them', async () => {
    const { handlers, context, drop, first } = await preview();
    const { dropId } = drop;
    const read = vi.spyOn(files[1]?.file ?? new File([], ''), 'arrayBuffer');
    const changed = answer<'data.previewWith'>(
      await handlers['data.previewWith'](
        { dropId, index: 0, settings: { ignore: [], classNames: { '255': 'rim' } }, size: 12 },
        context(),
      ),
    );
    expect(changed.reading).toMatchObject({ ignored: [], meaning: 'classes' });
    expect(changed.remarks).toEqual([]);
    expect(objects(changed)).toEqual([2, 2, 2]);
    // Of the masks only the three that are drawn are read again.
    expect(read).toHaveBeenCalledTimes(1);
    const { datasets, refusals } = answer<'data.import'>(
      await handlers['data.import'](
        { dropId, settings: { 0: { ignore: [], classNames: { '255': 'rim' } } } },
        context(),
      ),
    );
    expect(refusals).toEqual([]);
    expect(datasets).toMatchObject([
      {
        objectCount: 10,
        classes: [
          { value: 1, name: 'class 1', objectCount: 5 },
          { value: 255, name: 'rim', objectCount: 5 },
        ],
      },
    ]);
    expect(datasets[0]?.evidence.join(' ')).toMatch(/1 and 255 are classes/);
    const again = new DatasetRepository(store);
    expect(await again.list()).toEqual(datasets);
    expect((await again.sample(datasets[0]?.id ?? '', 'a.png')).objects.regions).toHaveLength(2);
    expect(first.reading?.ignored).toEqual(['255']);
  });

  test('of runs says how they are counted, and shows and stores them as it is chosen', async () => {
    const { handlers, context } = calls();
    // In a row 3 pixels from the second on; down the column the same numbers are pixels below each other.
    const text = 'ImageId,EncodedPixels\na,2 3\n';
    const ofRuns: DroppedFile[] = [
      { path: 'set/a.png', file: new File([new Uint8Array(image)], 'a.png') },
      { path: 'set/train.csv', file: new File([text], 'train.csv') },
    ];
    const drop = answer<'data.preview'>(
      await handlers['data.preview']({ files: ofRuns, size: 12 }, context()),
    );
    const [first] = drop.datasets;
    expect(first?.runs).toBe('columns');
    expect(first?.evidence[0]).toMatch(/^The runs are taken to go down the columns/);
    expect(first?.remarks).toMatchObject([{ code: 'data/annotation-run-order', isNotice: true }]);
    const settings = { runs: 'rows' } as const;
    const changed = answer<'data.previewWith'>(
      await handlers['data.previewWith']({ dropId: drop.dropId, index: 0, settings, size: 12 }, context()),
    );
    expect(changed.runs).toBe('rows');
    expect(changed.evidence[0]).toBe('The runs go along the rows, as you chose.');
    expect(changed.remarks).toEqual([]);
    const { datasets } = answer<'data.import'>(
      await handlers['data.import']({ dropId: drop.dropId, settings: { 0: settings } }, context()),
    );
    expect(datasets[0]?.evidence[0]).toBe('The runs go along the rows, as you chose.');
    const stored = await new DatasetRepository(store).sample(datasets[0]?.id ?? '', 'a.png');
    expect(stored.objects.regions.map(({ box }) => box)).toEqual([[1, 0, 4, 1]]);
  });

  test('has a scale, which is stored as it was chosen', async () => {
    const { handlers, context, drop, first } = await preview();
    expect(first.scale).toMatchObject({
      chosen: 'whole',
      suggested: 'whole',
      longestSide: SIDE,
      sentence: expect.stringMatching(/the median object is 107 pixels wide\.$/),
    });
    const { dropId } = drop;
    const settings = { scale: 16 };
    const changed = answer<'data.previewWith'>(
      await handlers['data.previewWith']({ dropId, index: 0, settings, size: 12 }, context()),
    );
    expect(changed.scale).toMatchObject({
      chosen: 16,
      sentence: expect.stringMatching(/in crops of 16 pixels it is 160 pixels/),
    });
    const { datasets } = answer<'data.import'>(
      await handlers['data.import']({ dropId, settings: { 0: settings } }, context()),
    );
    expect(datasets[0]?.scale.chosen).toBe(16);
    const whole = answer<'data.setScale'>(
      await handlers['data.setScale']({ datasetId: datasets[0]?.id ?? '', scale: 'whole' }, context()),
    );
    expect(whole.scale.chosen).toBe('whole');
  });

  test('offers the channels of images that have many', async () => {
    const channelled = new Uint8Array(2 * SIDE * SIDE).map((_, i) => (i % 2 === 0 ? 10 : i % 251));
    const tiff = greyTiff({ width: SIDE, height: SIDE, bits: 8, samples: 2 }, channelled);
    const many: DroppedFile[] = [
      { path: 'set/images/a.tif', file: new File([new Uint8Array(tiff)], 'a.tif') },
    ];
    const { handlers, context } = calls();
    const { dropId, datasets } = answer<'data.preview'>(
      await handlers['data.preview']({ files: many, size: 12 }, context()),
    );
    expect(datasets[0]).toMatchObject({ scale: null, channels: { of: 2, shown: [2, 2, 2] } });
    const settings: DatasetSettings = { channels: [1, 2, 2] };
    const changed = answer<'data.previewWith'>(
      await handlers['data.previewWith']({ dropId, index: 0, settings, size: 12 }, context()),
    );
    expect(changed.channels).toEqual({ of: 2, shown: [1, 2, 2] });
    const imported = answer<'data.import'>(
      await handlers['data.import']({ dropId, settings: { 0: settings } }, context()),
    );
    const { image: shown } = await repository.sample(imported.datasets[0]?.id ?? '', 'a.tif');
    expect([...shown.data.subarray(0, 6)]).toEqual([10, 1, 1, 10, 3, 3]);
    expect((await preview()).first.channels).toBeNull();
  });

  test('says which value does not occur', async () => {
    const { handlers, context, drop } = await preview();
    const settings = { background: 7 };
    const changed = answer<'data.previewWith'>(
      await handlers['data.previewWith']({ dropId: drop.dropId, index: 0, settings, size: 12 }, context()),
    );
    expect(changed.reading).toBeNull();
    expect(changed.remarks[0]).not.toHaveProperty('isNotice');
    expect(changed.remarks[0]).toMatchObject({
      what: expect.stringMatching(/^7 is no value of these masks: they hold 0, 1 and 255/),
    });
  });

  test('is forgotten once it was imported, discarded or followed by another', async () => {
    const { handlers, context, drop } = await preview();
    const { dropId } = drop;
    const second = answer<'data.preview'>(await handlers['data.preview']({ files, size: 12 }, context()));
    const gone = { record: { code: 'data/no-drop' } };
    await expect(handlers['data.import']({ dropId, settings: {} }, context())).rejects.toMatchObject(gone);
    await handlers['data.discard']({ dropId: second.dropId }, context());
    await expect(
      handlers['data.import']({ dropId: second.dropId, settings: {} }, context()),
    ).rejects.toMatchObject(gone);
    expect(await repository.list()).toEqual([]);
  });

  test('that is cancelled leaves nothing to import', async () => {
    const { handlers, context } = calls();
    const controller = new AbortController();
    controller.abort();
    await expect(
      handlers['data.preview']({ files, size: 12 }, context(controller.signal)),
    ).rejects.toMatchObject({ name: 'AbortError' });
  });
});
