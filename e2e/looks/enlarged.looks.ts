/** Screens in letters of twice the size, as a person sets them in the browser, and in a window that is enlarged four times. */
import { expect, test } from '@playwright/test';
import { layoutFaults } from './layout.ts';
import config from './playwright.config.ts';
import { enterState, STATES } from './states.ts';

const launchOptions = config.use?.launchOptions;
test.use({
  launchOptions: {
    ...launchOptions,
    args: [...(launchOptions?.args ?? []), '--blink-settings=defaultFontSize=32'],
  },
});

// Of the thumbnails that this one waits for, only those in sight come.
for (const state of STATES.filter(({ name }) => name !== 'data'))
  test(`${state.name}, enlarged`, async ({ page }) => {
    await page.setViewportSize({ width: 1280, height: 720 });
    await enterState(page, state);
    await expect.poll(() => layoutFaults(page), 'letters of twice the size').toEqual([]);
    // As wide for its letters as 320 pixels are for usual ones.
    await page.setViewportSize({ width: 640, height: 1280 });
    await expect.poll(() => layoutFaults(page), 'a narrow window').toEqual([]);
  });
