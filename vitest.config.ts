import { defineConfig } from 'vitest/config';
import { adapterEnvironment } from './scripts/toolchain/adapter.mjs';
import { findChromium } from './scripts/toolchain/chromium.mjs';

// Before workers are made, which take the environment over: without an adapter nothing runs, and it is said how to get one.
Object.assign(process.env, await adapterEnvironment(findChromium()));

export default defineConfig({
  test: {
    include: ['{src,scripts}/**/*.test.{ts,tsx}'],
    exclude: ['**/*.{slow,shared}.test.ts', 'node_modules/**'],
    // A software adapter compiles some kernels for seconds; on a busy machine that is minutes.
    testTimeout: 300_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
