/** A SAM ViT-B of 1,024 pixels as a person has it: a .pth is dropped, an image segmented, a late run trained, exported and brought back. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, expect, test } from '@playwright/test';
import { seededCheckpoint } from '../../src/engine/conformance/seeded.ts';
import { sizeOf } from '../../src/graph/shape.ts';
import { samTensorShapes } from '../../src/sam/checkpoint/expected-shapes.ts';
import { parseSamConfig } from '../../src/sam/checkpoint/parse-config.ts';
import { dict, tensor, zipForm } from '../../src/testing/pickle-writer.ts';
import { firstDisc, writeDomain } from '../support/domains.ts';
import {
  clickImage,
  downloadAdapter,
  dropOnPage,
  importByDrop,
  openPage,
  openStudio,
  setNumber,
  watchErrors,
  watchRequests,
} from '../support/studio.ts';

const STEPS = 2;
/** Milliseconds; the software adapter takes minutes for an image. */
const LONG = 3_600_000;

/** The weights of `tests/slow-vectors/vit_b` as `torch.save(model.state_dict(), …)` writes them. */
async function writePth(path: string): Promise<void> {
  const url = new URL('../../tests/slow-vectors/vit_b/vit_b.json', import.meta.url);
  const json = JSON.parse(await readFile(url, 'utf8'));
  const config = parseSamConfig(json, 'vit_b.json');
  const { read } = seededCheckpoint('vit_b', config, json.seed);
  const tensors: Record<string, ReturnType<typeof tensor>> = {};
  const storages: Record<string, Uint8Array> = {};
  for (const [name, shape] of samTensorShapes(config)) {
    const key = String(Object.keys(storages).length);
    const { data } = await read(name);
    const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
    tensors[name] = tensor({ key, length: data.length, shape, strides });
    storages[key] = new Uint8Array(data.buffer);
  }
  await writeFile(path, await zipForm(dict(tensors), storages));
}

test('a .pth of SAM ViT-B becomes the model, and MoPEFT trains on it', async ({ baseURL }, info) => {
  test.setTimeout(3 * LONG);
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-vit-b-'));
  // A profile on disk, as a person has it: a private window holds every stored file in memory.
  const { launchOptions, viewport } = info.project.use;
  const context = await chromium.launchPersistentContext(join(folder, 'profile'), {
    ...launchOptions,
    ...(viewport && { viewport }),
    ...(baseURL && { baseURL }),
  });
  const page = await context.newPage();
  const pth = join(folder, 'sam_vit_b.pth');
  await writePth(pth);
  // One image is for training alone: a validation or a test would encode it several times more, for minutes each.
  await writeDomain(folder, 'discs', 1);
  const foreign = watchRequests(page, baseURL ?? '');
  const errors = watchErrors(page);
  await openStudio(page);

  await test.step('the dropped file becomes the model, and its card says what it is', async () => {
    await dropOnPage(page, [pth]);
    const card = page.getByRole('article', { name: 'Model sam_vit_b' });
    await expect(card).toContainText('12 blocks of width 768', { timeout: LONG });
    await expect(card).toContainText(/93\.7/);
    await expect(card.getByRole('region', { name: 'To look at' })).toContainText('8 heads');
    await page.screenshot({ path: join(folder, 'card.png') });
    await page.keyboard.press('Escape');
  });

  const click = async () => {
    await page.getByLabel('Dataset', { exact: true }).selectOption({ label: 'discs' });
    const images = page.getByRole('combobox', { name: 'Image' });
    await images.selectOption(
      await images.locator('option', { hasText: 'discs_00.png' }).getAttribute('value'),
    );
    await clickImage(page, firstDisc(0));
    await expect(page.getByRole('region', { name: 'Candidates' }).getByRole('button')).toHaveCount(3, {
      timeout: LONG,
    });
  };

  await test.step('an image is segmented', async () => {
    await importByDrop(page, [join(folder, 'discs')]);
    await openPage(page, 'Segment');
    await click();
    await page.screenshot({ path: join(folder, 'segment.png') });
  });

  await test.step('a late run of two steps trains', async () => {
    await openPage(page, 'Train');
    await page.getByRole('checkbox', { name: /discs/ }).check();
    await page.getByText('Advanced').click();
    await setNumber(page, /^Steps/, STEPS);
    await setNumber(page, /^Images per step/, 1);
    await setNumber(page, /^Objects per image/, 1);
    await setNumber(page, /^Corrective clicks/, 0);
    await page.getByLabel('Blocks', { exact: true }).selectOption('late');
    const cost = page.getByRole('complementary', { name: 'Cost and start' });
    // All but the methods of the first six blocks.
    await expect(cost).toContainText('4.76 M parameters');
    await expect(cost).toContainText(/MiB at the peak/);
    await page.screenshot({ path: join(folder, 'cost.png'), fullPage: true });
    await page.getByRole('button', { name: 'Start training' }).click();
    const run = page.getByRole('region', { name: 'Run', exact: true });
    await expect(run).toContainText(`finished · step ${STEPS} of ${STEPS}`, { timeout: 2 * LONG });
    await page.screenshot({ path: join(folder, 'run.png'), fullPage: true });
  });

  await test.step('the adapter is exported and imported', async () => {
    await openPage(page, 'Export');
    const files = await downloadAdapter(page);
    await page.getByLabel('Import an adapter …').setInputFiles(files);
    await expect(page.getByRole('list').filter({ hasText: 'was imported' })).toBeVisible({ timeout: LONG });
  });

  expect(foreign, 'requests that left the origin').toEqual([]);
  expect(errors).toEqual([]);
  await context.close();
});
