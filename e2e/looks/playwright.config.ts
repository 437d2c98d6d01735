import { defineConfig } from '@playwright/test';
import journeys from '../../playwright.config.ts';

const PORT = Number(process.env.MOPEFT_E2E_PORT ?? 4391) + 1000;

const VITE = 'node node_modules/vite/bin/vite.js';
const CONFIG = '--config e2e/looks/vite.config.ts';

/**
 * The looks of the screens, with invented answers in place of the engine: `npm run looks`. After a screen was changed,
 * `npm run looks -- --update-snapshots` renews the images that it is compared with.
 */
export default defineConfig({
  ...journeys,
  testDir: '.',
  projects: [{ name: 'looks', testMatch: '*.looks.ts' }],
  outputDir: '../../test-results/looks',
  globalTeardown: './smaller-images.mjs',
  snapshotPathTemplate: 'images/{arg}{ext}',
  timeout: 120_000,
  expect: {
    timeout: 20_000,
    // Curves and letters differ by a shade from one browser to the next; a control that moved differs by far more pixels.
    toHaveScreenshot: { threshold: 0.2, maxDiffPixelRatio: 0.001, animations: 'disabled' },
  },
  use: {
    ...journeys.use,
    baseURL: `http://127.0.0.1:${PORT}/`,
    locale: 'en-GB',
    timezoneId: 'UTC',
    contextOptions: { reducedMotion: 'reduce' },
    launchOptions: {
      ...journeys.use?.launchOptions,
      // Letters in whole shades and at their own widths, whatever the desktop is set to.
      args: [
        '--no-sandbox',
        '--font-render-hinting=none',
        '--disable-lcd-text',
        '--force-color-profile=srgb',
      ],
    },
  },
  webServer: {
    command: `${VITE} build ${CONFIG} --logLevel warn && ${VITE} preview ${CONFIG} --port ${PORT} --strictPort --host 127.0.0.1`,
    cwd: '../..',
    url: `http://127.0.0.1:${PORT}/preview.html`,
    reuseExistingServer: false,
  },
});
