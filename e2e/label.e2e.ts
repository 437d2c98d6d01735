/** Labelling from nothing: drop images → click and brush → undo and redo → reload → done → Train takes them. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { drawPair, firstDisc } from './support/domains.ts';
import {
  chooseImage,
  clickImage,
  dragOnImage,
  dropOnPage,
  expectAccessible,
  openPage,
  openStudio,
  watchErrors,
  watchRequests,
} from './support/studio.ts';

const IMAGES = 3;

test('images without masks are labelled by click and by brush, and trained on', async ({ page, baseURL }) => {
  const folder = join(await mkdtemp(join(tmpdir(), 'mopeft-label-')), 'slides');
  await mkdir(folder, { recursive: true });
  for (let i = 0; i < IMAGES; i++)
    await writeFile(join(folder, `slide_${i}.png`), drawPair('discs', i).image);
  const foreign = watchRequests(page, baseURL ?? '');
  const errors = watchErrors(page);
  await openStudio(page);
  const objects = page.getByRole('region', { name: 'Objects' });
  const rows = objects.getByRole('list', { name: 'Objects' }).getByRole('listitem');
  const labels = page.getByRole('region', { name: 'Labels of this image' });
  const candidates = page.getByRole('region', { name: 'Candidates' }).getByRole('button');
  const stage = page.getByRole('application');

  await test.step('a dataset without masks says so and leads to the editor', async () => {
    // There is nothing to ask about images alone.
    await dropOnPage(page, [folder]);
    const card = page.getByRole('article', { name: 'slides' });
    await expect(card).toContainText('No image of this dataset is labelled yet');
    await expectAccessible(page);
    await card.getByRole('button', { name: 'Label these images' }).click();
    await expect(page.getByRole('main', { name: 'Segment' })).toBeVisible();
    await chooseImage(page, 'slide_0.png');
    await expect(labels).toContainText(`0 of ${IMAGES} images are done`);
  });

  await test.step('a key stretches the contrast of what is seen, and takes it back', async () => {
    const [low, high] = await seenRange(page);
    expect(low, 'the ground of a slide').toBeGreaterThan(30);
    expect(high, 'its discs').toBeLessThan(230);
    await page.keyboard.press('y');
    await expect(page.getByLabel('Stretch contrast')).toBeChecked();
    await expect.poll(() => seenRange(page)).toEqual([0, 255]);
    await page.keyboard.press('y');
    await expect.poll(() => seenRange(page)).toEqual([low, high]);
  });

  await test.step('a click gives a mask, and Enter makes it an object', async () => {
    await clickImage(page, firstDisc(0));
    await expect(candidates).toHaveCount(3);
    await page.keyboard.press('Enter');
    await expect(rows).toHaveCount(1);
    await expect(candidates).toHaveCount(0);
    await expect(labels.getByRole('radio', { name: 'In work' })).toBeChecked();
  });

  await test.step('the brush paints another, and classes have names, colours and keys', async () => {
    await objects.getByText('Change the classes').click();
    await objects.getByRole('button', { name: 'Add a class' }).click();
    const name = objects.getByRole('textbox', { name: 'Name of class 2' });
    await name.fill('debris');
    await name.press('Enter');
    await objects.getByText('Change the classes').click();
    await stage.focus();
    await page.keyboard.press('Escape');
    await page.keyboard.press('2');
    await page.keyboard.press('p');
    await dragOnImage(page, [
      { x: 30, y: 70 },
      { x: 60, y: 75 },
      { x: 90, y: 70 },
    ]);
    await expect(rows).toHaveCount(2);
    await expect(rows.nth(1)).toContainText('debris');
    await page.keyboard.press('e');
    await dragOnImage(page, [
      { x: 60, y: 60 },
      { x: 60, y: 89 },
    ]);
    await page.keyboard.press('i');
    await expect(rows).toHaveCount(3);
    await expectAccessible(page);
    await page.screenshot({ path: test.info().outputPath('objects.png') });
  });

  await test.step('every step can be undone and done again', async () => {
    for (const count of [2, 2, 1]) {
      await page.keyboard.press('Control+z');
      await expect(rows).toHaveCount(count);
    }
    for (let count = 0; count < 3; count++) await page.keyboard.press('Control+y');
    await expect(rows).toHaveCount(3);
    await expect(labels).toContainText('Saved');
  });

  await test.step('an object that another covers says so, and comes to the front by a key', async () => {
    await page.keyboard.press('Escape');
    await page.keyboard.press('c');
    await clickImage(page, firstDisc(0));
    await expect(candidates).toHaveCount(3);
    await page.keyboard.press('Enter');
    await expect(rows).toHaveCount(4);
    await expect(rows.nth(0)).toContainText('covered');
    await rows
      .nth(0)
      .getByRole('button', { name: /^Object 1/ })
      .click();
    await page.screenshot({ path: test.info().outputPath('covered.png') });
    await page.keyboard.press('q');
    await expect(rows.nth(0)).not.toContainText('covered');
    await expect(rows.nth(2)).toContainText('covered');
    // The last takes back the click.
    for (const count of [4, 3, 3]) {
      await page.keyboard.press('Control+z');
      await expect(rows).toHaveCount(count);
    }
    await expect(objects).not.toContainText('covered');
    await expect(labels).toContainText('Saved');
  });

  await test.step('after a reload all is there, and can still be undone', async () => {
    await page.reload();
    await openPage(page, 'Segment');
    await chooseImage(page, 'slide_0.png');
    await expect(rows).toHaveCount(3);
    await expect(rows.nth(2)).toContainText('debris');
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect(rows).toHaveCount(2);
    await page.getByRole('button', { name: 'Redo' }).click();
    await expect(rows).toHaveCount(3);
    await expect(labels.getByRole('radio', { name: 'In work' })).toBeChecked();
  });

  await test.step('one key says that it is done and opens the next image', async () => {
    await stage.focus();
    await page.keyboard.press('n');
    await expect(stage).not.toHaveAttribute('aria-label', /slide_0/);
    await expect(labels).toContainText(`1 of ${IMAGES} images is done`);
    await page.keyboard.press('l');
    for (const [x, y] of [
      [20, 20],
      [60, 25],
      [40, 60],
    ] as const)
      await clickImage(page, { x, y });
    await page.keyboard.press('Enter');
    await expect(rows).toHaveCount(1);
    const second = (await stage.getAttribute('aria-label')) ?? '';
    await page.keyboard.press('n');
    await expect(stage).not.toHaveAttribute('aria-label', second);
    await expect(labels).toContainText(`2 of ${IMAGES} images are done`);
    // A box, and with Shift another one for an object of its own.
    await page.keyboard.press('b');
    await dragOnImage(page, [
      { x: 10, y: 10 },
      { x: 60, y: 60 },
    ]);
    await expect(candidates).not.toHaveCount(0);
    await page.keyboard.down('Shift');
    await dragOnImage(page, [
      { x: 60, y: 10 },
      { x: 115, y: 80 },
    ]);
    await page.keyboard.up('Shift');
    await expect(rows).toHaveCount(1);
    await expect(candidates).not.toHaveCount(0);
    await page.keyboard.press('n');
    await expect(labels).toContainText(`${IMAGES} of ${IMAGES} images are done`);
    await expect(rows).toHaveCount(2);
    await page.screenshot({ path: test.info().outputPath('done.png') });
  });

  await test.step('what is done can be trained on', async () => {
    await openPage(page, 'Data');
    const card = page.getByRole('article', { name: 'slides' });
    await expect(card).toContainText(`${IMAGES} (${IMAGES} with a mask)`);
    await page.screenshot({ path: test.info().outputPath('data.png') });
    await openPage(page, 'Train');
    await expect(page.getByRole('checkbox', { name: /slides/ })).toBeEnabled();
  });

  expect(foreign, 'requests that left the origin').toEqual([]);
  expect(errors).toEqual([]);
});

/** The least and the greatest value, 0 to 255, that are seen in the middle of the image. */
async function seenRange(page: Page): Promise<readonly [number, number]> {
  const { x = 0, y = 0, width = 0, height = 0 } = (await page.getByRole('application').boundingBox()) ?? {};
  const clip = { x: x + width / 4, y: y + height / 4, width: width / 2, height: height / 2 };
  const png = (await page.screenshot({ clip })).toString('base64');
  return page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
    context?.drawImage(bitmap, 0, 0);
    const { data = [] } = context?.getImageData(0, 0, bitmap.width, bitmap.height) ?? {};
    const colours = Array.from(data).filter((_, i) => i % 4 < 3);
    return [
      colours.reduce((a, b) => Math.min(a, b), 255),
      colours.reduce((a, b) => Math.max(a, b), 0),
    ] as const;
  }, png);
}
