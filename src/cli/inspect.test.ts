import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import type { UnderstoodAdapter } from '../engine/run/adapter-files.ts';
import { sizeOf } from '../graph/shape.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';
import { Safetensors } from '../sam/checkpoint/safetensors.ts';
import { writeSafetensors } from '../sam/checkpoint/safetensors-write.ts';
import { type DataReport, inspect } from './inspect.ts';
import type { ModelReport } from './inspect-model.ts';
import { statusOf } from './program.ts';
import type { RefusedReport } from './report.ts';

const hf = fileURLToPath(new URL('../../tests/vectors/hf', import.meta.url));
let folder: string;
let printed: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mopeft-inspect-'));
  printed = '';
  vi.spyOn(console, 'log').mockImplementation((text: string) => {
    printed += `${text}\n`;
  });
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

const WIDTH = 8;
const HEIGHT = 6;
const image = encodeImagePng({
  width: WIDTH,
  height: HEIGHT,
  channels: 3,
  data: new Uint8Array(3 * WIDTH * HEIGHT).map((_, i) => (37 * i) % 251),
});

type Block = readonly [value: number, x0: number, y0: number, x1: number, y1: number];

/** A mask with a block of each value. */
function mask(...blocks: readonly Block[]): Uint8Array {
  const data = new Int32Array(WIDTH * HEIGHT);
  for (const [value, x0, y0, x1, y1] of blocks) {
    for (let y = y0; y < y1; y++) data.fill(value, y * WIDTH + x0, y * WIDTH + x1);
  }
  return encodeMaskPng({ width: WIDTH, height: HEIGHT, data });
}

async function put(files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  for (const [path, bytes] of Object.entries(files)) {
    const at = join(folder, path);
    await mkdir(dirname(at), { recursive: true });
    await writeFile(at, bytes);
  }
}

const at = (...paths: readonly string[]) => paths.map((path) => join(folder, path));

async function reportOf<T>(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly report: T }> {
  const code = await statusOf(inspect, [...args, '--json']);
  return { code, report: JSON.parse(printed) as T };
}

const dataReport = (...paths: readonly string[]) => reportOf<DataReport>(...at(...paths));

