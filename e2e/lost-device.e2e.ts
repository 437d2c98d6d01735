/** The GPU device is lost during training: nothing is lost, and the run can be resumed. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, expect, test } from '@playwright/test';
import { writeDomain } from './support/domains.ts';
import { importByDrop, openPage, openStudio, setNumber } from './support/studio.ts';

const STEPS = 4;

test('a lost device keeps the data and the last checkpoint', async ({ browser, page }) => {
  test.setTimeout(600_000);
  const folder = await mkdtemp(join(tmpdir(), 'mopeft-lost-'));
  await writeDomain(folder, 'discs', 8);
  await openStudio(page);
  await importByDrop(page, [join(folder, 'discs')]);
  await expect(page.getByRole('article', { name: 'discs' })).toContainText('8 (8 with a mask)');

  await openPage(page, 'Train');
  await page.getByRole('checkbox', { name: /discs/ }).check();
  await page.getByText('Advanced').click();
  await setNumber(page, /^Steps/, STEPS);
  await setNumber(page, /^Checkpoint every/, 1);
  await setNumber(page, /^Images per step/, 1);
  await setNumber(page, /^Objects per image/, 1);
  await setNumber(page, /^Corrective clicks/, 0);
  // The model is opened again for both: in half precision for the run, in full after the loss.
  await page.getByRole('combobox', { name: 'Frozen weights' }).selectOption({ label: 'Half precision' });
  await page.getByRole('combobox', { name: 'Blocks' }).selectOption({ label: 'The last half' });
  await page.getByRole('button', { name: 'Start training' }).click();
  const run = page.getByRole('region', { name: 'Run', exact: true });
  await expect(run).toContainText(`step 2 of ${STEPS}`, { timeout: 300_000 });

  await killGpuProcess(browser);
  const goOn = page.getByRole('button', { name: 'Reconnect the GPU' });
  await expect(goOn).toBeVisible();
  await expect(run).toContainText('interrupted');
  await openPage(page, 'Data');
  await expect(page.getByRole('article', { name: 'discs' }).getByRole('img').first()).toBeVisible();

  await goOn.click();
  await expect(goOn).toBeHidden();
  await openPage(page, 'Train');
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(run).toContainText(`finished · step ${STEPS} of ${STEPS}`, { timeout: 300_000 });
});

/** Has the effect of a driver reset: every device is lost, and the browser starts another GPU process. */
async function killGpuProcess(browser: Browser): Promise<void> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const gpu = processInfo.find((process) => process.type === 'GPU');
  if (!gpu) throw new Error('Chromium has no GPU process');
  process.kill(gpu.id, 'SIGKILL');
  await session.detach();
}
