/** A CSV of run lengths whose order nothing tells, and masks with very many colours: said, shown and changed before the import. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { encodeImagePng } from '../src/data/encode-png.ts';
import { dropOnPage, expectAccessible, openStudio, watchErrors } from './support/studio.ts';

const SIDE = 128;

/** A grey image, or one with a square of its own colour at every eighth pixel. */
function png(hasColours: boolean): Uint8Array {
  const data = new Uint8Array(3 * SIDE * SIDE).fill(hasColours ? 0 : 90);
  for (let y = 0; hasColours && y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      if (x % 8 > 4 || y % 8 > 4) continue;
      data.set([3 + 12 * (x >> 3), 7 + 12 * (y >> 3), 60], 3 * (y * SIDE + x));
    }
  }
  return encodeImagePng({ width: SIDE, height: SIDE, channels: 3, data });
}

test('runs are counted as chosen, and very many colours are objects without a list of all', async ({
  page,
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-runs-'));
  const ships = join(folder, 'ships');
  const colours = join(folder, 'colours');
  for (const each of [join(ships, 'train'), join(colours, 'images'), join(colours, 'masks')])
    await mkdir(each, { recursive: true });
  const rows = ['ImageId,EncodedPixels'];
  for (const name of ['a.png', 'b.png', 'c.png']) {
    await writeFile(join(ships, 'train', name), png(false));
    await writeFile(join(colours, 'images', name), png(false));
    await writeFile(join(colours, 'masks', name), png(true));
    rows.push(`${name},1100 40 1228 40 1356 40`, `${name},9000 20 9128 20`);
  }
  await writeFile(join(ships, 'train.csv'), rows.join('\n'));
  const errors = watchErrors(page);
  await openStudio(page);
  const preview = page.getByRole('region', { name: 'Before the import' });

  await dropOnPage(page, [ships]);
  const dataset = preview.getByRole('article');
  await expect(dataset).toContainText('The runs are taken to go down the columns');
  await dataset.getByText('Change how masks are read').click();
  await dataset.getByText('along the rows', { exact: true }).click();
  await expect(dataset).toContainText('The runs go along the rows, as you chose.');
  await expect(dataset).not.toContainText('to check');
  await expectAccessible(page);
  await dataset.getByRole('button', { name: 'Read as found' }).click();
  await expect(dataset).toContainText('The runs are taken to go down the columns');
  await preview.getByRole('button', { name: 'Discard' }).click();

  await dropOnPage(page, [colours]);
  await expect(dataset).toContainText('a mask has 256 of them, each in one part');
  await dataset.getByText('Change how masks are read').click();
  await expect(dataset.getByRole('checkbox')).toHaveCount(11);
  await expectAccessible(page);
  expect(errors).toEqual([]);
});
