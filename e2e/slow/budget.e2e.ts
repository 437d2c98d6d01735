/** A budget: train → modules leave → measure what is left and prune → export → import → the same mask. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { firstDisc, writeDomain } from '../support/domains.ts';
import {
  chooseImage,
  clickImage,
  downloadAdapter,
  expectIdle,
  importByDrop,
  openPage,
  openStudio,
  saveMask,
  setNumber,
  watchErrors,
} from '../support/studio.ts';

/**
 * So many steps and validation images that a gain is told and the run does not keep the base model; so few test images that leaving
 * modules out is not told to lose anything, where nothing would be pruned.
 */
const STEPS = 12;
const SPLITS = [...Array<string>(8).fill('train'), ...Array<string>(6).fill('val'), 'test', 'test'];
/** Three methods in the last three blocks. */
const MODULES = 9;
const LONG_MS = 600_000;

test('a quarter of the modules’ parameters is kept, pruned, and taken away', async ({ page }) => {
  test.setTimeout(2 * LONG_MS);
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-budget-'));
  await writeDomain(folder, 'discs', SPLITS.length, SPLITS);
  const errors = watchErrors(page);
  await openStudio(page);
  const run = page.getByRole('region', { name: 'Run', exact: true });

  const left = await test.step('modules leave while it trains', async () => {
    await importByDrop(page, [join(folder, 'discs')]);
    await openPage(page, 'Train');
    await page.getByText('Advanced settings').click();
    await page.getByRole('radio', { name: /^Budget/ }).check();
    await setNumber(page, /^Share to keep/, 0.25);
    await page.getByRole('combobox', { name: 'Blocks' }).selectOption({ label: 'The last half' });
    await setNumber(page, /^Steps/, STEPS);
    await setNumber(page, /^Validate every/, 4);
    await setNumber(page, /^Images per step/, 1);
    await setNumber(page, /^Learning rate of the methods/, 0.004);
    await setNumber(page, /^Learning rate of the mask decoder/, 0.001);
    await page.getByRole('button', { name: 'Start training' }).click();
    await expect(run).toContainText(`finished · step ${STEPS} of ${STEPS}`, { timeout: LONG_MS });
    await page.getByRole('tab', { name: 'Gates' }).click();
    const modules = page.getByRole('region', { name: 'Modules' });
    const [, kept, percent] =
      /(\d) of 9 modules are left, with (\d+) % of their parameters since step [4-9]/.exec(
        (await modules.textContent()) ?? '',
      ) ?? [];
    expect(Number(kept)).toBeGreaterThan(0);
    expect(Number(percent)).toBeLessThanOrEqual(25);
    await expect(modules.getByRole('cell', { name: 'left' })).toHaveCount(Number(kept));
    const gone = modules.getByRole('cell', { name: /^[4-9]$/ });
    await expect(gone, 'a number is the step after which one left').toHaveCount(MODULES - Number(kept));
    return Number(kept);
  });

  await test.step('what is left is measured, and pruned to what is needed', async () => {
    await page.getByRole('tab', { name: 'Worth' }).click();
    const measure = page.getByRole('button', { name: 'Measure the worth' });
    const prune = page.getByRole('button', { name: /^Prune to/ });
    await expect(measure.or(prune)).toBeVisible();
    if (await measure.isVisible()) await measure.click();
    await prune.click({ timeout: LONG_MS });
    await expect(page.getByText(/Pruned from .*: \d of \d modules/)).toContainText(`of ${left} module`, {
      timeout: LONG_MS,
    });
  });

  await test.step('the imported adapter of it gives the same mask, bit for bit', async () => {
    await page.getByRole('button', { name: 'Use in Segment' }).click();
    await chooseImage(page, 'discs_00.png');
    await clickImage(page, firstDisc(0));
    const exported = await answer(page);
    await openPage(page, 'Export');
    const files = await downloadAdapter(page);
    await page.getByLabel('Import an adapter …').setInputFiles(files);
    await expect(page.getByRole('list').filter({ hasText: 'was imported' })).toBeVisible();
    await openPage(page, 'Segment');
    const runs = page.getByLabel('Run', { exact: true });
    await runs.selectOption(await runs.locator('option', { hasText: 'imported' }).getAttribute('value'));
    expect(await answer(page)).toEqual(exported);
  });

  expect(errors).toEqual([]);
});

/** The mask of the prompts that are there, and what is said of each candidate. */
async function answer(page: Page): Promise<{ readonly mask: string; readonly words: readonly string[] }> {
  const candidates = page.getByRole('region', { name: 'Candidates' });
  await expect(candidates.getByRole('button')).toHaveCount(3);
  await expectIdle(page);
  return {
    mask: (await saveMask(page)).toString('base64'),
    words: await candidates.getByRole('listitem').allInnerTexts(),
  };
}
