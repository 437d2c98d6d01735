/** Several runs: a comparison is queued → a reload in its middle → it goes on by itself → all runs in one table. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { writeDomain } from './support/domains.ts';
import {
  expectAccessible,
  importByDrop,
  openPage,
  openStudio,
  setNumber,
  watchErrors,
} from './support/studio.ts';

const STEPS = 12;

test('a comparison is queued, goes on after a reload, and stands side by side', async ({ page }) => {
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-runs-'));
  await writeDomain(folder, 'discs', 6);
  page.setDefaultTimeout(60_000);
  const errors = watchErrors(page);
  await openStudio(page);
  const queue = page.getByRole('region', { name: 'Queue of runs' });
  const waiting = queue.getByRole('listitem');
  const run = page.getByRole('region', { name: 'Run', exact: true });

  await test.step('runs that differ in their seed are queued, reordered and removed', async () => {
    await importByDrop(page, [join(folder, 'discs')]);
    await openPage(page, 'Train');
    await page.getByText('Advanced').click();
    await page.getByRole('radio', { name: /^Decoder only/ }).check();
    await setNumber(page, /^Steps/, STEPS);
    await setNumber(page, /^Validate every/, STEPS);
    await setNumber(page, /^Checkpoint every/, 2);
    await setNumber(page, /^Images per step/, 1);
    await setNumber(page, /^Objects per image/, 1);
    await setNumber(page, /^Corrective clicks/, 0);
    await page.getByLabel('Name', { exact: true }).fill('discs');
    await page.getByRole('combobox', { name: 'Compare' }).selectOption({ label: 'Seed' });
    const values = page.getByRole('textbox', { name: 'Values, separated by commas' });
    await values.fill('1');
    await expect(page.getByRole('alert')).toContainText('at least two');
    await values.fill('1, 2, 3');
    await page.getByRole('button', { name: 'Start 3 runs' }).click();
    // The others wait for a run that is paused, so that all below has its time.
    await run.getByRole('button', { name: 'Pause' }).click();
    await expect(waiting).toHaveText([/discs, seed 2/, /discs, seed 3/]);
    await expect(queue).toContainText('discs, seed 1 is paused, and what waits in the queue waits for it');
    await queue.getByRole('button', { name: 'Start discs, seed 3 earlier' }).click();
    await expect(waiting).toHaveText([/discs, seed 3/, /discs, seed 2/]);
    await queue.getByRole('button', { name: 'Remove discs, seed 2 from the queue' }).click();
    await expect(waiting).toHaveText([/discs, seed 3/]);
    await expectAccessibleInBoth(page);
  });

  const runs = page.getByRole('navigation', { name: 'Runs' });
  const entry = (seed: number) => runs.getByRole('button').filter({ hasText: `discs, seed ${seed}` });
  await test.step('the queue survives a reload; it goes on by itself with the run that a second one cut off', async () => {
    await page.reload();
    await expect(waiting).toHaveText([/discs, seed 3/]);
    await entry(1).click();
    await run.getByRole('button', { name: 'Resume' }).click();
    await expect(entry(1)).toContainText('running');
    await page.reload();
    for (const seed of [1, 3]) await expect(entry(seed)).toContainText('finished', { timeout: 120_000 });
    await expect(queue).toBeHidden();
  });

  await test.step('both stand in a table with gain ± error, parameters and time, and a note of mine', async () => {
    await page.getByRole('button', { name: 'Compare runs' }).click();
    const table = page.getByRole('region', { name: 'Runs side by side' });
    const rows = table.getByRole('row');
    await expect(rows).toHaveCount(3);
    for (const name of ['discs, seed 1', 'discs, seed 3'])
      await expect(rows.filter({ hasText: name })).toContainText(/\d\.\d+ ± \d\.\d+.*[kM]/);
    await expect(page.getByRole('img', { name: /Validation IoU/ })).toBeVisible();
    await table.getByRole('button', { name: 'Newest' }).click();
    await expect(rows.nth(1)).toContainText('seed 3');
    await table.getByLabel('Note on discs, seed 3').fill('the better one');
    await table.getByRole('button', { name: 'Newest' }).focus();
    await expectAccessibleInBoth(page);
    await page.reload();
    await page.getByRole('button', { name: 'Compare runs' }).click();
    await expect(table.getByLabel('Note on discs, seed 3')).toHaveValue('the better one');
    await table.getByRole('button', { name: 'Copy the settings of discs, seed 3' }).click();
    await page.getByText('Advanced').click();
    await expect(page.getByRole('spinbutton', { name: /^Seed/ })).toHaveValue('3');
  });

  expect(errors).toEqual([]);
});

async function expectAccessibleInBoth(page: Page): Promise<void> {
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
  }
}
