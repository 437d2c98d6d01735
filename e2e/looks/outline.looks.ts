/** A polygon that is being drawn, with invented answers in place of the engine. */
import { expect, type Page, test } from '@playwright/test';
import { enterState, openImage } from './states.ts';

const CORNERS = [
  [200, 150],
  [300, 150],
  [300, 250],
] as const;

/** How many pixels the unfinished drawing over the image has. */
const drawn = (page: Page): Promise<number> =>
  page
    .getByRole('application')
    .locator('canvas')
    .nth(2)
    .evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? {
        data: [],
      };
      return data.filter((value, i) => i % 4 === 3 && value > 0).length;
    });

async function beginOutline(page: Page): Promise<number> {
  await enterState(page, { name: 'segment', address: '#/segment', enter: openImage });
  await page.keyboard.press('Escape');
  await page.getByText('Polygon', { exact: true }).click();
  for (const [x, y] of CORNERS) await page.getByRole('application').click({ position: { x, y } });
  await expect.poll(() => drawn(page)).toBeGreaterThan(0);
  return drawn(page);
}

const objects = (page: Page) => page.getByRole('region', { name: 'Objects' }).getByRole('listitem');

test('a polygon waits while another tool, image or page is taken, and over a reload', async ({ page }) => {
  const whole = await beginOutline(page);
  const image = page.getByRole('application');
  const name = (await image.getAttribute('aria-label')) ?? '';
  await page.keyboard.press('c');
  await expect.poll(() => drawn(page)).toBe(0);
  await page.keyboard.press('l');
  await expect.poll(() => drawn(page)).toBe(whole);
  await page.keyboard.press('PageDown');
  await expect(image).not.toHaveAttribute('aria-label', name);
  expect(await drawn(page)).toBe(0);
  await page.keyboard.press('PageUp');
  await expect(image).toHaveAttribute('aria-label', name);
  await expect.poll(() => drawn(page)).toBe(whole);
  await page.keyboard.press('Alt+2');
  await page.goBack();
  await expect.poll(() => drawn(page)).toBe(whole);
  await page.reload();
  await expect(image).toHaveAttribute('aria-label', name);
  await expect.poll(() => drawn(page)).toBe(whole);
  await image.focus();
  await page.keyboard.press('Enter');
  await expect(objects(page)).toHaveCount(1);
  await expect.poll(() => drawn(page)).toBe(0);
});

test('undo takes back the last corner, and nothing else while a polygon is drawn', async ({ page }) => {
  const whole = await beginOutline(page);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(() => drawn(page)).toBeLessThan(whole);
  await page.keyboard.press('Control+z');
  await page.keyboard.press('Control+z');
  await expect.poll(() => drawn(page)).toBe(0);
});

test('an image that is done has the polygon that was drawn on it', async ({ page }) => {
  await beginOutline(page);
  const image = page.getByRole('application');
  const name = (await image.getAttribute('aria-label')) ?? '';
  await page.keyboard.press('n');
  await expect(image).not.toHaveAttribute('aria-label', name);
  await page.getByRole('combobox', { name: 'Image' }).selectOption({ index: 1 });
  await expect(image).toHaveAttribute('aria-label', name);
  await expect(objects(page)).toHaveCount(1);
  expect(await drawn(page)).toBe(0);
});

test('a second finger zooms and leaves the polygon as it was', async ({ page }) => {
  const whole = await beginOutline(page);
  const surface = page.getByRole('application').locator('canvas[data-view]');
  const view = await surface.getAttribute('data-view');
  const { x = 0, y = 0 } = (await surface.boundingBox()) ?? {};
  const devtools = await page.context().newCDPSession(page);
  const touch = (
    type: 'touchStart' | 'touchMove' | 'touchEnd',
    points: readonly (readonly [number, number])[],
  ) =>
    devtools.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: points.map(([dx, dy], id) => ({ x: x + dx, y: y + dy, id })),
    });
  await touch('touchStart', [[400, 200]]);
  await touch('touchStart', [
    [400, 200],
    [450, 250],
  ]);
  await touch('touchMove', [
    [390, 190],
    [480, 280],
  ]);
  await touch('touchEnd', []);
  await expect(surface).not.toHaveAttribute('data-view', view ?? '');
  await page.keyboard.press('0');
  await expect.poll(() => drawn(page)).toBe(whole);
});
