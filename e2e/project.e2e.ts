/** A project goes out of one browser and comes into another: the same files, counts, verdict and masks. */
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { unzipSync } from 'fflate';
import { drawPair, firstDisc, writeDomain } from './support/domains.ts';
import {
  bytesOf,
  chooseImage,
  clickImage,
  dragOnImage,
  dropOnPage,
  expectAccessible,
  importByDrop,
  openPage,
  openStudio,
  setNumber,
  watchErrors,
} from './support/studio.ts';

const IMAGES = 5;

test('a project comes into another browser as it left the first', async ({ page, browser, baseURL }) => {
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-project-'));
  await writeDomain(folder, 'discs', IMAGES);
  await writeFile(join(folder, 'discs', 'images', 'discs_09.png'), drawPair('discs', 9).image);
  // Two browsers, each of which compiles what it runs on a software adapter.
  test.setTimeout(480_000);
  const errors = watchErrors(page);
  await page.addInitScript(() => {
    Reflect.set(window, 'showSaveFilePicker', undefined);
  });
  await openStudio(page);

  await test.step('a dataset with masks, an image that is labelled here, and a run', async () => {
    await importByDrop(page, [join(folder, 'discs')]);
    await page
      .getByRole('article', { name: 'discs' })
      .getByRole('button', { name: 'Label these images' })
      .click();
    await chooseImage(page, 'discs_09.png');
    await page.getByRole('application').focus();
    await page.keyboard.press('p');
    await dragOnImage(page, [
      { x: 30, y: 70 },
      { x: 90, y: 70 },
    ]);
    const labels = page.getByRole('region', { name: 'Labels of this image' });
    await expect(labels.getByRole('radio', { name: 'In work' })).toBeChecked();
    await expect(labels).toContainText('Saved');
    await openPage(page, 'Train');
    await page.getByRole('checkbox', { name: /discs/ }).check();
    await page.getByText('Advanced').click();
    await page.getByRole('radio', { name: /^Decoder only/ }).check();
    await setNumber(page, /^Steps/, 1);
    await setNumber(page, /^Images per step/, 1);
    await setNumber(page, /^Objects per image/, 1);
    await setNumber(page, /^Corrective clicks/, 0);
    await page.getByRole('button', { name: 'Start training' }).click();
    await expect(page.getByRole('region', { name: 'Run', exact: true })).toContainText(
      'finished · step 1 of 1',
      { timeout: 120_000 },
    );
  });
  const verdict = (await verdictOf(page).textContent()) ?? '';
  expect(verdict).toMatch(/IoU/);

  const zip = join(folder, 'discs.mopeft.zip');
  await test.step('they go out as one zip', async () => {
    await openPage(page, 'Export');
    const section = page.getByRole('region', { name: 'Project' });
    await section.getByRole('checkbox', { name: /^With checkpoints/ }).check();
    await expect(section).toContainText(/about [\d.]+ MiB/);
    await expectAccessible(page);
    const download = page.waitForEvent('download');
    await section.getByRole('button', { name: 'Export the project' }).click();
    expect((await download).suggestedFilename()).toBe('discs.mopeft.zip');
    await writeFile(zip, await bytesOf(await download));
    await page.screenshot({ path: test.info().outputPath('export.png') });
  });
  const sent = await storedFiles(page);

  const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
  const other = await context.newPage();
  errors.push(...watchErrors(other));
  await openStudio(other, baseURL ?? '');

  await test.step('dropped elsewhere, it says what it would add, and adds it', async () => {
    await openPage(other, 'Train');
    await dropOnPage(other, [zip]);
    const panel = other.getByRole('region', { name: 'Project' });
    await expect(panel).toContainText('1 dataset, 1 run');
    await expectAccessible(other);
    await other.screenshot({ path: test.info().outputPath('drop.png') });
    await panel.getByRole('button', { name: /^Add / }).click();
    const card = other.getByRole('article', { name: 'discs' });
    await expect(card).toContainText(`${IMAGES + 1} (${IMAGES} with a mask)`);
    const came = await storedFiles(other);
    expect(Object.keys(came).length).toBeGreaterThan(2 * IMAGES);
    expect(sent).toMatchObject(came);
    const masks = (files: object) =>
      Object.keys(files).filter((path) => /\/(images|masks|edits)\//.test(path));
    expect(masks(came)).toEqual(masks(sent));
  });

  await test.step('dropped again, it is known', async () => {
    await dropOnPage(other, [zip]);
    const panel = other.getByRole('region', { name: 'Project' });
    await expect(panel.getByText('is here already, and the same')).toHaveCount(2);
    await panel.getByRole('button', { name: 'Close' }).click();
    await expect(panel).toBeHidden();
  });

  await test.step('the run has its verdict, its adapter segments, and a mask goes to the clipboard', async () => {
    await openPage(other, 'Train');
    await other.getByRole('navigation', { name: 'Runs' }).getByRole('listitem').getByRole('button').click();
    await expect(verdictOf(other)).toHaveText(verdict);
    await other.getByRole('button', { name: 'Use in Segment' }).click();
    await other.getByLabel('Dataset', { exact: true }).selectOption({ label: 'discs' });
    await chooseImage(other, 'discs_00.png');
    await clickImage(other, firstDisc(0));
    await expect(other.getByRole('region', { name: 'Candidates' }).getByRole('button')).toHaveCount(3);
    await other.getByRole('button', { name: 'Keep for Export' }).click();
    await openPage(other, 'Export');
    // Only the page in front may use the clipboard.
    await other.bringToFront();
    await other.getByRole('button', { name: /^Copy the mask of/ }).click();
    await expect(other.getByText('The mask is on the clipboard.').last()).toBeVisible();
    const size = await other.evaluate(async () => {
      const [item] = await navigator.clipboard.read();
      const bitmap = await createImageBitmap(await (item as ClipboardItem).getType('image/png'));
      return [bitmap.width, bitmap.height];
    });
    expect(size).toEqual([120, 90]);
  });

  await test.step('a run folder, as the command line leaves it, comes in with verdict and curves', async () => {
    for (const [path, bytes] of Object.entries(unzipSync(await readFile(zip)))) {
      const name = /^runs\/[^/]+\/(.+)$/.exec(path)?.[1];
      if (!name || name === 'run.json') continue;
      await mkdir(dirname(join(folder, 'by hand', name)), { recursive: true });
      await writeFile(join(folder, 'by hand', name), bytes);
    }
    await dropOnPage(other, [join(folder, 'by hand')]);
    const panel = other.getByRole('region', { name: 'Project' });
    await expect(panel).toContainText('0 datasets, 1 run');
    await panel.getByRole('button', { name: /^Add / }).click();
    await openPage(other, 'Train');
    await other
      .getByRole('navigation', { name: 'Runs' })
      .getByRole('button')
      .filter({ hasText: 'by hand' })
      .click();
    await expect(verdictOf(other)).toHaveText(verdict);
    await expect(other.getByRole('img', { name: /Validation IoU/ })).toBeVisible();
    await expectAccessible(other);
  });
  await context.close();
  expect(errors).toEqual([]);
});

const verdictOf = (page: Page) => page.getByRole('region', { name: 'Verdict' });

/** Hashes of what is stored of datasets and runs, without runs' records, which are written anew, and thumbnails made when needed. */
function storedFiles(page: Page): Promise<Record<string, string>> {
  return page.evaluate(async () => {
    const found: Record<string, string> = {};
    const walk = async (folder: FileSystemDirectoryHandle, prefix: string): Promise<void> => {
      for await (const [name, handle] of folder.entries()) {
        const path = `${prefix}/${name}`;
        if (handle instanceof FileSystemDirectoryHandle) await walk(handle, path);
        else if (handle instanceof FileSystemFileHandle && !/^run\.json$|card\.jpg$/.test(name)) {
          const bytes = await (await handle.getFile()).arrayBuffer();
          const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
          found[path] = digest.join(' ');
        }
      }
    };
    const top = await (await navigator.storage.getDirectory()).getDirectoryHandle('mopeft-studio');
    for (const kind of ['datasets', 'runs']) await walk(await top.getDirectoryHandle(kind), kind);
    return found;
  });
}
