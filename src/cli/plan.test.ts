import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { plan, type StepReport } from './plan.ts';

const hf = fileURLToPath(new URL('../../tests/vectors/hf', import.meta.url));
let folder: string;
let vitB: string;
let printed: string;
let said: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mopeft-plan-'));
  vitB = join(folder, 'config.json');
  await writeFile(vitB, '{"vision_config": {}}');
  printed = '';
  said = '';
  vi.spyOn(console, 'log').mockImplementation((text: string) => {
    printed += `${text}\n`;
  });
  vi.spyOn(console, 'error').mockImplementation((text: string) => {
    said += `${text}\n`;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

async function reportOf(...flags: string[]): Promise<StepReport> {
  printed = '';
  expect(await plan(['--json', ...flags])).toBe(0);
  return JSON.parse(printed);
}

it('tells what training ViT-B takes, from its config alone', async () => {
  const report = await reportOf('--model', vitB, '--method', 'mopeft');
  expect(report.peakBytes).toBeLessThanOrEqual(0.95 * 2 ** 30);
  expect(Object.values(report.parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(report.peakBytes);
  expect(report).toMatchObject({ largestBinding: 48 * 2 ** 20, trainable: 5_459_784, objectsPerPass: 5 });
  const late = await reportOf('--model', vitB, '--method', 'mopeft', '--blocks', 'late');
  expect(late.peakBytes).toBeLessThan(report.peakBytes);
  expect(late.gflopPerStep).toBeLessThan(0.7 * report.gflopPerStep);
});

it("counts HQ-SAM's own layers, and fits it on a default device", async () => {
  const hq = join(folder, 'hq.json');
  await writeFile(hq, '{"model_type": "sam_hq", "vision_config": {}}');
  const report = await reportOf('--model', hq, '--method', 'mopeft');
  expect(report.trainable).toBe(5_459_784 + 1_071_104);
  expect(report.peakBytes).toBeLessThanOrEqual(1.25 * 2 ** 30);
  expect(report.largestBinding).toBeLessThanOrEqual(128 * 2 ** 20);
  const frozen = await reportOf('--model', hq, '--method', 'mopeft', '--freeze-decoder');
  expect(frozen.peakBytes).toBeLessThan(report.peakBytes);
});

it('counts the dispatches of a whole step: each image, each chunk of objects, each round, and one update', async () => {
  const work = async (images: number, objects: number) =>
    reportOf(
      '--model',
      vitB,
      '--method',
      'lora',
      '--images',
      `${images}`,
      '--objects',
      `${objects}`,
      '--fit',
      '4000',
    );
  const [one, three] = [await work(1, 2), await work(3, 2)];
  // Every image runs the same; the update comes once.
  const perImage = (three.passes - one.passes) / 2;
  expect(Number.isInteger(perImage)).toBe(true);
  expect(one.passes - perImage).toBeGreaterThan(0);
  expect(one.passes - perImage).toBeLessThan(20);
  expect(three.peakBytes, 'more images take no more').toBe(one.peakBytes);
  const all = await work(1, 5);
  expect(all.passes, 'all objects in one pass').toBe(one.passes);
  expect(all.gflopPerStep).toBeGreaterThan(one.gflopPerStep);
});

it('plans all images of the embedded model as one, in hardly more dispatches than a single image takes', async () => {
  const flags = [
    '--model',
    fileURLToPath(new URL('../../public/models/mopeft-sam-tiny', import.meta.url)),
    '--method',
    'mopeft',
  ];
  const [one, three] = [await reportOf(...flags, '--images', '1'), await reportOf(...flags)];
  expect(three).toMatchObject({ imagesPerPass: 3, objectsPerPass: 15, reads: 0 });
  expect(three.passes).toBeLessThanOrEqual(783);
  expect(three.passes).toBeLessThan(1.05 * one.passes);
  expect(three.pipelines).toBeLessThanOrEqual(132);
  expect(three.peakBytes).toBeLessThan(0.65 * 2 ** 30);
});

it("takes few dispatches for a step of ViT-B with enough memory, and little more with the planner's own choice", async () => {
  const flags = ['--model', vitB, '--method', 'mopeft', '--images', '1'];
  expect((await reportOf(...flags, '--fit', '2500')).passes).toBeLessThanOrEqual(1160);
  expect((await reportOf(...flags)).passes).toBeLessThanOrEqual(1290);
});

it('counts for the kernels of software adapters too, whichever are asked for', async () => {
  const flags = ['--model', vitB, '--method', 'lora', '--images', '1', '--fit', '4000'];
  const [gpu, software] = [await reportOf(...flags), await reportOf(...flags, '--adapter', 'software')];
  expect(await reportOf(...flags, '--adapter', 'gpu')).toEqual(gpu);
  expect(software.passes).toBeGreaterThan(1.2 * gpu.passes);
  expect(software.pipelines).toBeLessThan(gpu.pipelines);
  await expect(plan([...flags, '--adapter', 'abacus'])).rejects.toThrow(/--adapter is "abacus"/);
});

it('counts what lies below the first module once for a view, where every view comes again', async () => {
  const still = join(folder, 'still.json');
  await writeFile(still, '{"train": {"minCrop": 1, "brightness": 0, "contrast": 0}}');
  const flags = ['--model', vitB, '--method', 'lora', '--fit', '4000'];
  for (const blocks of ['late', 'all']) {
    const [varied, repeated] = [
      await reportOf(...flags, '--blocks', blocks),
      await reportOf(...flags, '--blocks', blocks, '--config', still),
    ];
    expect(varied.gflopPerView).toBe(repeated.gflopPerView);
    // Three images a step.
    expect(varied.gflopPerStep - repeated.gflopPerStep).toBeCloseTo(3 * varied.gflopPerView);
    expect(varied.gflopPerView === 0, 'in all blocks nothing lies below').toBe(blocks === 'all');
    expect(varied.passes > repeated.passes).toBe(blocks === 'late');
  }
  expect(await plan([...flags, '--blocks', 'late', '--config', still])).toBe(0);
  expect(printed).toMatch(
    /GFLOP below the first module, kept for each image and view: a step is counted without/,
  );
});

it('reads no more of weights than their headers, and plans the same from them', async () => {
  const [whole, config] = [
    await reportOf('--model', hf, '--method', 'lora'),
    await reportOf('--model', join(hf, 'config.json'), '--method', 'lora'),
  ];
  expect(whole).toEqual(config);
});

it('says what would fit where the run does not, with 1; and that fits', async () => {
  const flags = ['--model', vitB, '--method', 'mopeft', '--fit', '860'];
  expect(await plan(flags)).toBe(1);
  expect(said).toMatch(/takes 876 MiB of GPU memory and may take 860\.\nIt fits with modules in late blocks/);
  expect(printed).toContain('876 MiB of GPU memory at the peak');
  printed = '';
  expect(await plan([...flags, '--json'])).toBe(1);
  expect(JSON.parse(printed)).toMatchObject({
    peakBytes: expect.any(Number),
    refused: { code: 'train/over-memory' },
  });
  const late = await reportOf(...flags, '--blocks', 'late');
  expect(late.peakBytes).toBeLessThanOrEqual(860 * 2 ** 20);
});

it('plans for frozen weights in half precision, which takes 178 MiB less, and names them where they would fit', async () => {
  const flags = ['--model', vitB, '--method', 'mopeft'];
  const roomy = [...flags, '--fit', '6000'];
  const [full, half] = [await reportOf(...roomy), await reportOf(...roomy, '--weights', 'f16')];
  expect(full.peakBytes - half.peakBytes).toBeGreaterThan(178 * 2 ** 20);
  expect(half.parts['Frozen weights']).toBe(
    (full.parts['Frozen weights'] ?? 0) - (full.peakBytes - half.peakBytes),
  );
  expect(await plan([...flags, '--fit', '790'])).toBe(1);
  expect(said).toMatch(
    /It fits with frozen weights in half precision \(7\d\d MiB\), or the mask decoder alone/,
  );
  expect((await reportOf(...flags, '--fit', '790', '--weights', 'f16')).peakBytes).toBeLessThanOrEqual(
    790 * 2 ** 20,
  );
  await expect(plan([...flags, '--weights', 'f64'])).rejects.toThrow(
    /--weights is "f64", which is neither f32 nor f16/,
  );
});

it('refuses a config that is none, and blocks that are none', async () => {
  const run = (...flags: string[]) => plan(['--model', vitB, '--method', 'lora', ...flags]);
  await expect(run('--blocks', 'early')).rejects.toThrow(/--blocks is "early"/);
  await expect(run('--blocks', '0,12')).rejects.toThrow(/no block 12/);
  await expect(run('--fit', 'little')).rejects.toThrow(/--fit is "little"/);
  await writeFile(vitB, '{"vision_config": ');
  await expect(run()).rejects.toThrow(/not valid JSON/);
  await writeFile(vitB, '[]');
  await expect(run()).rejects.toMatchObject({ record: { code: expect.stringMatching(/^config\//) } });
});
