/** Actions and checks that several journeys share. */
import { readFile } from 'node:fs/promises';
import { type Download, expect, type Locator, type Page } from '@playwright/test';
import axe from 'axe-core';

/**
 * Opens the studio and waits until the engine has started.
 * @param path a hash, or a whole address; without one Data, where a first visit would begin with the first minute.
 */
export async function openStudio(page: Page, path = '#/data'): Promise<void> {
  await page.goto(path.startsWith('http') ? path : `./${path}`);
  await expect(page.getByText('Starting the engine …')).toBeHidden();
}

export async function openPage(
  page: Page,
  studioPage: 'Data' | 'Train' | 'Segment' | 'Export' | 'Models',
): Promise<void> {
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: studioPage }).click();
  await expect(page.getByRole('main', { name: studioPage })).toBeVisible();
}

/** Sets a number field on the Train page. @param label matches its name. */
export async function setNumber(page: Page, label: RegExp, value: number): Promise<void> {
  await page.getByRole('spinbutton', { name: label }).fill(String(value));
}

/** What the page says while files are dragged over it. */
export function dropOverlay(page: Page): Locator {
  return page.getByText('Drop images with masks, a folder or zip of them');
}

/** Drags files and folders of this machine over the page. @returns one move of the drag at a time */
export async function dragOverPage(
  page: Page,
  paths: readonly string[],
): Promise<(type: 'dragEnter' | 'dragOver' | 'dragCancel' | 'drop') => Promise<unknown>> {
  const session = await page.context().newCDPSession(page);
  return (type) =>
    session.send('Input.dispatchDragEvent', {
      type,
      x: 640,
      y: 400,
      data: { items: [], files: [...paths], dragOperationsMask: 1 },
    });
}

/** Drops files and folders of this machine onto the page. */
export async function dropOnPage(page: Page, paths: readonly string[]): Promise<void> {
  const move = await dragOverPage(page, paths);
  const dropped = () => page.evaluate(() => Reflect.get(window, 'dropped'));
  await page.evaluate(() => {
    Reflect.set(window, 'dropped', false);
    window.addEventListener('drop', () => Reflect.set(window, 'dropped', true), { once: true });
  });
  // A busy browser that has not answered the drag yet ends it without a drop: the next try drags anew.
  await expect(async () => {
    if (await dropped()) return;
    await move('dragEnter');
    await expect(dropOverlay(page)).toBeVisible({ timeout: 10_000 });
    await move('dragOver');
    await move('drop');
    await expect.poll(dropped, { timeout: 10_000 }).toBe(true);
  }).toPass({ timeout: 60_000 });
  await expect(dropOverlay(page)).toBeHidden();
}

/** Drops files and folders, looks at the preview and imports what it shows. */
export async function importByDrop(page: Page, paths: readonly string[]): Promise<void> {
  await dropOnPage(page, paths);
  const preview = page.getByRole('region', { name: 'Before the import' });
  await preview.getByRole('button', { name: /^Import/ }).click();
  await expect(preview).toBeHidden();
}

/** Collects the addresses of requests that leave the studio's own folder. */
export function watchRequests(page: Page, allowed: string): string[] {
  const strays: string[] = [];
  page.context().on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(allowed) && !/^(blob:|data:)/.test(url)) strays.push(url);
  });
  return strays;
}

/** Collects uncaught errors and error messages on the console. */
export function watchErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  return errors;
}

/** Collects what live regions inside an element say, which is gone after a second. @returns a reader of it */
export async function watchLiveRegions(region: Locator): Promise<() => Promise<string>> {
  const heard = await region.evaluateHandle((element) => {
    const texts: string[] = [];
    new MutationObserver(() => {
      for (const live of element.querySelectorAll('[aria-live]')) texts.push(live.textContent);
    }).observe(element, { childList: true, characterData: true, subtree: true });
    return texts;
  });
  return () => heard.evaluate((texts) => texts.join('\n'));
}

/** A hint floats beside the landmarks; what it says is the description of its control, wherever that is. */
const HINT = 'data-radix-popper';

/**
 * Fails with axe's findings if there are any. axe is read into the page once, and there finds whatever is shown.
 * @param rules the names of those to check; without them all.
 */
