/** The first minute to its end, as it ships: 20 steps on eight drawn images take minutes on a software adapter. */
import { expect, type Page, test } from '@playwright/test';
import { expectAccessible, openStudio, watchErrors, watchRequests } from '../support/studio.ts';

/** A run takes three minutes on two idle cores, and many times as long where others share them; ms. */
const [START, RUN] = [300_000, 1_200_000];

test('the first minute ends in a sentence with its figures, and leads to one’s own images', async ({
  page,
  baseURL,
}) => {
  test.setTimeout(2_700_000);
  const errors = watchErrors(page);
  const strays = watchRequests(page, baseURL ?? '');
  await openStudio(page, baseURL);
  const panel = page.getByRole('region', { name: 'Train it' });

  await test.step('it trains, and a reload in the middle loses nothing', async () => {
    await panel.getByRole('button', { name: 'Train it on 8 images now' }).click();
    await expect(panel.getByRole('progressbar', { name: /^Step \d/ })).toBeVisible({ timeout: START });
    await expectAccessible(page);
    await page.reload();
    await panel.getByRole('button', { name: 'Go on' }).click();
    await expect(panel).toContainText('IoU by click went from', { timeout: RUN });
    await expect(panel).toContainText(
      /On 4 images it had not seen.*\(\+0\.\d\d, 95 % between .* n = 32 objects\)/,
    );
    expect(await figure(page, 'Yours')).toBeGreaterThan(await figure(page, 'As it comes'));
    await expectAccessible(page);
  });

  await test.step('another is stopped before its first step, and discarded', async () => {
    await panel.getByRole('button', { name: 'discard both' }).click();
    await panel.getByRole('button', { name: 'Train it on 8 images now' }).click();
    await panel.getByRole('button', { name: 'Stop here' }).click({ timeout: START });
    await expect(panel.getByRole('button', { name: 'discard both' })).toBeVisible({ timeout: RUN });
    await expect(panel.getByRole('button', { name: 'Use your own images' })).toBeVisible();
  });

  await test.step('what it made is named, and whoever has datasets lands on Data', async () => {
    await expect(panel).toContainText('First minute: cells');
    await panel.getByRole('button', { name: 'Use your own images' }).click();
    await expect(page.getByRole('article', { name: 'First minute: cells' })).toBeVisible();
    await openStudio(page, baseURL);
    await expect(page.getByRole('main', { name: 'Data' })).toBeVisible();
  });

  expect(strays, 'requests that left the origin').toEqual([]);
  expect(errors).toEqual([]);
});

/** The mean IoU that a side of the large image shows, once all cells are answered. */
async function figure(page: Page, side: string): Promise<number> {
  const title = page.getByRole('img', { name: new RegExp(`^Drawn cells.* ${side}, IoU`) });
  await expect(title).toBeVisible({ timeout: START });
  return Number(/IoU ([\d.]+)/.exec((await title.getAttribute('aria-label')) ?? '')?.[1]);
}
