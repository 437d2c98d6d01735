/**
 * Every screen in its states, with invented answers in place of the engine: as its image was kept, in both themes; accessible;
 * and at every size nothing that is cut off, lies on something else or scrolls sideways.
 */
import { expect, type Page, test } from '@playwright/test';
import { expectAccessible, watchErrors } from '../support/studio.ts';
import { layoutFaults } from './layout.ts';
import { enterState, STATES } from './states.ts';

const SIZE = { width: 1280, height: 720 };
const OTHER_SIZES = [
  { width: 1440, height: 900 },
  { width: 2560, height: 1440 },
  // A tablet, upright.
  { width: 820, height: 1180 },
];

/** Compares what is shown with its kept image. */
async function expectLooks(page: Page, name: string): Promise<void> {
  // The pointer rests where it shows no hint.
  await page.mouse.move(0, SIZE.height - 1);
  await expect(page).toHaveScreenshot(`${name}.png`, {
    // How many files the page is made of changes with the build.
    mask: [page.getByText(/went to its own site/)],
  });
}

for (const state of STATES) {
  test(`${state.name}`, async ({ page }) => {
    const errors = watchErrors(page);
    await page.setViewportSize(SIZE);
    await page.emulateMedia({ colorScheme: 'light' });
    await enterState(page, state);
    // A person who wants no motion is in the configuration.
    expect(await page.evaluate(() => document.getAnimations().length), 'what moves').toBe(0);
    if (state.isKept) await expectLooks(page, `${state.name}-light`);
    await expectAccessible(page);
    await expect.poll(() => layoutFaults(page), `at ${SIZE.width}`).toEqual([]);

    await page.emulateMedia({ colorScheme: 'dark' });
    if (state.isKept) await expectLooks(page, `${state.name}-dark`);
    await expectAccessible(page, ['color-contrast']);

    for (const size of OTHER_SIZES) {
      await page.setViewportSize(size);
      // Charts follow the window some frames later.
      await expect.poll(() => layoutFaults(page), `at ${size.width}`).toEqual([]);
      await expectAccessible(page, ['scrollable-region-focusable']);
    }
    expect(errors).toEqual([]);
  });
}
