/** The pages themselves: without WebGPU, by keyboard, in both themes, and after a reload. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, expect, test } from '@playwright/test';
import { writeDomain } from './support/domains.ts';
import { chooseImage, expectAccessible, importByDrop, openPage, openStudio } from './support/studio.ts';

test('without WebGPU a plain page says what to do, and data stays viewable', async ({ baseURL }, info) => {
  const { launchOptions } = info.project.use;
  const browser = await chromium.launch({
    ...launchOptions,
    args: ['--no-sandbox', '--disable-features=WebGPU', '--disable-gpu'],
  });
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
    const page = await context.newPage();
    await openStudio(page, `${baseURL}#/data`);
    await openPage(page, 'Train');
    await expect(page.getByRole('heading', { name: 'This page needs WebGPU' })).toBeVisible();
    await expect(page.getByText(/Firefox/).first()).toBeVisible();
    await expectAccessible(page);
    const folder = await mkdtemp(join(tmpdir(), 'mopeft-view-'));
    await writeDomain(folder, 'discs', 5);
    await openPage(page, 'Data');
    await importByDrop(page, [join(folder, 'discs')]);
    await page.getByRole('article', { name: 'discs' }).getByRole('button', { name: 'View' }).click();
    await expect(page.getByRole('dialog').getByRole('img', { name: /with its mask/ })).toBeVisible();
  } finally {
    await browser.close();
  }
});

test('a software adapter is said to be slow, and the answer on storage is shown', async ({ page }) => {
  await openStudio(page);
  await expect(page.getByRole('note')).toContainText('software adapter');
  const facts = page.getByRole('button', { name: /Model, GPU and storage/ });
  await expect(facts).toContainText('mopeft-sam-tiny');
  await expect(facts).toContainText(/kept|may be cleared/);
  await facts.click();
  await expect(page.getByRole('dialog')).toContainText('Largest buffer');
  await expectAccessible(page);
});

test('datasets survive a reload, are renamed and deleted', async ({ page }) => {
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-keep-'));
  await writeDomain(folder, 'bars', 5);
  await openStudio(page);
  await importByDrop(page, [join(folder, 'bars')]);
  await page.getByRole('button', { name: 'Rename bars' }).click();
  await page.getByRole('textbox', { name: 'New name' }).fill('Fences');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('article', { name: 'Fences' })).toBeVisible();
  await page.reload();
  await expect(page.getByRole('article', { name: 'Fences' })).toContainText('5 (5 with a mask)');
  await page.getByRole('button', { name: 'Delete Fences' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByRole('article')).toHaveCount(0);
  await page.reload();
  await expect(page.getByRole('heading', { name: 'No data yet' })).toBeVisible();
});

test('the demo, then a mask by keyboard alone', async ({ page }) => {
  await openStudio(page);
  await page.getByRole('button', { name: 'Try the demo' }).press('Enter');
  await expect(page.getByRole('article')).toHaveCount(3);
  await page.keyboard.press('Alt+3');
  await page
    .getByRole('main', { name: 'Segment' })
    .getByRole('button', { name: /^Open / })
    .first()
    .press('Enter');
  await expect(page.getByRole('application')).toBeVisible();
  await page.getByRole('application').focus();
  await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Space');
  const candidates = page.getByRole('region', { name: 'Candidates' }).getByRole('button');
  await expect(candidates).toHaveCount(3);
  await page.keyboard.press('2');
  await expect(candidates.nth(1)).toHaveAttribute('aria-pressed', 'true');
  await page.keyboard.press('Control+z');
  await expect(candidates).toHaveCount(0);
  await page.keyboard.press('Control+y');
  await expect(candidates).toHaveCount(3);
  await page.keyboard.press('b');
  await page.keyboard.press('Space');
  for (let count = 0; count < 3; count++) await page.keyboard.press('Shift+ArrowDown');
  for (let count = 0; count < 3; count++) await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Space');
  await expect(page.getByTestId('announcement')).toContainText('Mask found');
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
});

test('the palette goes to a page, an image and the list of keys by their names', async ({ page }) => {
  await openStudio(page);
  await page.getByRole('button', { name: 'Try the demo' }).click();
  await expect(page.getByRole('article')).toHaveCount(3);
  const find = async (query: string) => {
    await page.keyboard.press('Control+k');
    await expect(page.getByRole('dialog', { name: 'Go to or do' })).toBeVisible();
    await page.keyboard.type(query);
  };
  await find('trai');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('main', { name: 'Train' })).toBeVisible();
  await find('leaves 3');
  const image = page.getByRole('group', { name: 'Images' }).getByRole('option').first();
  const name = await image.locator('span').first().textContent();
  await image.click();
  await expect(page.getByRole('main', { name: 'Segment' })).toBeVisible();
  await expect(page.getByRole('combobox', { name: 'Image' }).locator('option:checked')).toContainText(
    name ?? '?',
  );
  await find('no such thing');
  await expect(page.getByText('Nothing has this name.')).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await find('keyboard');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toContainText('reject the object');
});

test('no page scrolls sideways on a phone', async ({ page }) => {
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-phone-'));
  await writeDomain(folder, 'discs', 5);
  // The narrowest that WCAG asks for (1.4.10, reflow).
  const phone = { width: 320, height: 640 };
  await openStudio(page);
  const expectNarrow = async (what: string) => {
    // The page itself, and what scrolls within it.
    const wide = await page.evaluate(() =>
      ['html', 'main'].flatMap((name) => {
        const { scrollWidth = 0, clientWidth = 0 } = document.querySelector(name) ?? {};
        return scrollWidth > clientWidth ? [`${name}: ${scrollWidth} in ${clientWidth}`] : [];
      }),
    );
    expect(wide, what).toEqual([]);
  };
  for (const isFull of [false, true]) {
    if (isFull) {
      await page.setViewportSize({ width: 1280, height: 720 });
      await openPage(page, 'Data');
      await importByDrop(page, [join(folder, 'discs')]);
      await expect(page.getByRole('article', { name: 'discs' })).toBeVisible();
      await openPage(page, 'Segment');
      await chooseImage(page, 'discs_00.png');
    }
    await page.setViewportSize(phone);
    for (const studioPage of ['Data', 'Train', 'Segment', 'Export', 'Models'] as const) {
      await openPage(page, studioPage);
      await expectNarrow(`${studioPage}, ${isFull ? 'with a dataset' : 'empty'}`);
      await page.screenshot({ path: test.info().outputPath(`${studioPage}-${isFull}.png`), fullPage: true });
    }
  }
});

for (const colorScheme of ['dark', 'light'] as const) {
  test(`axe finds nothing on empty pages, ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await openStudio(page);
    for (const studioPage of ['Data', 'Train', 'Segment', 'Export'] as const) {
      await openPage(page, studioPage);
      await expectAccessible(page);
    }
  });
}
