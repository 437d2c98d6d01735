/** Two tabs of the studio, both seen: each shows what the other stores, and nothing is begun on what the other deleted. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { writeDomain } from './support/domains.ts';
import {
  chooseImage,
  dragOnImage,
  importByDrop,
  openPage,
  openStudio,
  watchErrors,
} from './support/studio.ts';

test('what one tab imports, labels and deletes is seen in the other', async ({ page, context }) => {
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-tabs-'));
  await writeDomain(folder, 'discs', 3);
  await writeDomain(folder, 'bars', 3);
  const other = await context.newPage();
  const errors = [page, other].map(watchErrors);
  await openStudio(page);
  await openStudio(other);

  await test.step('both import at once, and both show both datasets', async () => {
    await Promise.all([
      importByDrop(page, [join(folder, 'discs')]),
      importByDrop(other, [join(folder, 'bars')]),
    ]);
    for (const tab of [page, other])
      for (const name of ['discs', 'bars']) await expect(tab.getByRole('article', { name })).toBeVisible();
  });

  await test.step('a stroke in either is an object in both', async () => {
    for (const tab of [page, other]) {
      await tab
        .getByRole('article', { name: 'discs' })
        .getByRole('button', { name: /labels/ })
        .click();
      await chooseImage(tab, 'discs_00.png');
      await expect(objectsOf(tab)).toHaveCount(2);
    }
    await paint(page, 10);
    await expect(objectsOf(other)).toHaveCount(3);
    await paint(other, 80);
    await expect(objectsOf(page)).toHaveCount(4);
    await expect(notices(other), 'nothing was lost').toHaveCount(0);
  });

  await test.step('a deletion closes the image there, and Train does not offer the dataset', async () => {
    await openPage(page, 'Data');
    await page.getByRole('button', { name: 'Delete discs' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    await expect(notices(other)).toContainText('The image was closed: its dataset was deleted.');
    await openPage(other, 'Train');
    await expect(other.getByRole('checkbox', { name: /bars/ })).toBeVisible();
    await expect(other.getByRole('checkbox', { name: /discs/ })).toHaveCount(0);
  });

  expect(errors.flat()).toEqual([]);
});

const objectsOf = (page: Page) =>
  page.getByRole('region', { name: 'Objects' }).getByRole('list', { name: 'Objects' }).getByRole('listitem');

const notices = (page: Page) => page.getByRole('region', { name: /^Notifications/ }).getByRole('listitem');

/** Paints a short line by hand, without the model. @param y in image pixels. */
async function paint(page: Page, y: number): Promise<void> {
  await page.bringToFront();
  await page.getByRole('application').focus();
  await page.keyboard.press('Escape');
  await page.keyboard.press('p');
  await dragOnImage(page, [
    { x: 4, y },
    { x: 16, y },
  ]);
}
