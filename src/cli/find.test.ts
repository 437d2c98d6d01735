import { access, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { countsOfText } from '../data/annotations/run-lengths.ts';
import { readRaster } from '../data/decode/read-raster.ts';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import { mopeft } from '../testing/command-line.ts';
import { drawSample } from '../testing/training-sets.ts';

vi.mock('./node-gpu.ts', async () => (await import('../testing/command-line.ts')).sharedDevice());

const root = fileURLToPath(new URL('../..', import.meta.url));
const PREPARED = ['--aspect', 'keep', '--normalisation', 'mean-std'];
/** A model of random weights finds something only where everything passes. */
const ANY = ['--points-per-side', '2', '--iou', '0', '--stability', '0', '--mask-overlap', '0.9'];
const MODEL = ['--model', join(root, 'tests/vectors/hf'), ...PREPARED];
let folder: string;
let data: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mopeft-find-'));
  data = join(folder, 'shapes');
  await mkdir(join(data, 'images'), { recursive: true });
  await mkdir(join(data, 'masks'));
  for (let i = 0; i < 2; i++) {
    const { image, labelling } = drawSample(`${i}.png`, 5);
    if (!labelling) throw new Error('the drawn sample has no mask');
    await writeFile(join(data, 'images', `${i}.png`), encodeImagePng(image));
    // The second image has no mask, and is searched too.
    if (i === 0) await writeFile(join(data, 'masks', '0.png'), encodeMaskPng(labelling.labelMap));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('writes into no folder that holds something else', async () => {
  for (const out of [data, join(data, 'images')]) {
    const { code, stderr } = await mopeft('find', ...MODEL, '--data', data, '--out', out, ...ANY);
    expect(code).toBe(1);
    expect(stderr).toMatch(/The folder is not empty\.\nName a new folder/);
  }
});

it('says how a search that was stopped goes on', { timeout: 600_000 }, async () => {
  const out = join(folder, 'stopped');
  const search = mopeft('find', ...MODEL, '--data', data, '--points-per-side', '256', '--out', out);
  await vi.waitFor(() => access(join(out, 'found.jsonl')), { timeout: 60_000 });
  process.emit('SIGINT');
  const { code, stderr } = await search;
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /The search was stopped\. What was found of whole images is kept\.\nThe same command goes on/,
  );
  expect(process.listenerCount('SIGINT')).toBe(0);
});

it('finds all objects as COCO, and goes on where it was ended', { timeout: 600_000 }, async () => {
  const out = join(folder, 'found');
  const search = ['find', ...MODEL, '--data', data, ...ANY];
  const args = [...search, '--out', out];
  const { code, stdout, stderr } = await mopeft(...args);
  expect(stderr.split('\n')).toEqual([
    expect.stringMatching(/^shapes: each image is looked at whole, with \d+ × \d+ clicks each time/),
    '0 of 2 images searched',
    '2 of 2 images searched',
    '',
  ]);
  expect(code).toBe(0);
  const file = join(out, 'annotations.json');
  const coco = JSON.parse(await readFile(file, 'utf8'));
  expect(coco.images.map((image: { file_name: string }) => image.file_name)).toEqual(['0.png', '1.png']);
  expect(coco.images[0]).toMatchObject({ width: 40, height: 28 });
  expect(coco.categories).toEqual([{ id: 1, name: 'object' }]);
  expect(stdout).toContain(`${coco.annotations.length} object`);
  expect(new Set(coco.annotations.map((each: { image_id: number }) => each.image_id))).toEqual(
    new Set([1, 2]),
  );
  for (const { category_id, iscrowd, score, area, bbox, segmentation, attributes } of coco.annotations) {
    expect([category_id, iscrowd]).toEqual([1, 0]);
    expect(attributes.origin).toMatch(/^found by ./);
    expect(score).toBeGreaterThan(0);
    expect(area).toBeLessThanOrEqual(bbox[2] * bbox[3]);
    expect(segmentation.size).toEqual([28, 40]);
  }

  // As an ended process leaves it: the second line is cut off. The first image is not looked at again.
  const jsonl = join(out, 'found.jsonl');
  const text = await readFile(jsonl, 'utf8');
  const [header = '', first = ''] = text.split('\n');
  const marked = first.replace(/"predictedIou":[\d.]+/, '"predictedIou":0.123');
  await writeFile(jsonl, `${header}\n${marked}\n{"name":"1.png","wid`);
  expect((await mopeft(...args)).code).toBe(0);
  const again = JSON.parse(await readFile(file, 'utf8'));
  expect(again.annotations.map(({ score }: { score: number }) => score)).toContain(0.123);
  expect(again.annotations).toHaveLength(coco.annotations.length);
  expect((await readFile(jsonl, 'utf8')).split('\n')).toEqual([header, marked, text.split('\n')[2], '']);

  const other = await mopeft(...args, '--min-area', '5');
  expect(other.code).toBe(1);
  expect(other.stderr).toMatch(/found\.jsonl: What was found here was found by another/);
  // The cure works: another folder, here as masks.
  const masks = join(folder, 'masks');
  expect((await mopeft(...search, '--min-area', '5', '--out', masks, '--format', 'masks')).code).toBe(0);
  const png = await readRaster(new Uint8Array(await readFile(join(masks, 'instances/1.png'))), '1.png');
  expect([png.width, png.height]).toEqual([40, 28]);
  expect(new Set(png.data).size).toBeGreaterThan(1);

  // Measured with the images that were searched, which lie where they lay.
  const table = await mopeft(...args, '--format', 'csv');
  expect(table.stderr).toMatch(/2 of 2 images searched\n$/);
  const [names = '', ...rows] = (await readFile(join(out, 'measurements.csv'), 'utf8')).trim().split('\r\n');
  const mean = names.split(',').indexOf('mean');
  expect(rows).toHaveLength(coco.annotations.length);
  for (const row of rows) expect(row.split(',')[mean]).toMatch(/^\d/);
});

it('chooses thresholds by labelled images, and says them', { timeout: 600_000 }, async () => {
  const args = ['find', ...MODEL, '--data', data, '--points-per-side', '2', '--thresholds-from'];
  const out = join(folder, 'chosen');
  const { code, stdout } = await mopeft(...args, data, '--out', out, '--iou', '0.25');
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /by 1 labelled image --iou [\d.]+ --stability [\d.]+ --nesting [\d.]+ --min-area \d+ .* of 2 objects and/,
  );
  const [header = ''] = (await readFile(join(out, 'found.jsonl'), 'utf8')).split('\n');
  const { settings } = JSON.parse(header);
  const [, minArea] = /--min-area (\d+)/.exec(stdout) ?? [];
  expect(settings).toMatchObject({ iou: 0.25, minArea: Number(minArea) });
});
it('evaluates what is found', { timeout: 600_000 }, async () => {
  const args = ['evaluate', ...MODEL, '--data', data, '--find', ...ANY];
  const { stdout, code } = await mopeft(...args, '--json');
  expect(code).toBe(0);
  const { find } = JSON.parse(stdout);
  expect(find).toMatchObject({ objects: 2, settings: { pointsPerSide: 2, maskOverlap: 0.9 } });
  expect(find.ap50).toBeGreaterThanOrEqual(find.ap);
  expect(find.missed).toBeLessThanOrEqual(2);
  const text = (await mopeft(...args)).stdout;
  expect(text).toMatch(
    /Find all: AP at IoU \.5 \d\.\d{4}, mean AP \d\.\d{4}, \d+ found, \d of 2 objects missed/,
  );
});