describe('data', () => {
  it('says what was understood and what was left out', async () => {
    await put({
      'cells/images/1.png': image,
      'cells/images/2.png': image,
      'cells/images/10.png': image,
      'cells/masks/1.png': mask([1, 0, 0, 2, 2], [1, 4, 1, 8, 4]),
      'cells/masks/2.png': mask(),
      'cells/masks/3.png': mask(),
    });
    const { code, report } = await dataReport('cells');
    expect(code).toBe(0);
    const sample = (name: string, masks: readonly string[]) => ({
      ...{ image: `cells/images/${name}`, masks, width: WIDTH, height: HEIGHT, objects: [] },
    });
    expect(report.datasets).toEqual([
      {
        name: 'cells',
        images: 3,
        labelled: 2,
        objects: 2,
        maskKind: 'binary',
        classes: [{ value: 1, name: 'foreground', objects: 2 }],
        reading: {
          samples: 'grey',
          background: 0,
          ignored: [],
          threshold: null,
          levels: null,
          meaning: 'foreground',
          evidence: [
            'Value 0 is background: 83 % of the pixels, touches every edge in all 2 masks.',
            '1 is foreground: pixels that touch are one object.',
          ],
        },
        scale: 'whole',
        scaleEvidence: expect.stringMatching(/the median object is 111 pixels wide/),
        samples: [
          {
            ...sample('1.png', ['cells/masks/1.png']),
            objects: [
              { class: 1, area: 12, box: [4, 1, 8, 4] },
              { class: 1, area: 4, box: [0, 0, 2, 2] },
            ],
          },
          sample('2.png', ['cells/masks/2.png']),
          sample('10.png', []),
        ],
      },
    ]);
    expect(report.remarks).toEqual([
      {
        code: 'data/mask-without-image',
        severity: 'refused',
        file: 'cells/masks/3.png',
        what: expect.stringMatching(/same name/),
        cure: expect.stringMatching(/image/),
      },
      expect.objectContaining({ code: 'data/empty-mask', severity: 'look', file: 'cells/masks/2.png' }),
    ]);
  });

  it('lists classes as all masks of the dataset tell them', async () => {
    await put({
      'set/images/1.png': image,
      'set/images/2.png': image,
      'set/masks/1.png': mask([1, 0, 0, 2, 2], [4, 4, 0, 6, 2]),
      // Two values alone would be foreground.
      'set/masks/2.png': mask([4, 1, 1, 4, 3]),
    });
    const [set] = (await dataReport('set')).report.datasets;
    expect(set?.maskKind).toBe('labels');
    expect(set?.classes).toEqual([
      { value: 1, name: 'class 1', objects: 1 },
      { value: 4, name: 'class 4', objects: 2 },
    ]);
    expect(set?.samples[1]?.objects).toEqual([{ class: 4, area: 6, box: [1, 1, 4, 3] }]);
  });

  it('gives an instance the class of its pixels', async () => {
    await put({
      'set/images/1.png': image,
      'set/instances/1.png': mask([7, 0, 0, 3, 3], [8, 3, 0, 5, 3]),
      'set/labels/1.png': mask([2, 0, 0, 3, 3], [5, 3, 0, 5, 3]),
    });
    const [set] = (await dataReport('set')).report.datasets;
    expect(set?.maskKind).toBe('instances');
    expect(set?.samples[0]?.objects.map((object) => [object.class, object.area])).toEqual([
      [2, 9],
      [5, 6],
    ]);
  });

  it('reads several paths and zips as one drop', async () => {
    await put({
      'all/images/1.png': image,
      'all/masks/1.png': mask([1, 0, 0, 2, 2]),
      'a/set/1.png': image,
      'b/set/1.png': image,
      'leaves.zip': zipSync({ 'images/1.png': image, 'masks/1.png': mask([1, 0, 0, 2, 2]) }),
    });
    const { report } = await dataReport('all/images', 'all/masks');
    expect(report.datasets.map(({ name, labelled }) => [name, labelled])).toEqual([['all', 1]]);
    printed = '';
    const several = await dataReport('a/set', 'b/set', 'leaves.zip', 'b/set');
    expect(several.report.datasets.map(({ name, images, objects }) => [name, images, objects])).toEqual([
      ['set', 1, 0],
      ['b/set', 1, 0],
      ['leaves', 1, 1],
    ]);
    expect(several.report.remarks).toEqual([]);
  });

  it('says how many objects are too small for a model, and lists them all the same', async () => {
    const [width, height] = [640, 480];
    const data = new Int32Array(width * height);
    for (let id = 1; id <= 3; id++) data.fill(id, 50 * id * width, 50 * id * width + 9);
    for (let y = 300; y < 330; y++) data.fill(4, y * width, y * width + 30);
    await put({
      'set/images/1.png': encodeImagePng({
        width,
        height,
        channels: 3,
        data: new Uint8Array(3 * width * height),
      }),
      'set/instances/1.png': encodeMaskPng({ width, height, data }),
    });
    const { report } = await dataReport('set');
    expect(report.datasets[0]?.samples[0]?.objects.map(({ area }) => area)).toEqual([900, 9, 9, 9]);
    expect(report.remarks).toEqual([
      expect.objectContaining({
        code: 'data/small-objects',
        severity: 'look',
        file: null,
        what: expect.stringMatching(/^3 of 4 objects are under 4 pixels wide on a model of 256 pixels/),
        cure: expect.stringMatching(/crops of 32 pixels .*--scale 32 /),
      }),
    ]);
    expect(report.datasets[0]).toMatchObject({
      scale: 32,
      scaleEvidence: expect.stringMatching(/median object is 1.2 pixels wide; in crops of 32 .* 24 pixels/),
    });
    printed = '';
    await inspect(at('set'));
    expect(printed).toMatch(/\n {2}scale: crops of 32 pixels\. Where a model of 256 pixels sees/);
    printed = '';
    await put({ 'set/dataset.json': new TextEncoder().encode('{"scale": "whole"}') });
    const settled = await dataReport('set');
    expect(settled.report.datasets[0]).toMatchObject({ scale: 'whole' });
  });

  it('gives 1 when nothing was understood', async () => {
    await put({ 'set/notes.txt': new Uint8Array(3), 'set/a.png': new Uint8Array(9) });
    const { code, report } = await dataReport('set');
    expect(code).toBe(1);
    expect(report.datasets).toEqual([]);
    expect(report.remarks.map(({ file }) => file)).toEqual(['set/notes.txt', 'set/a.png', null]);
    await expect(inspect(at('none'))).rejects.toThrow(/none: There is no such file or folder/);
    await expect(inspect([])).rejects.toThrow(/No path is given\. Name files, folders or zips\./);
  });

  it('writes its remarks as a table, with names that no spreadsheet runs', async () => {
    await put({ 'set/=1+1,"x".png': new Uint8Array(9) });
    const file = join(folder, 'remarks.csv');
    expect(await inspect([...at('set'), '--csv', file])).toBe(1);
    const [header, row] = (await readFile(file, 'utf8')).split('\r\n');
    expect(header).toBe('file,severity,what,cure,code');
    expect(row).toMatch(/^"set\/=1\+1,""x""\.png",refused,/);
    const again = inspect([...at('set'), '--csv', file]);
    await expect(again).rejects.toMatchObject({ record: { code: 'cli/out-exists', where: file } });
    await expect(inspect(['--model', hf, '--csv', file])).rejects.toThrow(/--csv goes with data/);
    // Where a file lies there is no folder: what was understood is printed all the same, in one document.
    printed = '';
    const { code, report } = await reportOf<DataReport & RefusedReport>(
      ...at('set'),
      ...['--csv', join(file, 'such.csv')],
    );
    expect([code, report.refused.code]).toEqual([1, 'cli/not-written']);
    expect(report.remarks.map(({ severity }) => severity)).toContain('refused');
  });

  it('says the same to people', async () => {
    await put({
      'set/images/1.png': image,
      'set/images/2.png': image,
      'set/masks/1.png': mask([1, 0, 0, 2, 2]),
      'set/masks/2.png': new Uint8Array(0),
    });
    expect(await inspect(at('set'))).toBe(0);
    expect(printed).toMatch(
      /^set: 2 images, 1 labelled, 1 object\n {2}masks: binary.*\n {4}Value 0 is background: .*\n {4}1 is foreground: .*\n {2}classes: foreground \(1 object\)\nLeft out: 1\n {2}set\/masks\/2\.png: .*\n {4}\S.*\n$/,
    );
  });
});

