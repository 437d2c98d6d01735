import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

/** MOPEFT_CHROMIUM, else Debian's, else Playwright's own. */
const chromium = [process.env.MOPEFT_CHROMIUM, '/usr/bin/chromium'].find((path) => path && existsSync(path));

/** A real GPU where MOPEFT_GPU is set, else the software adapter, so that the journeys are the same everywhere. */
const adapter = process.env.MOPEFT_GPU ? [] : ['--use-webgpu-adapter=swiftshader'];

const PORT = Number(process.env.MOPEFT_E2E_PORT ?? 4391);

/** The journeys of a person through the built studio, in a real Chromium with real WebGPU. Build first (`npm test` does). */
export default defineConfig({
  testDir: 'e2e',
  // Journeys with models of full size take an hour and more on a software adapter (`npm run test:slow`).
  projects: [
    { name: 'journeys', testMatch: '**/*.e2e.ts', testIgnore: '**/slow/**' },
    { name: 'slow', testMatch: '**/slow/*.e2e.ts' },
  ],
  outputDir: 'test-results',
  // Steps on a software adapter are slow, and several journeys at once would share its cores.
  workers: 1,
  fullyParallel: false,
  timeout: 240_000,
  expect: { timeout: 60_000 },
  reporter: [['list']],
  use: {
    // Else an action on what is never there waits as long as the whole test may take.
    actionTimeout: 120_000,
    baseURL: `http://127.0.0.1:${PORT}/studio/`,
    viewport: { width: 1280, height: 720 },
    // Playwright's traces copy the page at every action, on its main thread, which the journey measures.
    trace: 'off',
    screenshot: 'only-on-failure',
    launchOptions: {
      args: ['--no-sandbox', '--enable-unsafe-webgpu', ...adapter],
      ...(chromium ? { executablePath: chromium } : {}),
    },
  },
  webServer: {
    // Below a path of its own and without COOP or COEP: the build must work there too.
    command: `node scripts/site/serve-dist.mjs --port ${PORT} --base /studio/`,
    url: `http://127.0.0.1:${PORT}/studio/`,
    reuseExistingServer: false,
  },
});