it('learns from labelled images what is looked for', { timeout: 600_000 }, async () => {
  // Two images whose object is what the model answers to a click, so that it can be found.
  const taught = join(folder, 'taught');
  await mkdir(join(taught, 'images'), { recursive: true });
  await mkdir(join(taught, 'instances'));
  const found = JSON.parse(await readFile(join(folder, 'found/annotations.json'), 'utf8'));
  for (const { id, file_name } of found.images) {
    const { segmentation } = found.annotations.find((each: { image_id: number }) => each.image_id === id);
    const columns = countsOfText(segmentation.counts) ?? [];
    const map = new Int32Array(40 * 28);
    let at = 0;
    for (const [i, count] of columns.entries())
      for (const end = at + count; at < end; at++)
        if (i % 2 === 1) map[(at % 28) * 40 + Math.floor(at / 28)] = 1;
    await copyFile(join(data, 'images', file_name), join(taught, 'images', file_name));
    await writeFile(
      join(taught, 'instances', file_name),
      encodeMaskPng({ width: 40, height: 28, data: map }),
    );
  }
  const args = [...MODEL, '--data', data, ...ANY, '--thresholds-from', taught];
  const out = join(folder, 'alike');
  const { code, stdout, stderr } = await mopeft('find', ...args, '--out', out, '--likeness', '0.01');
  expect(stderr).toContain('2 of 2 labelled images looked at\n');
  expect(stderr.trimEnd().split('\n').at(-1)).toBe('2 of 2 images searched');
  expect(code).toBe(0);
  expect(stdout).toMatch(/taught: by 2 labelled images --/);
  const [header = '', line = ''] = (await readFile(join(out, 'found.jsonl'), 'utf8')).split('\n');
  expect(JSON.parse(header)).toMatchObject({ settings: { likeness: 0.01 }, likeness: expect.any(String) });
  const { objects } = JSON.parse(line);
  expect(objects.length).toBeGreaterThan(0);
  for (const { likeness } of objects) expect(likeness).toBeGreaterThanOrEqual(0.01);
  const coco = JSON.parse(await readFile(join(out, 'annotations.json'), 'utf8'));
  const scores = coco.annotations.map(({ score }: { score: number }) => score);
  expect(scores).toContain(objects[0].likeness);
  // Measured with what other images teach; those that are measured teach nothing, in whatever folder they lie.
  const others = join(folder, 'others');
  for (const kind of ['images', 'masks']) await mkdir(join(others, kind), { recursive: true });
  const { image, labelling } = drawSample('2.png', 5);
  if (!labelling) throw new Error('the drawn sample has no mask');
  await writeFile(join(others, 'images/2.png'), encodeImagePng(image));
  await writeFile(join(others, 'masks/2.png'), encodeMaskPng(labelling.labelMap));
  const evaluate = [
    'evaluate',
    ...MODEL,
    ...ANY,
    '--find',
    '--likeness',
    '0.01',
    '--thresholds-from',
    taught,
  ];
  const measured = await mopeft(...evaluate, '--data', others);
  expect(measured.stderr).toMatch(/1 of 1 images searched\n$/);
  expect(measured.stdout).toMatch(/taught: by 2 labelled images/);
  const told = await mopeft(...evaluate, '--data', others, '--json');
  expect(JSON.parse(told.stdout)).toMatchObject({ find: { settings: { likeness: 0.01 } } });
  expect(told.stderr).toMatch(/taught: by 2 labelled images/);
  const copied = await mopeft(...evaluate, '--data', data);
  expect(copied.stderr).toMatch(/taught: No two labelled images show/);
  const own = await mopeft('evaluate', ...MODEL, '--data', data, '--find', ...ANY, '--thresholds-from', data);
  expect(own.stderr).toMatch(/No image has a labelled object by which thresholds could be chosen/);
  const none = await mopeft(
    'find',
    ...MODEL,
    '--data',
    data,
    '--out',
    join(folder, 'y'),
    '--likeness',
    '0.3',
  );
  expect(none.stderr).toMatch(/--likeness goes with --thresholds-from/);
});

it('refuses flags that say nothing', { timeout: 600_000 }, async () => {
  const format = await mopeft(
    'find',
    ...MODEL,
    '--data',
    data,
    '--out',
    join(folder, 'x'),
    '--format',
    'tiff3',
  );
  expect(format.stderr).toMatch(/--format is "tiff3", which is none of masks, coco/);
  const classes = await mopeft('find', ...MODEL, '--data', data, '--out', join(folder, 'x'), '--classes');
  expect(classes.stderr).toMatch(/do not have objects of two classes/);
  const lost = await mopeft('evaluate', ...MODEL, '--data', data, '--iou', '0.5');
  expect(lost.stderr).toMatch(/--iou goes with --find/);
  const high = await mopeft('find', ...MODEL, '--data', data, '--out', join(folder, 'x'), '--iou', '2');
  expect(high.stderr).toMatch(/--iou is "2", which is not a number from 0 to 1/);
});
