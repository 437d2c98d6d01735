/** What leaves, what stays and what a key closes, with invented answers in place of the engine. */
import { expect, test } from '@playwright/test';
import { enterState } from './states.ts';

test('a notice of success leaves by itself unless the pointer rests on it; others stay', async ({ page }) => {
  await page.clock.install();
  await enterState(page, { name: 'data' });
  const notices = page.getByRole('region', { name: /^Notifications/ }).getByRole('listitem');
  await page.getByRole('button', { name: 'Delete cells' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await notices.filter({ hasText: 'cells was deleted' }).hover();
  await page.clock.fastForward(60_000);
  await expect(notices).toHaveCount(1);
  await page.evaluate(() => {
    Reflect.get(window, 'engine').emit({ type: 'log', level: 'warning', text: 'The clock is slow.' });
  });
  await expect(notices).toHaveCount(2);
  await page.mouse.move(0, 0);
  await page.clock.fastForward(10_000);
  await expect(notices).toHaveText([/The clock is slow/]);
});

test('one Escape closes a dialog that a hint lies on', async ({ page }) => {
  await page.clock.install();
  await enterState(page, { name: 'data' });
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  // The pointer's last move on its way is heard after the dialog has come; the hint then lies on the dialog.
  await page
    .getByRole('button', { name: 'Keyboard shortcuts', includeHidden: true })
    .dispatchEvent('pointermove', { pointerType: 'mouse' });
  await page.clock.fastForward(1000);
  await expect(page.getByRole('tooltip')).toBeAttached();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
});

test('the storage shown is what the studio keeps, whatever the browser counts', async ({ page }) => {
  await enterState(page, { name: 'data' });
  const facts = page.getByRole('button', { name: /Model, GPU and storage/ });
  await expect(facts).toContainText('99.2 MiB · kept');
  await page.getByRole('button', { name: 'Delete cells' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(facts).toContainText('95.9 MiB · kept');
});
