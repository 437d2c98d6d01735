/** Broken and wrong files: each is named with the reason and the cure, good files are kept, nothing hangs. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { writeZip } from '../src/data/zip.ts';
import { drawPair, writeDomain } from './support/domains.ts';
import { encodePng } from './support/png.ts';
import {
  dragOverPage,
  dropOnPage,
  dropOverlay,
  expectAccessible,
  importByDrop,
  openStudio,
  watchErrors,
  watchLiveRegions,
} from './support/studio.ts';

const pair = drawPair('discs', 1);
const small = encodePng({ width: 10, height: 10, channels: 1, data: new Uint8Array(100).fill(255) });

/** A folder with one good image and mask, and every kind of bad file. */
async function writeBadFolder(folder: string): Promise<void> {
  const files: Readonly<Record<string, Buffer | string>> = {
    'images/good.png': pair.image,
    'masks/good.png': pair.mask,
    'images/cut.png': pair.image.subarray(0, 200),
    'masks/cut.png': pair.mask,
    'images/size.png': pair.image,
    'masks/size.png': small,
    'masks/alone.png': pair.mask,
    'images/empty-mask.png': pair.image,
    'masks/empty-mask.png': encodePng({
      width: 120,
      height: 90,
      channels: 1,
      data: new Uint8Array(120 * 90),
    }),
    'images/nothing.png': '',
    'masks/nothing.png': pair.mask,
    'images/text.png': 'this is a letter, not an image',
    'masks/text.png': pair.mask,
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

/** Entries for a file in the list of files that the last import left out. */
function notUsed(page: Page, file: string) {
  return page.getByRole('region', { name: 'Files to check' }).getByRole('listitem').filter({ hasText: file });
}

test.describe('bad input', () => {
  let folder = '';

  test.beforeEach(async ({ page }) => {
    folder = await mkdtemp(join(tmpdir(), 'mopeft-bad-'));
    await openStudio(page);
  });

  test('files of a folder', async ({ page }) => {
    const errors = watchErrors(page);
    await writeBadFolder(join(folder, 'set'));
    await importByDrop(page, [join(folder, 'set')]);
    const card = page.getByRole('article', { name: 'set' });
    await expect(card).toBeVisible();
    for (const file of ['cut.png', 'size.png', 'alone.png', 'empty-mask.png', 'nothing.png', 'text.png']) {
      const sentence = notUsed(page, file).first();
      await expect(sentence, file).toBeAttached();
      // At least two sentences: what happened, and the cure.
      expect(((await sentence.textContent()) ?? '').split(/[.!]\s/).length, file).toBeGreaterThanOrEqual(2);
    }
    await expect(card).toContainText(/with a mask/);
    await expectAccessible(page);
    expect(errors).toEqual([]);
  });

  test('a zip whose path climbs out', async ({ page }) => {
    const files = {
      'set/images/a.png': pair.image,
      'set/masks/a.png': pair.mask,
      '../../climb.png': pair.image,
    };
    const zip = await writeZip(files);
    await writeFile(join(folder, 'out.zip'), zip);
    await importByDrop(page, [join(folder, 'out.zip')]);
    await expect(page.getByRole('article')).toHaveCount(1);
    await expect(notUsed(page, 'climb.png')).toHaveCount(1);
  });

  test('models and adapters that lie about themselves', async ({ page }) => {
    const lie = Buffer.alloc(64);
    lie.writeBigUInt64LE(2n ** 60n, 0);
    const offsets = Buffer.from(
      JSON.stringify({
        'image_encoder.pos_embed': { dtype: 'F32', shape: [4, 4], data_offsets: [0, 1_000_000] },
      }),
    );
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(offsets.length), 0);
    const adapter = Buffer.from(
      JSON.stringify({ 'blocks.0.lora.q.A': { dtype: 'F32', shape: [1, 4], data_offsets: [0, 16] } }),
    );
    const adapterLength = Buffer.alloc(8);
    adapterLength.writeBigUInt64LE(BigInt(adapter.length), 0);
    await writeFile(join(folder, 'lie.safetensors'), lie);
    await writeFile(join(folder, 'offsets.safetensors'), Buffer.concat([length, offsets]));
    await writeFile(
      join(folder, 'other.safetensors'),
      Buffer.concat([adapterLength, adapter, Buffer.alloc(16)]),
    );
    for (const name of ['lie', 'offsets', 'other']) {
      await dropOnPage(page, [join(folder, `${name}.safetensors`)]);
      await expect(
        page
          .getByRole('region', { name: /^Notifications/ })
          .getByRole('listitem')
          .filter({ hasText: name }),
        name,
      ).toBeVisible();
    }
    await expect(page.getByRole('button', { name: /Model, GPU/ })).toContainText('mopeft-sam-tiny');
  });

  test('a wrong model in the dialog is said where it is seen, heard and dismissed', async ({ page }) => {
    await writeFile(join(folder, 'short.safetensors'), Buffer.alloc(4));
    await page.getByRole('button', { name: /Model, GPU/ }).click();
    const dialog = page.getByRole('dialog');
    await expect(dialog).toContainText('mopeft-sam-tiny');
    const heard = await watchLiveRegions(dialog);
    await dialog.getByLabel('Load a model').setInputFiles(join(folder, 'short.safetensors'));
    const notice = dialog.getByRole('listitem').filter({ hasText: 'short.safetensors' });
    await expect(notice).toBeVisible();
    await expect.poll(heard).toContain('short.safetensors');
    await expectAccessible(page);
    await notice.getByRole('button', { name: 'Dismiss notification' }).click();
    await expect(notice).toHaveCount(0);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await expect(dialog).toHaveCount(0);
  });

  test('a stored image that is gone is named in the viewer', async ({ page }) => {
    await writeDomain(folder, 'discs', 1);
    await importByDrop(page, [join(folder, 'discs')]);
    await expect(page.getByRole('article', { name: 'discs' })).toBeVisible();
    await page.evaluate(async () => {
      const store = await (await navigator.storage.getDirectory()).getDirectoryHandle('mopeft-studio');
      const datasets = await store.getDirectoryHandle('datasets');
      for await (const id of datasets.keys())
        await (await datasets.getDirectoryHandle(id)).removeEntry('images', { recursive: true });
    });
    // Decoded images are cached until a reload.
    await page.reload();
    await page.getByRole('article', { name: 'discs' }).getByRole('button', { name: 'View' }).click();
    await expect(page.getByRole('dialog').getByRole('alert')).toContainText('not in storage');
  });

  test('a drag that ends elsewhere takes its invitation with it', async ({ page }) => {
    await writeFile(join(folder, 'small.png'), small);
    const move = await dragOverPage(page, [join(folder, 'small.png')]);
    await move('dragEnter');
    await expect(dropOverlay(page)).toBeVisible();
    // What was under the pointer when the drag came is redrawn meanwhile.
    await page.evaluate(() => document.querySelector('main')?.replaceChildren());
    await move('dragOver');
    await move('dragCancel');
    await page.mouse.move(300, 300);
    await expect(dropOverlay(page)).toBeHidden();
  });

  test('five thousand files at once, with a way out', async ({ page }) => {
    test.setTimeout(300_000);
    await writeDomain(folder, 'discs', 1);
    const many = join(folder, 'many', 'images');
    await mkdir(many, { recursive: true });
    for (let index = 0; index < 5000; index++) await writeFile(join(many, `${index}.png`), small);
    await dropOnPage(page, [join(folder, 'many')]);
    await expect(page.getByRole('progressbar').first()).toBeVisible();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect(page.getByRole('button', { name: 'Cancel' })).toBeHidden();
    // The next import works as usual.
    await importByDrop(page, [join(folder, 'discs')]);
    await expect(page.getByRole('article', { name: 'discs' })).toBeVisible();
  });
});
