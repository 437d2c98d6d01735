/** What people really have, in one drop: zips, annotations, ids, masks with odd values; preview, correction, training. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from '@playwright/test';
import { readRaster } from '../src/data/decode/read-raster.ts';
import { encodeImagePng, encodeMaskPng } from '../src/data/encode-png.ts';
import { writeZip } from '../src/data/zip.ts';
import { drawPair } from './support/domains.ts';
import {
  bytesOf,
  clickImage,
  dropOnPage,
  expectAccessible,
  openPage,
  openStudio,
  setNumber,
  watchErrors,
  zoomTo,
} from './support/studio.ts';

const WIDTH = 120;
const HEIGHT = 90;
const COUNT = 5;
/** Values of the masks in the zips. */
const VOID = 255;
const BACKGROUND = 1;

/** A mask of two squares, the second of which moves with the image. */
function squares(index: number, background: number, first: number, second: number, rim?: number): Uint8Array {
  const data = new Int32Array(WIDTH * HEIGHT).fill(background);
  const fill = (x0: number, y0: number, side: number, value: number): void => {
    for (let y = y0; y < y0 + side; y++) for (let x = x0; x < x0 + side; x++) data[y * WIDTH + x] = value;
  };
  if (rim !== undefined) {
    fill(8, 8, 34, rim);
    fill(58 + index, 28, 44, rim);
  }
  fill(10, 10, 30, first);
  fill(60 + index, 30, 40, second);
  return encodeMaskPng({ width: WIDTH, height: HEIGHT, data });
}

const nameOf = (index: number): string => `scan_${index}.png`;

/** Images and masks in a zip each; 1 is background, 2 objects, with a rim of 255 that belongs to neither. */
async function writeZips(folder: string): Promise<void> {
  const images: Record<string, Uint8Array> = {};
  const masks: Record<string, Uint8Array> = {};
  for (let index = 0; index < COUNT; index++) {
    images[nameOf(index)] = drawPair('discs', index).image;
    masks[nameOf(index)] = squares(index, BACKGROUND, 2, 2, VOID);
  }
  await writeFile(join(folder, 'images.zip'), await writeZip(images));
  await writeFile(join(folder, 'masks.zip'), await writeZip(masks));
}

/** COCO polygons beside the images, in two categories. */
async function writeCoco(folder: string): Promise<void> {
  const rectangle = (x: number, y: number, side: number): number[][] => [
    [x, y, x + side, y, x + side, y + side, x, y + side],
  ];
  const indices = Array.from({ length: COUNT }, (_, index) => index);
  const coco = {
    images: indices.map((id) => ({ id, file_name: nameOf(id), width: WIDTH, height: HEIGHT })),
    categories: [
      { id: 1, name: 'leaf' },
      { id: 2, name: 'stem' },
    ],
    annotations: indices.flatMap((imageId) => [
      {
        id: 2 * imageId + 1,
        image_id: imageId,
        category_id: 1,
        iscrowd: 0,
        segmentation: rectangle(10, 10, 30),
      },
      {
        id: 2 * imageId + 2,
        image_id: imageId,
        category_id: 2,
        iscrowd: 0,
        segmentation: rectangle(60, 30, 40),
      },
    ]),
  };
  await write(join(folder, 'annotations.json'), JSON.stringify(coco));
  for (const index of indices)
    await write(join(folder, 'images', nameOf(index)), drawPair('bars', index).image);
}

/** 16-bit ids that touch. */
async function writeInstances(folder: string): Promise<void> {
  for (let index = 0; index < COUNT; index++) {
    await write(join(folder, 'images', nameOf(index)), drawPair('discs', index + 20).image);
    await write(join(folder, 'instances', nameOf(index)), squares(index, 0, 300, 556));
  }
}

/** Large images of small cells: side of the grid that they lie on, and their radius, pixels. */
const LARGE = { width: 1400, height: 1050, step: 100, radius: 8 };
const CELL = { x: 750, y: 450 };

/** Ids of 140 cells in images of 1.5 megapixels, of which a model of 256 pixels sees cells of 3. */
async function writeSmallCells(folder: string): Promise<void> {
  const { width, height, step, radius } = LARGE;
  for (let index = 0; index < COUNT; index++) {
    const data = new Uint8Array(3 * width * height).map((_, i) => 40 + ((i * (index + 7)) % 13));
    const ids = new Int32Array(width * height);
    let id = 0;
    for (let cy = step / 2; cy < height; cy += step)
      for (let cx = step / 2; cx < width; cx += step) {
        id++;
        for (let y = cy - radius; y <= cy + radius; y++)
          for (let x = cx - radius; x <= cx + radius; x++) {
            if (Math.hypot(x - cx, y - cy) > radius) continue;
            ids[y * width + x] = id;
            data.fill(200, 3 * (y * width + x), 3 * (y * width + x) + 3);
          }
      }
    await write(join(folder, 'images', nameOf(index)), encodeImagePng({ width, height, channels: 3, data }));
    await write(join(folder, 'instances', nameOf(index)), encodeMaskPng({ width, height, data: ids }));
  }
}

