import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** Proofs that take minutes to hours on a software adapter: `npm run test:slow`. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['src/**/*.slow.test.ts'],
    exclude: ['node_modules/**'],
    testTimeout: 7_200_000,
    hookTimeout: 600_000,
    maxWorkers: 1,
  },
});