const CHOSEN = ['--aspect', 'stretch', '--mean', '0.5,0.5,0.5', '--std', '0.25,0.25,0.25'] as const;

describe('a model', () => {
  const modelReport = (...paths: readonly string[]) => reportOf<ModelReport>('--model', ...paths);
  const weights = join(hf, 'model.safetensors');

  it('is described, with the sum of its weights', async () => {
    const { code, report } = await modelReport(weights, join(hf, 'config.json'));
    const file = await Safetensors.open(bytesSource('model', new Uint8Array(await readFile(weights))));
    const tensors = [...(await file.readAll())].filter(([name]) => !name.includes('shared_embedding'));
    let sum = 0;
    for (const [, { data }] of tensors) for (const value of data) sum += value;
    const trained = tensors.filter(([name]) => !name.includes('positional_embedding'));
    expect(code).toBe(0);
    expect(report).toEqual({
      file: 'model.safetensors',
      format: 'safetensors',
      family: 'sam',
      parameters: trained.reduce((count, [, { shape }]) => count + sizeOf(shape), 0),
      sumOfWeights: expect.closeTo(sum, 6),
      unused: [],
      preprocess: expect.objectContaining({ aspect: 'keep' }),
      remarks: [expect.objectContaining({ code: 'config/preprocessing', severity: 'look', file: null })],
    });
    printed = '';
    expect(await inspect(['--model', weights, join(hf, 'config.json')])).toBe(0);
    expect(printed).toMatch(/^model\.safetensors: SAM, safetensors, [\d,]+ parameters\n {2}sum of weights: /);
  });

  it('of HQ-SAM is said to be one', async () => {
    const hq = fileURLToPath(new URL('../../tests/vectors/hq/hq.base.safetensors', import.meta.url));
    const { report } = await modelReport(hq, '--decoder-heads', '2');
    expect(report).toMatchObject({ family: 'sam-hq', unused: [] });
    printed = '';
    await inspect(['--model', hq, '--decoder-heads', '2']);
    expect(printed).toMatch(/^hq\.base\.safetensors: SAM-HQ, safetensors, /);
  });

  it('names the tensors that were left alone', async () => {
    const file = await Safetensors.open(bytesSource('model', new Uint8Array(await readFile(weights))));
    const more = new Map([
      ...(await file.readAll()),
      ['hf_token', { shape: [1], data: new Float32Array([5]) }],
    ]);
    await put({ 'model/model.safetensors': writeSafetensors(more) });
    const { report } = await modelReport(...at('model'), join(hf, 'config.json'));
    expect(report.file).toBe('model/model.safetensors');
    expect(report.unused).toEqual(['hf_token']);
    const strangers = Array.from({ length: 14 }, (_, i) => `memory.${i}`);
    for (const name of strangers) more.set(name, { shape: [1], data: new Float32Array([5]) });
    await put({ 'model/model.safetensors': writeSafetensors(more) });
    printed = '';
    await inspect(['--model', ...at('model'), join(hf, 'config.json')]);
    expect(printed).toContain('left alone: 15 tensors: hf_token, memory.0, ');
    expect(printed).toMatch(/memory\.10 and 3 more \(--json lists all\)/);
  });

  it('of SAM 2 is said to be one', async () => {
    const sam2 = fileURLToPath(new URL('../../tests/vectors/sam2/', import.meta.url));
    await put({
      'sam2/sam2.safetensors': new Uint8Array(await readFile(`${sam2}sam2.base.safetensors`)),
      'sam2/config.json': new Uint8Array(await readFile(`${sam2}sam2.json`)),
    });
    const { report } = await modelReport(...at('sam2'));
    expect(report).toMatchObject({ family: 'sam2', preprocess: { aspect: 'stretch' } });
    expect(report.unused).toHaveLength(6);
  });

  it('is refused with code and cure', async () => {
    const file = await Safetensors.open(bytesSource('model', new Uint8Array(await readFile(weights))));
    const tensors = await file.readAll();
    const [name = '', tensor] = [...tensors][0] ?? [];
    tensor?.data.fill(Number.NaN, 0, 1);
    await put({ 'model.safetensors': writeSafetensors(tensors) });
    const paths = [...at('model.safetensors'), join(hf, 'config.json')];
    const { code, report } = await reportOf<RefusedReport>('--model', ...paths);
    expect(code).toBe(1);
    expect(report.refused).toEqual({
      code: 'checkpoint/not-finite',
      what: 'Element 0 is NaN.',
      where: `model.safetensors, tensor ${name}`,
      cure: expect.stringMatching(/earlier checkpoint/),
    });
    await expect(inspect(['--model', ...paths])).rejects.toThrow(/Element 0 is NaN/);
    printed = '';
    const none = await reportOf<RefusedReport>('--model', ...at('none'));
    expect([none.code, none.report.refused.code]).toEqual([1, 'cli/no-model']);
  });

  it('is prepared as flags say, and wrong flags are named', async () => {
    const { report } = await modelReport(weights, join(hf, 'config.json'), ...CHOSEN);
    expect(report.preprocess).toEqual({
      aspect: 'stretch',
      normalisation: { kind: 'mean-std', mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], range: 1 },
    });
    expect(report.remarks).toEqual([]);
    for (const [wrong, text] of [
      [['--aspect', 'crop'], /crop.*neither keep nor stretch/],
      [['--normalisation', 'min-max', '--mean', '0,0,0'], /--mean/],
      [['--mean', '0,0,0'], /--mean and --std go together/],
      [['--mean', '0,0,0', '--std', '1,0,1'], /not above 0/],
      [['--decoder-heads', '0'], /decoder-heads/],
    ] as const)
      await expect(inspect(['--model', weights, ...wrong])).rejects.toThrow(text);
  });

  it('needs nothing beside its weights where they carry their config, as the embedded model does', async () => {
    const embedded = fileURLToPath(new URL('../../public/models/mopeft-sam-tiny', import.meta.url));
    const alone = await modelReport(join(embedded, 'model.safetensors'));
    expect(alone.report.remarks).toEqual([]);
    printed = '';
    const whole = await modelReport(embedded);
    expect({ ...whole.report, file: '' }).toEqual({ ...alone.report, file: '' });
  });
});

