/** Labels go out in a format and come back by a drop, as a download and as a file of the person's choice. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { encodeMaskPng } from '../src/data/encode-png.ts';
import { drawPair } from './support/domains.ts';
import {
  bytesOf,
  expectAccessible,
  importByDrop,
  openPage,
  openStudio,
  watchErrors,
} from './support/studio.ts';

const WIDTH = 120;
const HEIGHT = 90;
const COUNT = 3;

/** Two classes: a ring with a hole, and two squares that touch. */
function labels(index: number): { readonly instances: Uint8Array; readonly classes: Uint8Array } {
  const ids = new Int32Array(WIDTH * HEIGHT);
  const fill = (x0: number, y0: number, side: number, value: number): void => {
    for (let y = y0; y < y0 + side; y++) ids.fill(value, y * WIDTH + x0, y * WIDTH + x0 + side);
  };
  fill(8 + index, 10, 30, 1);
  fill(18 + index, 20, 10, 0);
  fill(60, 30, 20, 2);
  fill(80, 30, 20, 3);
  const size = { width: WIDTH, height: HEIGHT };
  return {
    instances: encodeMaskPng({ ...size, data: ids }),
    classes: encodeMaskPng({ ...size, data: ids.map((id) => (id === 1 ? 1 : id > 1 ? 2 : 0)) }),
  };
}

async function writeSet(folder: string): Promise<void> {
  for (const name of ['images', 'instances', 'labels']) await mkdir(join(folder, name), { recursive: true });
  for (let index = 0; index < COUNT; index++) {
    const { instances, classes } = labels(index);
    await writeFile(join(folder, 'images', `ü ${index}.png`), drawPair('discs', index).image);
    await writeFile(join(folder, 'instances', `ü ${index}.png`), instances);
    await writeFile(join(folder, 'labels', `ü ${index}.png`), classes);
  }
  const names = { '1': 'ring', '2': 'square' };
  await writeFile(join(folder, 'dataset.json'), JSON.stringify({ background: 0, classNames: names }));
}

/** What the card of a dataset says of its objects. */
async function expectSame(page: Page, name: string): Promise<void> {
  await openPage(page, 'Data');
  const card = page.getByRole('article', { name });
  await expect(card).toContainText(`${COUNT} (${COUNT} with a mask)`);
  await expect(card).toContainText(`ring (${COUNT}), square (${2 * COUNT})`);
}

test('labels go out and come back the same', async ({ page }) => {
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-out-'));
  const errors = watchErrors(page);
  await page.addInitScript(() => {
    Reflect.set(window, 'showSaveFilePicker', undefined);
  });
  await writeSet(join(folder, 'set'));
  await openStudio(page);
  await importByDrop(page, [join(folder, 'set')]);
  await expectSame(page, 'set');
  const section = page.getByRole('region', { name: 'Labels' });

  for (const [format, file] of [
    ['COCO, run lengths', 'set coco.zip'],
    ['ImageJ ROI zip', 'set imagej-roi.zip'],
  ] as const) {
    await test.step(`as ${format}, downloaded`, async () => {
      await openPage(page, 'Export');
      await section.getByLabel('Format').selectOption({ label: format });
      const download = page.waitForEvent('download');
      await section.getByRole('button', { name: /^Export/ }).click();
      expect((await download).suggestedFilename()).toBe(file);
      const path = join(folder, file);
      await writeFile(path, await bytesOf(await download));
      await openPage(page, 'Data');
      await importByDrop(page, [path]);
      await expectSame(page, file.replace('.zip', ''));
    });
  }

  await test.step('as one file, written where the person chooses', async () => {
    // Headless browsers show no dialog: the choice is a file of the site's own storage.
    await page.evaluate(() => {
      Reflect.set(window, 'showSaveFilePicker', async (options: { suggestedName: string }) => {
        const root = await navigator.storage.getDirectory();
        return root.getFileHandle(options.suggestedName, { create: true });
      });
    });
    await openPage(page, 'Export');
    await section.getByLabel('Labels of').selectOption({ label: `set (${COUNT} images done)` });
    await section.getByLabel('Format').selectOption({ label: 'CSV of measurements' });
    await section.getByRole('checkbox', { name: /^With the images/ }).uncheck();
    await section.getByLabel('Side of a pixel').fill('0.5 µm');
    await expectAccessible(page);
    await section.getByRole('button', { name: /^Export/ }).click();
    const said = `${3 * COUNT} objects of ${COUNT} images went out as set measurements.csv.`;
    await expect(page.getByText(said, { exact: true }).last()).toBeVisible();
    const text = await page.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      const file = await (await root.getFileHandle('set measurements.csv')).getFile();
      return file.text();
    });
    const rows = text.trim().split('\r\n');
    expect(rows).toHaveLength(1 + 3 * COUNT);
    expect(rows[0]).toContain('area_µm2');
    expect(rows[1]).toMatch(/^ü 0\.png,1,(ring|square),/);
  });
  expect(errors).toEqual([]);
});
