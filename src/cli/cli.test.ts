import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import { writeZip } from '../data/zip.ts';
import { writeAdapter } from '../peft/adapter-file.ts';
import { DATASET_TOKENS } from '../peft/dataset-token.ts';
import { type Answer, mopeft } from '../testing/command-line.ts';
import { normals } from '../testing/random.ts';
import { drawSample } from '../testing/training-sets.ts';
import { folderFiles } from './input-files.ts';
import { readImage } from './read-image.ts';

vi.mock('./node-gpu.ts', async () => (await import('../testing/command-line.ts')).sharedDevice());

const execute = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const model = join(root, 'tests/vectors/hf');
/** How images are prepared, which the model's folder does not say. */
const PREPARED = ['--aspect', 'keep', '--normalisation', 'mean-std'];
const entry = join(root, 'src/cli/main.ts');
let folder: string;
let data: string;
let run: string;
/** Of one training and two test images, so that the weights of the last step are kept, and its run. */
let taught: string;
let tuned: string;

/** Runs a command in a process of its own, as a person does. */
async function asProcess(...args: readonly string[]): Promise<Answer> {
  try {
    const command = ['--import', 'tsx', entry, ...args];
    return { code: 0, ...(await execute(process.execPath, command, { cwd: root })) };
  } catch (thrown) {
    const { code, stdout, stderr } = thrown as Answer;
    return { code, stdout, stderr };
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mopeft-cli-'));
  data = join(folder, 'shapes');
  run = join(folder, 'run');
  taught = join(folder, 'taught');
  tuned = join(folder, 'tuned');
  await mkdir(join(data, 'images'), { recursive: true });
  await mkdir(join(data, 'masks'));
  for (let i = 0; i < 8; i++) {
    const { image, labelling } = drawSample(`${i}.png`, 5);
    if (!labelling) throw new Error('the drawn sample has no mask');
    await writeFile(join(data, 'images', `${i}.png`), encodeImagePng(image));
    await writeFile(join(data, 'masks', `${i}.png`), encodeMaskPng(labelling.labelMap));
  }
  await writeFile(
    join(folder, 'config.json'),
    JSON.stringify({
      train: {
        evalObjects: 1,
        evalEvery: 2,
        imagesPerStep: 1,
        objectsPerImage: 1,
        corrections: 1,
        checkpointEvery: 1,
      },
    }),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('trains and leaves the files of a run', async () => {
  const trained = await asProcess(
    ...['train', '--model', model, '--data', data, '--method', 'mopeft', '--steps', '2', '--seed', '1'],
    ...['--config', join(folder, 'config.json'), '--out', run],
  );
  expect(trained.stderr + trained.stdout).toMatch(/step 2 {2}loss/);
  expect(trained.stderr, 'images are prepared in a thread').not.toMatch(/No thread/);
  // What takes a while is said where it begins, once each time.
  for (const label of [
    'Compiling kernels for this GPU',
    'Opening the base model to compare with',
    'Reading the gates on the validation images of shapes',
    'Measuring the validation images of shapes',
  ])
    expect(trained.stderr).toContain(`${label} …\n`);
  // For the first check, and for the test.
  expect(trained.stderr.match(/^Opening the base model/gm)).toHaveLength(2);
  expect(trained.code).toBe(0);
  const adapter = JSON.parse(await readFile(join(run, 'adapter.json'), 'utf8'));
  expect(adapter.mopeft.methods, 'two steps gain nothing that one validation object could show').toEqual({});
  const split = JSON.parse(await readFile(join(run, 'split.json'), 'utf8'));
  expect([split.shapes.train.length, split.shapes.val.length, split.shapes.test.length]).toEqual([5, 1, 2]);
  const lines = (await readFile(join(run, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.filter(({ type }) => type === 'step').map(({ step }) => step)).toEqual([1, 2]);
  expect(
    lines.filter(({ type, split }) => type === 'eval' && split === 'val').map(({ step }) => step),
  ).toEqual([0, 2]);
  const gates = lines.find(({ type }) => type === 'gates');
  expect(Object.keys(gates.layers[0])).toEqual(['lora', 'prefix', 'adapter']);
});

it('says how a training that failed goes on where a checkpoint is there', async () => {
  // The weights cannot be written where a folder has their name.
  const blocked = join(folder, 'blocked');
  const settings = ['--model', model, '--data', data];
  const start = [
    '--method',
    'lora',
    '--steps',
    '1',
    '--config',
    join(folder, 'config.json'),
    '--out',
    blocked,
  ];
  expect((await mopeft('train', ...settings, ...start)).code).toBe(0);
  await rm(join(blocked, 'verdict.json'));
  await mkdir(join(blocked, 'verdict.json', 'in the way'), { recursive: true });
  const { code, stderr } = await mopeft('train', ...settings, '--resume', blocked);
  expect(code).toBe(1);
  expect(stderr).toMatch(/verdict\.json/);
  expect(stderr).toContain(`Then continue from step 1 with --resume ${blocked}\n`);
});

it('keeps the weights of the last step where no image is for validation', async () => {
  for (const kind of ['images', 'masks']) {
    await mkdir(join(taught, kind, 'test'), { recursive: true });
    for (const [i, place] of ['', 'test', 'test'].entries())
      await copyFile(join(data, kind, `${i}.png`), join(taught, kind, place, `${i}.png`));
  }
  const { code, stdout } = await mopeft(
    ...['train', '--model', model, '--data', taught, '--method', 'mopeft', '--steps', '2'],
    ...['--config', join(folder, 'config.json'), '--out', tuned],
  );
  expect(stdout).toMatch(/no validation image/);
  expect(code).toBe(0);
  const adapter = JSON.parse(await readFile(join(tuned, 'adapter.json'), 'utf8'));
  expect(Object.keys(adapter.mopeft.methods)).toEqual(['lora', 'prefix', 'adapter']);
});

it('says what cannot be measured where there are too few images', async () => {
  const few = join(folder, 'few');
  for (const kind of ['images', 'masks']) {
    await mkdir(join(few, kind), { recursive: true });
    await copyFile(join(data, kind, '0.png'), join(few, kind, '0.png'));
  }
  const { code, stdout } = await mopeft(
    ...['train', '--model', model, '--data', few, '--method', 'lora', '--steps', '1'],
    ...['--config', join(folder, 'config.json'), '--out', join(folder, 'few-run')],
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/no validation image/);
  expect(stdout).toMatch(/no test image/);
  expect(stdout).toMatch(/hold the weights of the last step/);
});

it('says nothing of gates where the mask decoder alone is trained', async () => {
  const { code, stdout } = await mopeft(
    ...['train', '--model', model, '--data', data, '--method', 'decoder', '--steps', '1'],
    ...['--config', join(folder, 'config.json'), '--out', join(folder, 'decoder-run')],
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/step 1 {2}loss/);
  expect(stdout).not.toMatch(/gates/);
});

it('refuses data whose masks are all empty before a run is begun', async () => {
  const empty = join(folder, 'empty');
  for (const kind of ['images', 'masks']) await mkdir(join(empty, kind), { recursive: true });
  const none = encodeMaskPng({ width: 40, height: 28, data: new Uint8Array(40 * 28) });
  for (const i of [0, 1, 2]) {
    await copyFile(join(data, 'images', `${i}.png`), join(empty, 'images', `${i}.png`));
    await writeFile(join(empty, 'masks', `${i}.png`), none);
  }
  const out = join(folder, 'empty-run');
  const { code, stderr } = await mopeft(
    ...['train', '--model', model, '--data', empty, '--method', 'lora', '--steps', '1', '--out', out],
  );
  expect(code).toBe(1);
  expect(stderr).toMatch(/^empty: No training image of this dataset has an object/m);
  await expect(readdir(out)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('exports a merged model that needs no adapter, and refuses what plain weights cannot hold', {
  timeout: 120_000,
}, async () => {
  const merged = join(folder, 'merged');
  const few = join(folder, 'few-run');
  const as = ['--as', 'merged', '--out', merged];
  const { stdout, code } = await mopeft('export', '--model', model, '--run', few, ...as);
  expect(stdout).toMatch(/Merged model\. A pixel belongs to the mask where its logit is above/);
  expect(code).toBe(0);
  const some = ['--data', data, '--max-images', '2', '--max-objects', '1', '--json'];
  const ofMerged = JSON.parse((await mopeft('evaluate', '--model', merged, ...some)).stdout);
  const ofAdapter = JSON.parse(
    (await mopeft('evaluate', '--model', model, '--adapter', few, ...some)).stdout,
  );
  expect(ofMerged.n).toBe(2);
  // The same but for rounding (merge.test.ts), which may move a pixel of an edge: of some 200 here.
  expect(ofMerged.box_iou).toBeCloseTo(ofAdapter.box_iou, 2);
  expect(ofMerged.click_iou).toBeCloseTo(ofAdapter.click_iou, 2);
  const again = await mopeft('export', '--model', model, '--run', few, ...as);
  expect(again.stderr).toMatch(/merged: The folder is not empty/);
  const refused = await mopeft(
    ...['export', '--model', model, '--run', tuned, '--as', 'merged', '--out', `${merged}-2`],
  );
  expect(refused.stderr).toMatch(/Prefix and Adapter are beside SAM's layers/);
  const exporting = ['export', '--model', model, '--run', tuned, '--out', `${merged}-3`];
  const asPeft = [...exporting, '--as', 'peft'];
  const misspelt = await mopeft(...exporting, '--as', 'projekt');
  expect(misspelt.stderr).toMatch(/Did you mean --as project\?\n$/);
  const lost = await mopeft(...asPeft, '--max-images', '3');
  expect(lost.stderr).toMatch(/--max-images goes with --data\.\nAdd --data, or leave --max-images out\.\n$/);
  const unmeasured = await mopeft(...asPeft, '--data', taught);
  expect(unmeasured.stderr, 'refused before anything is measured').toMatch(/PEFT does not have Prefix/);
});

it('evaluates base and run on the run’s own test images', async () => {
  const base = ['evaluate', '--model', model, '--json', '--data'];
  const found = await mopeft(...base, taught, '--adapter', tuned, '--split', 'test');
  const report = JSON.parse(found.stdout);
  const split = JSON.parse(await readFile(join(tuned, 'split.json'), 'utf8'));
  expect(split.taught.test).toHaveLength(2);
  expect(report.images.map(({ name }: { name: string }) => name)).toEqual(split.taught.test);
  expect(report.images[0].gates).toHaveLength(2);
  const all = JSON.parse((await mopeft(...base, data, '--max-images', '3')).stdout);
  expect(all.images).toHaveLength(3);
  expect(all.n).toBeGreaterThan(0);
});

it('leaves no folder for what could not be pruned', async () => {
  const none = join(folder, 'none-pruned');
  const { code, stderr } = await mopeft(
    ...['worth', '--model', model, '--data', data, '--adapter', run, '--prune', none],
  );
  expect([code, stderr]).toEqual([1, expect.stringMatching(/has no module whose worth/)]);
  await expect(readdir(none)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('measures the worth of each module, and prunes those that are worth nothing', {
  timeout: 300_000,
}, async () => {
  const pruned = join(folder, 'pruned');
  const few = ['--model', model, '--data', taught, '--max-objects', '1'];
  const { stdout, stderr, code } = await mopeft(
    ...['worth', ...few, '--adapter', tuned, '--split', 'test', '--json', '--prune', pruned],
  );
  expect(stderr).toMatch(/Kept \d of 6 modules/);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ dataset: 'taught', split: 'test', images: 2, objects: 2 });
  expect(report.modules).toHaveLength(6);
  expect(Object.keys(report.modules[0])).toEqual([
    'method',
    'block',
    'box',
    'boxError',
    'click',
    'clickError',
  ]);
  expect(report.methods.map(({ method }: { method: string }) => method)).toEqual([
    'lora',
    'prefix',
    'adapter',
  ]);
  expect(report.greedy.length).toBeLessThanOrEqual(6);
  expect(code, 'two steps gain nothing that is told from chance, and nothing is lost').toBe(0);
  const { mopeft: config } = JSON.parse(await readFile(join(pruned, 'adapter.json'), 'utf8'));
  const kept = report.greedy.map(
    ({ method, block }: { method: string; block: number }) => `${method} ${block}`,
  );
  for (const method of ['lora', 'prefix', 'adapter'])
    for (const block of [0, 1])
      expect(config.pruned?.[method]?.includes(block) ?? false).toBe(!kept.includes(`${method} ${block}`));
  const again = await mopeft('evaluate', ...few, '--adapter', pruned, '--split', 'all', '--json');
  expect(JSON.parse(again.stdout).n).toBe(3);
});

it('evaluates a zip as the folder in it, and says so where there is no object', async () => {
  const files = await folderFiles(data);
  const zip = await writeZip(
    Object.fromEntries(
      await Promise.all(files.map(async ({ path, bytes }) => [path, await bytes()] as const)),
    ),
  );
  await writeFile(join(folder, 'zipped.zip'), zip);
  const evaluate = ['evaluate', '--model', model, '--max-images', '2', '--json', '--data'];
  const [zipped, plain] = await Promise.all([
    mopeft(...evaluate, join(folder, 'zipped.zip')),
    mopeft(...evaluate, data),
  ]);
  expect(JSON.parse(zipped.stdout)).toEqual({ ...JSON.parse(plain.stdout), dataset: 'zipped' });
  const none = await mopeft(...evaluate, data, '--min-size', '1000');
  expect(none.code).toBe(1);
  // What calls with --json reads the output stream, also where there is no result.
  expect(JSON.parse(none.stdout)).toEqual({
    refused: {
      code: 'evaluate/no-object',
      what: expect.stringMatching(/no object to measure/),
      where: 'shapes',
      // Crops make no object 1,000 pixels wide.
      cure: 'Check the masks with mopeft inspect, or lower --min-size.',
    },
  });
  expect(none.stderr).toMatch(/no object to measure/);
});

it('segments by click and by box', async () => {
  const image = join(data, 'images', '0.png');
  const click = await mopeft(
    'segment',
    '--model',
    model,
    '--image',
    image,
    '--click',
    '10,10',
    '--out',
    join(folder, 'a.png'),
  );
  expect(click.stdout).toMatch(/predicted IoU/);
  const box = ['--adapter', tuned, '--box', '2,2,30,30', '--out', join(folder, 'b.png')];
  const segment = ['segment', '--model', model, '--image', image, ...box];
  expect((await mopeft(...segment)).code).toBe(0);
  const png = await readFile(join(folder, 'b.png'));
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  const again = await mopeft(...segment);
  expect([again.code, again.stderr]).toEqual([
    1,
    expect.stringMatching(/b\.png: This file is there already/),
  ]);
  expect(await readFile(join(folder, 'b.png'))).toEqual(png);
});

it('evaluates and segments as in the dataset that is named, and says which it took where none is', async () => {
  const { base, preprocessing } = JSON.parse(await readFile(join(tuned, 'adapter.json'), 'utf8'));
  const width = JSON.parse(await readFile(join(model, 'config.json'), 'utf8')).vision_config.output_channels;
  const asked = join(folder, 'asked.safetensors');
  const datasets = ['left', 'right'];
  const { safetensors } = writeAdapter(
    { ...base, config: { preprocessing } },
    {
      mopeft: { methods: {}, gate: 'none', blocks: [], trainDecoder: false, token: true, datasets },
      tensors: new Map([
        [DATASET_TOKENS, { shape: [2, width], data: Float32Array.from(normals(2 * width, 1)) }],
      ]),
      maskThreshold: 0,
      training: {},
    },
  );
  await writeFile(asked, safetensors);
  const evaluate = ['evaluate', '--model', model, '--adapter', asked, '--data', taught, '--split', 'all'];
  const image = ['--image', join(data, 'images', '0.png'), '--click', '10,10'];
  const mask = (name: string) => join(folder, `as-${name}.png`);
  const segment = (name: string, ...as: readonly string[]) =>
    mopeft('segment', '--model', model, '--adapter', asked, ...image, '--out', mask(name), ...as);
  const [left, right, unnamed, named, unknown] = await Promise.all([
    mopeft(...evaluate, '--json', '--as', 'left'),
    mopeft(...evaluate, '--json', '--as', 'right'),
    segment('unnamed'),
    segment('right', '--as', 'right'),
    segment('up', '--as', 'up'),
  ]);
  for (const { stderr } of [left, right, named]) expect(stderr).not.toMatch(/Segmented as in/);
  const [asLeft, asRight] = [left, right].map(({ stdout }) => JSON.parse(stdout));
  expect(asLeft.n).toBe(asRight.n);
  expect(asLeft.click_iou).not.toBe(asRight.click_iou);
  expect(unnamed.stderr).toMatch(/Segmented as in left, the first of the training \(--as DATASET/);
  const [first, second] = await Promise.all(['unnamed', 'right'].map((name) => readFile(mask(name))));
  expect(first).not.toEqual(second);
  expect(unknown.code).not.toBe(0);
  expect(unknown.stderr).toMatch(/up: .*not trained on a dataset of this name, but on left, right/);
});

it('explains itself when asked', async () => {
  const all = await mopeft('--help');
  expect(all).toMatchObject({ code: 0, stderr: '' });
  expect(all.stdout).toMatch(/mopeft -- train --help[\s\S]*mopeft -- inspect --help/);
  const one = await mopeft('evaluate', '--model', 'x', '--help');
  expect(one).toMatchObject({ code: 0, stderr: '' });
  expect(one.stdout).toMatch(/^Usage:\n {2}npm run mopeft -- evaluate --model/);
});

it('segments at a scale: the mask lies in the crop around the prompt, and is that of the image where it is whole', async () => {
  const at = async (...args: readonly string[]) => {
    const out = join(folder, 'scaled.png');
    await rm(out, { force: true });
    const image = join(data, 'images', '0.png');
    const { code, stderr } = await mopeft(
      ...[
        'segment',
        '--model',
        model,
        ...PREPARED,
        '--image',
        image,
        '--click',
        '30,12',
        '--out',
        out,
        ...args,
      ],
    );
    expect([code, stderr]).toEqual([0, '']);
    const { width, height, data: pixels } = await readImage(out);
    const inside: [x: number, y: number][] = [];
    for (let i = 0; i < width * height; i++)
      if ((pixels[3 * i] ?? 0) > 0) inside.push([i % width, Math.floor(i / width)]);
    return { width, height, inside };
  };
  const plain = await at();
  expect(await at('--scale', 'whole')).toEqual(plain);
  const crop = await at('--scale', '16');
  expect([crop.width, crop.height]).toEqual([40, 28]);
  expect(crop.inside.length).toBeGreaterThan(0);
  expect(crop.inside.filter(([x, y]) => x < 22 || x >= 38 || y < 4 || y >= 20)).toEqual([]);
  expect(plain.inside.length).not.toBe(crop.inside.length);
});

it('refuses what it cannot do, in one sentence with the cure', async () => {
  const wrong = async (...args: string[]) => {
    const { code, stderr } = await mopeft(...args);
    expect(code).toBe(1);
    return stderr;
  };
  const flown = await asProcess('fly');
  expect(flown.stderr).toMatch(/no command "fly"/);
  expect([flown.code, flown.stdout]).toEqual([1, '']);
  expect(await wrong('train', '--model', model)).toMatch(
    /^Usage:\n {2}npm run mopeft -- train[\s\S]*\n\n--data is missing\.\nAdd --data\.\n$/,
  );
  expect(await wrong('train', 'here', '--model', model)).toMatch(/Usage[\s\S]*"here"/);
  expect(await wrong('evaluate', '--model', join(folder, 'none'), '--data', data)).toMatch(
    /no such file or folder/,
  );
  expect(
    await wrong('segment', '--model', model, '--image', join(model, 'make.py'), '--whole', '--out', 'x.png'),
  ).toMatch(/make\.py: /);
  const outside = ['segment', '--model', model, '--image', join(data, 'images', '0.png'), '--out', 'x.png'];
  expect(await wrong(...outside, '--click', '900,10')).toMatch(/outside of the image of/);
  expect(await wrong(...outside, '--box', '900,900,950,950')).toMatch(/outside of the image of/);
  expect(await wrong(...outside, '--click', '9,9', '--scale', '5')).toMatch(/--scale[\s\S]*16/);
  const flownAsJson = await asProcess('fly', '--json');
  // For programs the usage is no part of it.
  expect(JSON.parse(flownAsJson.stdout)).toEqual({
    refused: {
      code: 'cli/arguments',
      what: 'There is no command "fly".',
      cure: expect.stringMatching(/^Commands are plan, train[^\n]*$/),
    },
  });
  expect(flownAsJson.stderr).toBe(flown.stderr);
  // A training that was ended before it had written both what it decided and its split.
  const unbegun = join(folder, 'unbegun');
  await mkdir(unbegun);
  await copyFile(join(run, 'config.json'), join(unbegun, 'config.json'));
  for (const nothing of [unbegun, join(folder, 'nowhere')])
    expect(await wrong('train', '--resume', nothing, '--model', model, '--data', data)).toBe(
      `${nothing}: No run was begun here.\nName the folder that a training wrote, or start it with --out.\n`,
    );
  const again = ['train', '--model', model, '--data', data, '--method', 'lora', '--out', run];
  expect(await wrong(...again)).toMatch(/There is a run already/);
});