describe('an adapter', () => {
  const peft = fileURLToPath(new URL('../../tests/vectors/peft', import.meta.url));

  it('of another program says what it is, or why it is refused', async () => {
    expect(await inspect(['--adapter', join(peft, 'fused')])).toBe(0);
    expect(printed).toMatch(/PEFT LoRA, rank 3, scale 2, blocks 0-1, q, k and v from rows 0…23/);
    expect(printed).toMatch(/base model: tests\/vectors\/hf/);
    printed = '';
    await put({ 'a.safetensors': await readFile(join(peft, 'fused/adapter_model.safetensors')) });
    const { code, report } = await reportOf<RefusedReport>('--adapter', ...at('a.safetensors'));
    expect(code).toBe(1);
    expect(report.refused.code).toBe('adapter/no-config');
  });

  const Base = { methods: {}, gate: 'none', blocks: [], trainDecoder: false };
  it.each([
    [
      { methods: { lora: { rank: 2 } }, gate: 'none', blocks: [0, 1, 3], trainDecoder: true },
      'lora, blocks 0-1, 3, gates none, with the mask decoder',
    ],
    [{ ...Base, trainDecoder: true }, 'decoder, with the mask decoder'],
    [Base, 'the base model as it is'],
  ])('of our own says its methods and its base model: %o', async (mopeft, what) => {
    const preprocessing = { aspect: 'keep', normalisation: { kind: 'min-max' } };
    const base = { name: 'cells-sam', hash: '0'.repeat(64) };
    const record = JSON.stringify({ format: 'mopeft-adapter', version: 1, base, mopeft, preprocessing });
    await put({ 'run/adapter.safetensors': writeSafetensors(new Map(), { record }) });
    const { code, report } = await reportOf<UnderstoodAdapter>('--adapter', ...at('run'));
    expect(code).toBe(0);
    expect(report).toMatchObject({
      what: `MoPEFT adapter, ${what}`,
      baseName: 'cells-sam',
      remarks: [],
    });
  });
});
