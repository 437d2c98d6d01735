/** After one visit the studio and its model open without a network. */
import { expect, test } from '@playwright/test';
import { openStudio, watchErrors } from './support/studio.ts';

test('the studio opens without a network', async ({ context, page }) => {
  const errors = watchErrors(page);
  await openStudio(page);
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });
  await context.setOffline(true);
  await page.reload();
  await openStudio(page);
  await expect(page.getByText(/mopeft-sam-tiny · .* px/)).toBeVisible();
  expect(errors).toEqual([]);
});
