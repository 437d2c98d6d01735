/** After one visit the studio and its model open without a network, and the browser offers to install it. */
import { expect, test } from '@playwright/test';
import { clickImage, openPage, openStudio, watchErrors } from './support/studio.ts';

test('the studio opens and segments without a network', async ({ context, page }) => {
  const errors = watchErrors(page);
  await openStudio(page);
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });
  await context.setOffline(true);
  await page.reload();
  await openStudio(page);
  await expect(page.getByText(/mopeft-sam-tiny · .* px/)).toBeVisible();
  // Parts that a page loads on demand are kept too.
  for (const name of ['Train', 'Export', 'Models'] as const) await openPage(page, name);
  await openPage(page, 'Data');
  await page.getByRole('button', { name: 'Try the demo' }).click();
  await expect(page.getByRole('article')).toHaveCount(3);
  await openPage(page, 'Segment');
  await page.getByRole('combobox', { name: 'Image' }).selectOption({ index: 1 });
  await clickImage(page, { x: 40, y: 40 });
  await expect(page.getByRole('region', { name: 'Candidates' }).getByRole('button')).toHaveCount(3);
  expect(errors).toEqual([]);
});

test('Chromium finds nothing that keeps the studio from being installed', async ({ context, page }) => {
  await openStudio(page);
  const session = await context.newCDPSession(page);
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
  // A browser context of its own stands for a private window, where nothing is installed.
  expect(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito')).toEqual(
    [],
  );
  const { data, errors } = await session.send('Page.getAppManifest');
  expect(errors).toEqual([]);
  const manifest: { display: string; icons: { src: string; purpose?: string }[] } = JSON.parse(data ?? '{}');
  expect(manifest.display).toBe('standalone');
  expect(manifest.icons.some(({ purpose }) => purpose === 'maskable')).toBe(true);
  for (const { src } of manifest.icons) {
    const size = await page.evaluate(async (address) => {
      const image = new Image();
      image.src = address;
      await image.decode();
      return image.naturalWidth;
    }, src);
    expect(size, src).toBeGreaterThan(0);
  }
});