export async function expectAccessible(page: Page, rules: readonly string[] = []): Promise<void> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source);
  const runOnly = rules.length > 0 ? { runOnly: [...rules] } : {};
  const found = await page.evaluate(
    async ([options, hint]) => {
      const axeOfPage: typeof axe = Reflect.get(window, 'axe');
      const { violations } = await axeOfPage.run({ ...options, resultTypes: ['violations'] });
      return violations.flatMap(({ id, nodes }) => {
        const counted = nodes.filter(({ html }) => id !== 'region' || !html.includes(hint));
        return counted.length > 0 ? [`${id}: ${counted.map(({ html }) => html).join(' ')}`] : [];
      });
    },
    [runOnly, HINT] as const,
  );
  expect(found).toEqual([]);
}

export async function bytesOf(download: Download): Promise<Buffer> {
  return readFile(await download.path());
}

/** Downloads the adapter of the run that is chosen on the Export page, as files that an input takes. */
export async function downloadAdapter(page: Page) {
  const downloads: Download[] = [];
  const keep = (download: Download): void => void downloads.push(download);
  page.on('download', keep);
  await page.getByRole('button', { name: 'Download the adapter' }).click();
  await expect.poll(() => downloads.length).toBe(2);
  page.off('download', keep);
  return Promise.all(
    downloads.map(async (download) => ({
      name: download.suggestedFilename(),
      mimeType: 'application/octet-stream',
      buffer: await bytesOf(download),
    })),
  );
}

/** Opens an image of the dataset that is chosen in Segment and waits for it. */
export async function chooseImage(page: Page, name: string): Promise<void> {
  const images = page.getByRole('combobox', { name: 'Image' });
  await images.selectOption(await images.locator('option', { hasText: name }).getAttribute('value'));
  await expect(page.getByRole('application')).toHaveAttribute('aria-label', new RegExp(name));
}

/** Waits until the model has nothing to do for the image that is open in Segment. */
export async function expectIdle(page: Page): Promise<void> {
  await expect(page.getByRole('application')).toHaveAttribute('aria-busy', 'false');
}

/** The PNG of the mask that is shown. */
export async function saveMask(page: Page): Promise<Buffer> {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save mask' }).click();
  return bytesOf(await download);
}

/** Clicks on the image on the Segment page. @param point in image pixels. */
export async function clickImage(
  page: Page,
  point: { readonly x: number; readonly y: number },
  button: 'left' | 'right' = 'left',
): Promise<void> {
  await canvasOf(page).click({ position: await onCanvas(page, point), button });
}

/** Zooms into the image on the Segment page, some seven times, by the wheel. @param point in image pixels. */
export async function zoomTo(page: Page, point: { readonly x: number; readonly y: number }): Promise<void> {
  const before = await canvasOf(page).getAttribute('data-view');
  await canvasOf(page).hover({ position: await onCanvas(page, point) });
  await page.mouse.wheel(0, -1000);
  await expect(canvasOf(page)).not.toHaveAttribute('data-view', before ?? '');
}

/** The topmost of the canvases that lie on each other. */
const canvasOf = (page: Page) => page.getByRole('application').locator('canvas[data-view]');

/** Drags on the image on the Segment page. @param points in image pixels. */
export async function dragOnImage(
  page: Page,
  points: readonly { readonly x: number; readonly y: number }[],
): Promise<void> {
  const { x: left = 0, y: top = 0 } = (await canvasOf(page).boundingBox()) ?? {};
  let isDown = false;
  for (const point of points) {
    const { x, y } = await onCanvas(page, point);
    await page.mouse.move(left + x, top + y, { steps: 4 });
    if (!isDown) await page.mouse.down();
    isDown = true;
  }
  await page.mouse.up();
}

/** Where a pixel of the image lies on its canvas. */
async function onCanvas(page: Page, point: { readonly x: number; readonly y: number }) {
  await expect(canvasOf(page)).toHaveAttribute('data-view', /\d/);
  const view = (await canvasOf(page).getAttribute('data-view')) ?? '';
  const [scale = 1, left = 0, top = 0] = view.split(' ').map(Number);
  return { x: left + point.x * scale, y: top + point.y * scale };
}
