import { defineConfig } from 'vitest/config';

/** Proofs that take minutes to hours on a software adapter: `npm run test:slow`. */
export default defineConfig({
  test: {
    include: ['src/**/*.slow.test.ts'],
    testTimeout: 3_600_000,
    hookTimeout: 600_000,
    pool: 'forks',
    maxWorkers: 1,
  },
});
