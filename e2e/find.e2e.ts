/** Finding everything: drop images → Find all → thresholds → review by key → accept → out as COCO → back as a dataset. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { drawPair } from './support/domains.ts';
import {
  bytesOf,
  chooseImage,
  dropOnPage,
  expectAccessible,
  importByDrop,
  openPage,
  openStudio,
  watchErrors,
  watchRequests,
} from './support/studio.ts';

const IMAGES = 2;

test('all objects are found, reviewed by key, exported and imported again', async ({ page, baseURL }) => {
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-find-'));
  await mkdir(join(folder, 'dishes'));
  for (let i = 0; i < IMAGES; i++)
    await writeFile(join(folder, 'dishes', `dish_${i}.png`), drawPair('discs', i).image);
  const foreign = watchRequests(page, baseURL ?? '');
  const errors = watchErrors(page);
  await page.addInitScript(() => {
    Reflect.set(window, 'showSaveFilePicker', undefined);
  });
  await openStudio(page);
  const find = page.getByRole('region', { name: 'Find all' });
  const rows = page
    .getByRole('region', { name: 'Objects' })
    .getByRole('list', { name: 'Objects' })
    .getByRole('listitem');
  const labels = page.getByRole('region', { name: 'Labels of this image' });
  const count = async () =>
    Number.parseInt((await find.getByText(/^\d+ objects? ·/).textContent()) ?? '', 10);

  await test.step('a search shows what it found, and thresholds choose among it at once', async () => {
    await dropOnPage(page, [join(folder, 'dishes')]);
    await page.getByRole('button', { name: 'Label these images' }).click();
    await chooseImage(page, 'dish_0.png');
    await find.getByText('Thresholds', { exact: true }).click();
    await find.getByLabel(/^Points per side/).fill('6');
    await find.getByLabel('Predicted IoU').fill('0.5');
    await find.getByLabel('Stability').fill('0.5');
    await find.getByRole('button', { name: 'Find all objects' }).click();
    await expect(find.getByText(/^\d+ objects? ·/)).toBeVisible();
    const found = await count();
    expect(found).toBeGreaterThan(2);
    await find.getByLabel('Predicted IoU').fill('0.99');
    await expect.poll(count).toBeLessThan(found);
    // Where nothing passes, one button shows what comes closest. A model may expect an IoU over 1.
    await find.getByLabel('Stability').fill('1');
    await find.getByRole('button', { name: 'Show them' }).click();
    await expect.poll(count).toBeGreaterThan(0);
    await find.getByLabel('Predicted IoU').fill('0.5');
    await find.getByLabel('Stability').fill('0.5');
    await expect.poll(count).toBe(found);
    await expectAccessible(page);
    // What is not reviewed is still there after a reload.
    await page.reload();
    await expect.poll(count).toBe(found);
    await find.getByText('Thresholds', { exact: true }).click();
    await page.screenshot({ path: test.info().outputPath('found.png') });
  });

  await test.step('keys accept and reject, and what is accepted are objects of the image', async () => {
    const found = await count();
    await find.getByRole('button', { name: 'Next' }).focus();
    await page.keyboard.press('a');
    await expect(rows).toHaveCount(1);
    await page.keyboard.press('r');
    await expect.poll(count).toBe(found - 2);
    await find.getByRole('button', { name: 'Accept all' }).click();
    await expect(rows).toHaveCount(found - 1);
    await page.screenshot({ path: test.info().outputPath('accepted.png') });
    await labels.getByText('Done', { exact: true }).click();
    await expect(labels).toContainText(`1 of ${IMAGES} images is done`);
    // What was rejected comes again in a new search, what is labelled does not.
    await find.getByRole('button', { name: 'Find all objects' }).click();
    await expect.poll(count).toBe(1);
    await expect(find).toContainText(`${found - 1} more objects are labelled already`);
  });

  await test.step('two labelled images show what is looked for, and the next search goes by it', async () => {
    await chooseImage(page, 'dish_1.png');
    await find.getByRole('button', { name: 'Find all objects' }).click();
    await expect(find.getByText(/^\d+ objects? ·/)).toBeVisible();
    await find.getByRole('button', { name: 'Accept all' }).click();
    await labels.getByText('Done', { exact: true }).click();
    await expect(labels).toContainText(`2 of ${IMAGES} images are done`);
    await find.getByRole('button', { name: 'Choose by labelled images' }).click();
    await expect(find).toContainText(/Chosen by 2 labelled images.* found and \d+ too many/);
    await find.getByLabel('Likeness').fill('0.05');
    await find.getByRole('button', { name: 'Find all objects' }).click();
    // All that is like them is labelled already, or waits with how much it is like them.
    await expect(find).toContainText(/likeness \d\.\d\d|No object is left to review/);
    await expect(find).toContainText(/more objects are labelled already/);
    await page.screenshot({ path: test.info().outputPath('likeness.png') });
  });

  await test.step('a search of all images is in sight where it is asked for, with a way out', async () => {
    const begin = find.getByRole('button', { name: 'Search the whole dataset' });
    await begin.click();
    await expect(find.getByRole('button', { name: 'Pause' })).toBeInViewport({ ratio: 1 });
    await page.screenshot({ path: test.info().outputPath('searching.png') });
    await expect(begin).toBeEnabled();
  });

  await test.step('they go out as COCO and come back as a dataset', async () => {
    await openPage(page, 'Data');
    const facts = /Objects\s*(\d+)/;
    const objectsOf = async (name: string) => {
      const text = await page.getByRole('article', { name }).textContent();
      return facts.exec(text ?? '')?.[1];
    };
    await expect.poll(async () => Number(await objectsOf('dishes'))).toBeGreaterThan(0);
    const before = await objectsOf('dishes');
    await openPage(page, 'Export');
    const section = page.getByRole('region', { name: 'Labels' });
    await section.getByLabel('Format').selectOption({ label: 'COCO, run lengths' });
    const download = page.waitForEvent('download');
    await section.getByRole('button', { name: /^Export/ }).click();
    const path = join(folder, 'found.zip');
    await writeFile(path, await bytesOf(await download));
    await openPage(page, 'Data');
    await importByDrop(page, [path]);
    await expect(page.getByRole('article', { name: 'found' })).toBeVisible();
    expect(await objectsOf('found')).toBe(before);
    await page.screenshot({ path: test.info().outputPath('data.png') });
  });

  expect(foreign, 'requests that left the origin').toEqual([]);
  expect(errors).toEqual([]);
});
