/**
 * The whole circle, from images alone: label by click and brush → train → correct → train again → find all → review by
 * key → export COCO → import into a new dataset → the same objects, pixel by pixel.
 */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Locator, type Page, test } from '@playwright/test';
import { unzipSync } from 'fflate';
import { type Disc, discsOf, drawPair } from './support/domains.ts';
import {
  bytesOf,
  chooseImage,
  clickImage,
  dragOnImage,
  dropOnPage,
  importByDrop,
  openPage,
  openStudio,
  setNumber,
  watchErrors,
  watchRequests,
} from './support/studio.ts';

/** Images that are labelled by hand; one more is left for Find all. */
const LABELLED = 6;
const IMAGES = LABELLED + 1;
const STEPS = 2;

test('from images alone to a better model and to labels that another tool reads', async ({
  page,
  baseURL,
}) => {
  test.setTimeout(900_000);
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-circle-'));
  await mkdir(join(folder, 'dishes'));
  for (let i = 0; i < IMAGES; i++)
    await writeFile(join(folder, 'dishes', `dish_${i}.png`), drawPair('discs', i).image);
  const foreign = watchRequests(page, baseURL ?? '');
  const errors = watchErrors(page);
  await page.addInitScript(() => {
    Reflect.set(window, 'showSaveFilePicker', undefined);
  });
  await openStudio(page);
  const rows = page
    .getByRole('region', { name: 'Objects' })
    .getByRole('list', { name: 'Objects' })
    .getByRole('listitem');
  const labels = page.getByRole('region', { name: 'Labels of this image' });
  const candidates = page.getByRole('region', { name: 'Candidates' }).getByRole('button');
  const stage = page.getByRole('application');
  const find = page.getByRole('region', { name: 'Find all' });
  const run = page.getByRole('region', { name: 'Run', exact: true });
  const verdict = page.getByRole('region', { name: 'Verdict' });

  await test.step('images alone become a dataset', async () => {
    await dropOnPage(page, [join(folder, 'dishes')]);
    const card = page.getByRole('article', { name: 'dishes' });
    await expect(card).toContainText('No image of this dataset is labelled yet');
    await card.getByRole('button', { name: 'Label these images' }).click();
  });

  await test.step('six are labelled: one object by a click, one by the brush', async () => {
    for (let done = 0; done < LABELLED; done++) {
      const [first, second] = discsOf(await openIndex(page));
      await page.keyboard.press('c');
      await clickImage(page, first);
      await expect(candidates).not.toHaveCount(0);
      await page.keyboard.press('Enter');
      await expect(rows).toHaveCount(1);
      await page.keyboard.press('Escape');
      await page.keyboard.press('p');
      await dragOnImage(page, strokesOver(second, 0.6));
      await expect(rows).toHaveCount(2);
      const name = (await stage.getAttribute('aria-label')) ?? '';
      await page.keyboard.press('n');
      await expect(labels).toContainText(`${done + 1} of ${IMAGES} images`);
      await expect(stage).not.toHaveAttribute('aria-label', name);
    }
    await expect(labels).toContainText('This is the last one to label.');
  });

  await test.step('a run learns from them, and ends in a verdict', async () => {
    await openPage(page, 'Train');
    await expect(
      page.getByRole('checkbox', { name: /dishes/ }),
      'what was just added is chosen',
    ).toBeChecked();
    await page.getByText('Low memory').click();
    await page.getByText('Advanced settings').click();
    await setNumber(page, /^Steps/, STEPS);
    await setNumber(page, /^Validate every/, STEPS);
    await setNumber(page, /^Images per step/, 1);
    await page.getByRole('button', { name: 'Start training' }).click();
    await expect(run).toContainText(`finished · step ${STEPS} of ${STEPS}`, { timeout: 300_000 });
    await expect(verdict).toContainText(/\d images?/);
  });

  await test.step('what is wrong is corrected in the image, which stays done', async () => {
    await page.getByRole('button', { name: 'Use in Segment' }).click();
    await chooseImage(page, 'dish_0.png');
    await expect(rows).toHaveCount(2);
    const object = rows.nth(0).getByRole('button', { name: /^Object 1/ });
    await object.click();
    await page.keyboard.press('p');
    await dragOnImage(page, strokesOver(discsOf(0)[0], 1.2));
    await expectCorrected(page, object);
    await expect(labels).toContainText('Saved');
    await expect(labels.getByRole('radio', { name: 'Done' })).toBeChecked();
  });

  await test.step('it trains again, and the verdict looks back at the run before', async () => {
    await openPage(page, 'Train');
    await page.getByRole('button', { name: 'Train again with what I corrected' }).click();
    await expect(run).toContainText('2nd time');
    await expect(run).toContainText(`finished · step ${STEPS} of ${STEPS}`, { timeout: 300_000 });
    await expect(verdict).toContainText(/Against MoPEFT: .*on 1 test image/);
    await page.getByRole('button', { name: 'Use in Segment' }).click();
    await expect(page.getByLabel('Run', { exact: true }).locator('option:checked')).toContainText('2nd time');
  });

  const inAll = await test.step('the rest is found, and reviewed by key', async () => {
    await chooseImage(page, `dish_${LABELLED}.png`);
    await find.getByText('Thresholds', { exact: true }).click();
    await find.getByLabel(/^Points per side/).fill('5');
    await find.getByLabel('Predicted IoU').fill('0.5');
    await find.getByLabel('Stability').fill('0.5');
    await find.getByRole('button', { name: 'Find all objects' }).click();
    const words = find.getByText(/^\d+ objects? ·/);
    await expect(words).toBeVisible();
    const count = async () => Number.parseInt((await words.textContent()) ?? '', 10);
    const found = await count();
    expect(found, 'one to accept and one to reject').toBeGreaterThan(1);
    await find.getByRole('button', { name: 'Next' }).focus();
    await page.keyboard.press('r');
    await expect.poll(count).toBe(found - 1);
    await page.keyboard.press('a');
    await expect(rows).toHaveCount(1);
    // What was accepted is corrected; keys work from the list too.
    const object = rows.nth(0).getByRole('button', { name: /^Object 1/ });
    await object.click();
    await page.keyboard.press('e');
    await dragOnImage(page, [{ x: 2, y: 2 }, ...discsOf(LABELLED)]);
    await expectCorrected(page, object);
    await expect(labels).toContainText('Saved');
    await stage.focus();
    await page.keyboard.press('n');
    await expect(labels).toContainText(`${IMAGES} of ${IMAGES} images are done`);
    await page.screenshot({ path: test.info().outputPath('reviewed.png') });
    return 2 * LABELLED + 1;
  });

  await test.step('what goes out as COCO comes back as the same objects, pixel by pixel', async () => {
    const out = await exportCoco(page, 'dishes');
    const objects = objectsOf(out);
    expect(objects).toHaveLength(inAll);
    expect(new Set(objects.map(({ image }) => image)).size).toBe(IMAGES);
    const path = join(folder, 'again.zip');
    await writeFile(path, out);
    await openPage(page, 'Data');
    await importByDrop(page, [path]);
    await expect(page.getByRole('article', { name: 'again' })).toContainText(
      `${IMAGES} (${IMAGES} with a mask)`,
    );
    expect(objectsOf(await exportCoco(page, 'again'))).toEqual(objects);
  });

  expect(foreign, 'requests that left the origin').toEqual([]);
  expect(errors).toEqual([]);
});

