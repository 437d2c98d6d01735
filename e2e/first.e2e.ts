/** The first minute: the wipe, and a click on both. Its training takes minutes on a software adapter: `slow/first.e2e.ts`. */
import { expect, type Page, test } from '@playwright/test';
import { expectAccessible, openStudio, watchErrors, watchRequests } from './support/studio.ts';

test('a first visit sees base and tuned masks side by side, and a click answered by both', async ({
  page,
  baseURL,
}) => {
  const errors = watchErrors(page);
  const strays = watchRequests(page, baseURL ?? '');
  await openStudio(page, baseURL);

  await test.step('it opens by itself on one image with masks of both', async () => {
    await expect(page.getByRole('main', { name: 'First minute' })).toBeVisible();
    const [base, tuned] = [await figure(page, 'As it comes'), await figure(page, 'Tuned')];
    expect(tuned, 'the tuned masks fit the cells better').toBeGreaterThan(base + 0.15);
    expect(
      await page.getByRole('region', { name: 'The first minute' }).textContent(),
      'no word that means nothing yet',
    ).not.toMatch(/PEFT|LoRA|gate|adapter/i);
  });

  await test.step('how long training takes is told by what the page has seen of the device, not by a guess', async () => {
    const offer = page.getByRole('region', { name: 'Train it' });
    await expect(offer).toContainText(/About \d+\s(s|min|h)/);
    await expect(offer, 'the guess for a device that is not known').not.toContainText(/1\sh\s30/);
  });

  await test.step('the divider moves by key and by pointer', async () => {
    const divider = page.getByRole('slider', { name: /^Divider/ });
    await divider.focus();
    await page.keyboard.press('End');
    await expect(divider).toHaveValue('100');
    await page.keyboard.press('Home');
    const { x = 0, y = 0, width = 0, height = 0 } = (await divider.boundingBox()) ?? {};
    await page.mouse.move(x + 8, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width / 2, y + height / 2, { steps: 5 });
    await page.mouse.up();
    expect(Number(await divider.inputValue())).toBeGreaterThan(40);
    expect(Number(await divider.inputValue())).toBeLessThan(60);
  });

  await test.step('a click is answered by both', async () => {
    const closeUp = page.getByRole('region', { name: 'One click, both answers' });
    const {
      x = 0,
      y = 0,
      width = 0,
      height = 0,
    } = (await page.getByRole('slider', { name: /^Divider/ }).boundingBox()) ?? {};
    await page.mouse.click(x + 0.3 * width, y + 0.3 * height);
    await expect(closeUp.getByText(/IoU|bare ground/)).toHaveCount(2);
    await closeUp.getByRole('button', { name: 'Click the next cell' }).click();
    await expect(closeUp.getByText(/IoU/)).toHaveCount(2);
  });

  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
  }
  await expect(page.getByText(/^0 requests left this page; [1-9]\d* went to its own site/)).toBeVisible();

  expect(strays, 'requests that left the origin').toEqual([]);
  expect(errors).toEqual([]);
});

test('one key skips it, and it does not come back by itself', async ({ page, baseURL }) => {
  await openStudio(page, baseURL);
  await expect(page.getByRole('button', { name: 'Skip this (Esc)' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('main', { name: 'Data' })).toBeVisible();
  await openStudio(page, baseURL);
  await expect(page.getByRole('main', { name: 'Data' })).toBeVisible();
  await page.getByRole('link', { name: 'The first minute' }).click();
  await expect(page.getByRole('main', { name: 'First minute' })).toBeVisible();
});

/** The mean IoU that a side of the large image shows, once all cells are answered. */
async function figure(page: Page, side: string): Promise<number> {
  const title = page.getByRole('img', { name: new RegExp(`^Drawn cells.* ${side}, IoU`) });
  await expect(title).toBeVisible({ timeout: 120_000 });
  return Number(/IoU ([\d.]+)/.exec((await title.getAttribute('aria-label')) ?? '')?.[1]);
}
