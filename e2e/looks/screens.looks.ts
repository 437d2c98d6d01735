/**
 * Every screen in its states, with invented answers in place of the engine: as its image was kept, in both themes; and at every
 * size accessible in both themes, with nothing that is cut off, lies on something else or scrolls sideways.
 */
import { expect, type Page, test } from '@playwright/test';
import { expectAccessible, watchErrors } from '../support/studio.ts';
import { layoutFaults } from './layout.ts';
import { enterState, STATES } from './states.ts';

/** The first is the one at which images are kept. */
const SIZES = [
  { width: 1280, height: 720 },
  { width: 1440, height: 900 },
  { width: 2560, height: 1440 },
  // A tablet, upright.
  { width: 820, height: 1180 },
] as const;

/** A larger tablet, upright: between the layouts in one column and in several. Nothing is hidden or shown for it alone. */
const BETWEEN = { width: 1024, height: 1366 };

/**
 * The rules of axe that look at colours. A theme changes nothing else: names, roles and places are those of the light one. A
 * size may show and hide anything, so at each all rules are checked.
 */
const COLOUR_RULES = ['color-contrast', 'link-in-text-block'];

/** Compares what is shown with its kept image. */
async function expectLooks(page: Page, name: string): Promise<void> {
  // The pointer rests where it shows no hint.
  await page.mouse.move(0, 719);
  await expect(page).toHaveScreenshot(`${name}.png`, {
    // How many files the page is made of changes with the build.
    mask: [page.getByText(/went to its own site/)],
  });
}

for (const state of STATES) {
  test(`${state.name}`, async ({ page }) => {
    const errors = watchErrors(page);
    await page.setViewportSize(SIZES[0]);
    await page.emulateMedia({ colorScheme: 'light' });
    await enterState(page, state);
    // A person who wants no motion is in the configuration.
    expect(await page.evaluate(() => document.getAnimations().length), 'what moves').toBe(0);
    for (const [i, size] of SIZES.entries()) {
      const isKept = state.isKept && i === 0;
      await page.setViewportSize(size);
      if (isKept) await expectLooks(page, `${state.name}-light`);
      // Charts follow the window some frames later.
      await expect.poll(() => layoutFaults(page), `at ${size.width}`).toEqual([]);
      await expectAccessible(page);
      await page.emulateMedia({ colorScheme: 'dark' });
      if (isKept) await expectLooks(page, `${state.name}-dark`);
      await expectAccessible(page, COLOUR_RULES);
      await page.emulateMedia({ colorScheme: 'light' });
    }
    await page.setViewportSize(BETWEEN);
    await expect.poll(() => layoutFaults(page), `at ${BETWEEN.width}`).toEqual([]);
    expect(errors).toEqual([]);
  });
}