async function write(path: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

test('a messy drop is understood, corrected, imported and trained on', async ({ page }) => {
  test.setTimeout(600_000);
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-messy-'));
  const errors = watchErrors(page);
  await writeZips(folder);
  await writeCoco(join(folder, 'plants'));
  await writeInstances(join(folder, 'cells'));
  await writeSmallCells(join(folder, 'small cells'));
  await openStudio(page);
  const preview = page.getByRole('region', { name: 'Before the import' });

  await test.step('two zips are one dataset, whose reading is said and can be changed', async () => {
    await dropOnPage(page, [join(folder, 'images.zip'), join(folder, 'masks.zip')]);
    const dataset = preview.getByRole('article');
    await expect(dataset).toHaveCount(1);
    await expect(dataset).toContainText(`${COUNT} images, ${COUNT} with a mask`);
    await expect(dataset.getByRole('list').first()).toContainText(/1 is taken as background/);
    await expect(dataset.getByRole('list').first()).toContainText(/255 is ignored/);
    const objects = dataset.getByRole('img', { name: /2 objects/ });
    await expect(objects).toHaveCount(3);
    await expectAccessible(page);

    await dataset.getByText('Change how masks are read').click();
    await dataset.getByRole('checkbox', { name: /^255/ }).uncheck();
    await expect(dataset.getByRole('img', { name: /4 objects/ })).toHaveCount(3);
    await expectAccessible(page);
    await dataset.getByRole('button', { name: 'Read as found' }).click();
    await expect(objects).toHaveCount(3);
    await preview.getByRole('button', { name: 'Import 1 dataset' }).click();
    await expect(
      page.getByRole('article').filter({ hasText: `${COUNT} (${COUNT} with a mask)` }),
    ).toHaveCount(1);
  });

  await test.step('annotations and ids in one drop; a discarded drop leaves nothing', async () => {
    const paths = [join(folder, 'plants'), join(folder, 'cells')];
    await dropOnPage(page, paths);
    await expect(preview.getByRole('article')).toHaveCount(2);
    await preview.getByRole('button', { name: 'Discard' }).click();
    await expect(preview).toBeHidden();
    await expect(page.getByRole('article')).toHaveCount(1);
    await dropOnPage(page, paths);
    await preview.getByRole('button', { name: 'Import 2 datasets' }).click();
    const plants = page.getByRole('article', { name: 'plants' });
    await expect(plants).toContainText(/leaf \(5\), stem \(5\)/);
    await expect(page.getByRole('article', { name: 'cells' })).toContainText('instances');
  });

  await test.step('small objects in large images are seen in crops, which can be changed', async () => {
    await dropOnPage(page, [join(folder, 'small cells')]);
    const seen = preview.getByRole('combobox', { name: 'The model sees' });
    await expect(seen).toHaveValue('96');
    await expect(preview).toContainText('in crops of 96 pixels it is 37 pixels');
    await expectAccessible(page);
    await preview.getByRole('button', { name: 'Import 1 dataset' }).click();
    const card = page.getByRole('article', { name: 'small cells' });
    await expect(card.getByRole('combobox', { name: 'The model sees' })).toHaveValue('96');
    await card.getByRole('combobox', { name: 'The model sees' }).selectOption('whole');
    await expect(card).toContainText('All 700 objects are under 4 pixels wide');
    await card.getByRole('combobox', { name: 'The model sees' }).selectOption('256');
    await expect(card).toContainText('in crops of 256 pixels it is 14 pixels');
    await expectAccessible(page);
  });

  await test.step('they train together', async () => {
    await openPage(page, 'Train');
    for (const box of await page.getByRole('group', { name: 'Datasets' }).getByRole('checkbox').all())
      await box.check();
    await page.getByText('Advanced').click();
    await setNumber(page, /^Steps/, 2);
    await setNumber(page, /^Images per step/, 1);
    await setNumber(page, /^Objects per image/, 1);
    await setNumber(page, /^Corrective clicks/, 0);
    await setNumber(page, /^Objects per validation image/, 1);
    await page.getByRole('button', { name: 'Start training' }).click();
    await expect(page.getByRole('region', { name: 'Run', exact: true })).toContainText(
      'finished · step 2 of 2',
      { timeout: 400_000 },
    );
  });

  await test.step('a click on a small cell, zoomed in, gives a mask within it', async () => {
    await openPage(page, 'Segment');
    await page.getByLabel('Dataset', { exact: true }).selectOption({ label: 'small cells' });
    const images = page.getByLabel('Image', { exact: true });
    await images.selectOption(nameOf(0));
    const stage = page.getByRole('application');
    await expect(stage).toContainText('The model sees the whole image.');
    await zoomTo(page, CELL);
    await expect(stage).toContainText('The model sees the visible part');
    await expect(stage).toHaveAttribute('aria-busy', 'false');
    await clickImage(page, CELL);
    await expect(page.getByRole('region', { name: 'Candidates' }).getByRole('button')).toHaveCount(3);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save mask' }).click();
    const { width, height, data } = await readRaster(await bytesOf(await download), 'mask.png');
    expect([width, height]).toEqual([LARGE.width, LARGE.height]);
    let area = 0;
    for (const [i, value] of data.entries()) {
      if (value === 0) continue;
      area++;
      const away = Math.hypot((i % width) - CELL.x, Math.floor(i / width) - CELL.y);
      expect(away, 'the mask lies on the cell').toBeLessThan(LARGE.radius + 3);
    }
    expect(area).toBeGreaterThan(LARGE.radius ** 2);
    await expectAccessible(page);
  });
  expect(errors).toEqual([]);
});
