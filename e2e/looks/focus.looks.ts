/** The focus of the keyboard, which is never lost, with invented answers in place of the engine. */
import { expect, test } from '@playwright/test';
import { enterState, openImage } from './states.ts';

test('a dialog gives the focus back, and what it deleted leaves it on the page', async ({ page }) => {
  await enterState(page, { name: 'data' });
  for (const name of ['Delete cells', 'Keyboard shortcuts', 'Go to or do']) {
    const opener = page.getByRole('button', { name, exact: true });
    await opener.press('Enter');
    await expect(page.getByRole('dialog')).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(opener).toBeFocused();
  }
  await page.getByRole('button', { name: 'Delete cells' }).press('Enter');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).press('Enter');
  await expect(page.getByRole('article', { name: 'cells' })).toBeHidden();
  await expect(page.getByRole('main')).toBeFocused();
});

test('a new name, and one that is given up, leave the focus where they were asked for', async ({ page }) => {
  await enterState(page, { name: 'data' });
  await page.getByRole('button', { name: 'Rename cells' }).press('Enter');
  await page.keyboard.type('Mine');
  await page.keyboard.press('Enter');
  const rename = page.getByRole('button', { name: 'Rename Mine' });
  await expect(rename).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await expect(rename).toBeFocused();
});

test('another page takes the focus, and in the editor its image does', async ({ page }) => {
  await enterState(page, { name: 'data' });
  await page.getByRole('button', { name: 'View' }).first().focus();
  await page.keyboard.press('Alt+2');
  await expect(page.getByRole('main', { name: 'Train' })).toBeFocused();
  await page.keyboard.press('Alt+1');
  await page
    .getByRole('button', { name: /^(Label these images|Correct the labels)/ })
    .first()
    .press('Enter');
  await expect(page.getByRole('application')).toBeFocused();
});

test('the crosshair is seen while keys move it, on each image, and not while the pointer does the work', async ({
  page,
}) => {
  await enterState(page, { name: 'segment', address: '#/segment', enter: openImage });
  const image = page.getByRole('application');
  const cursor = image.locator('canvas').last();
  const isDrawn = () =>
    cursor.evaluate((canvas: HTMLCanvasElement) =>
      canvas
        .getContext('2d')
        ?.getImageData(0, 0, canvas.width, canvas.height)
        .data.some((value) => value > 0),
    );
  await image.click({ position: { x: 200, y: 200 } });
  expect(await isDrawn()).toBe(false);
  await page.keyboard.press('ArrowLeft');
  await expect.poll(isDrawn).toBe(true);
  await image.hover({ position: { x: 210, y: 200 } });
  await expect.poll(isDrawn).toBe(false);
  await page.keyboard.press('Space');
  await expect.poll(isDrawn).toBe(true);
  await page.getByRole('radio', { name: 'Click' }).focus();
  await page.keyboard.press('Tab');
  await image.focus();
  const name = await image.getAttribute('aria-label');
  await page.keyboard.press('PageDown');
  await expect(image).not.toHaveAttribute('aria-label', name ?? '');
  await expect(image).toBeFocused();
  await expect.poll(isDrawn).toBe(true);
});

test('what is deleted or disabled leaves the focus in its part of the page', async ({ page }) => {
  await enterState(page, { name: 'segment', address: '#/segment', enter: openImage });
  const objects = page.getByRole('region', { name: 'Objects' });
  const rows = objects.getByRole('listitem');
  const count = 3;
  await page.getByRole('application').focus();
  for (let i = 1; i <= count; i++) {
    await page.keyboard.press('Space');
    await expect(page.getByRole('region', { name: 'Candidates' }).getByRole('button')).not.toHaveCount(0);
    await page.keyboard.press('Enter');
    await expect(rows).toHaveCount(i);
  }
  // The button can no longer be pressed, since nothing is chosen any more.
  await rows.first().getByRole('button').first().press('Enter');
  await objects.getByRole('button', { name: 'Delete', exact: true }).press('Enter');
  await expect(rows).toHaveCount(count - 1);
  await expect(objects.locator(':focus')).toBeVisible();
  // The row is gone.
  await rows.last().getByRole('button').first().press('Enter');
  await page.keyboard.press('Delete');
  await expect(rows).toHaveCount(count - 2);
  await expect(objects.locator(':focus')).toBeVisible();
});

test('Tab stops at nothing within a chart', async ({ page }) => {
  await enterState(page, { name: 'train', address: '#/train' });
  await expect(page.locator('path.recharts-curve').first()).toBeVisible();
  await page.getByRole('tab', { name: 'Progress' }).focus();
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.closest('svg')?.outerHTML ?? '')).toBe('');
  }
});

test('the notices give the focus back with the last of them, in a dialog too, which one Escape closes', async ({
  page,
}) => {
  await enterState(page, { name: 'data' });
  const warn = () =>
    page.evaluate(() => {
      Reflect.get(window, 'engine').emit({ type: 'log', level: 'warning', text: 'The clock is slow.' });
    });
  const notices = page.getByRole('region', { name: /^Notifications/ }).getByRole('listitem');
  const opener = page.getByRole('button', { name: 'Keyboard shortcuts' });
  await opener.focus();
  await page.keyboard.press('F8');
  await expect(opener, 'there is no notice').toBeFocused();
  await warn();
  await page.keyboard.press('F8');
  await page.keyboard.press('Tab');
  await expect(notices).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(notices).toHaveCount(0);
  await expect(opener).toBeFocused();

  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  const close = dialog.getByRole('button', { name: 'Close' });
  await expect(close).toBeFocused();
  await warn();
  await page.keyboard.press('Tab');
  await expect(notices).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(close).toBeFocused();
  await warn();
  await expect(notices).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(notices).toHaveCount(1);
  await expect(opener).toBeFocused();
});