/** The hint of an object's row says who made it. */
async function expectCorrected(page: Page, row: Locator): Promise<void> {
  await row.hover();
  await expect(page.getByRole('tooltip')).toContainText('corrected by hand');
}

/** The labels of a dataset with its images, as the zip that the page writes. */
async function exportCoco(page: Page, dataset: string): Promise<Buffer> {
  await openPage(page, 'Export');
  const section = page.getByRole('region', { name: 'Labels' });
  await section.getByLabel('Labels of').selectOption({ label: `${dataset} (${IMAGES} images done)` });
  await section.getByLabel('Format').selectOption({ label: 'COCO, run lengths' });
  const download = page.waitForEvent('download');
  await section.getByRole('button', { name: /^Export/ }).click();
  return bytesOf(await download);
}

interface Coco {
  readonly images: readonly { readonly id: number; readonly file_name: string }[];
  readonly annotations: readonly { readonly image_id: number; readonly segmentation: unknown }[];
}

/** Every object of a COCO zip: its image, and its pixels as run lengths. */
function objectsOf(zip: Buffer): { readonly image: string; readonly pixels: string }[] {
  const [json] = Object.entries(unzipSync(zip)).flatMap(([name, bytes]) =>
    name.endsWith('.json') ? [bytes] : [],
  );
  const { images, annotations } = JSON.parse(Buffer.from(json ?? []).toString('utf8')) as Coco;
  const names = new Map(images.map(({ id, file_name }) => [id, file_name.split('/').at(-1) ?? '']));
  return annotations
    .map(({ image_id, segmentation }) => ({
      image: names.get(image_id) ?? '',
      pixels: JSON.stringify(segmentation),
    }))
    .sort((a, b) => a.image.localeCompare(b.image) || a.pixels.localeCompare(b.pixels));
}

/** Which of the drawn images is open. */
async function openIndex(page: Page): Promise<number> {
  const stage = page.getByRole('application');
  await expect(stage).toHaveAttribute('aria-label', /dish_\d/);
  return Number(/dish_(\d)/.exec((await stage.getAttribute('aria-label')) ?? '')?.[1]);
}

/** Circles of a brush around a disc's centre, from the inside to a share of its radius, a pixel and a half apart. */
function strokesOver({ x, y, radius }: Disc, share: number) {
  const rings = Math.ceil((share * radius) / 1.5);
  return Array.from({ length: rings * 12 }, (_, i) => {
    const away = (share * radius * (i + 1)) / (rings * 12);
    const angle = (i * Math.PI) / 6;
    return { x: x + away * Math.cos(angle), y: y + away * Math.sin(angle) };
  });
}
