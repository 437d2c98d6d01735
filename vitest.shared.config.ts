import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

for (const folder of ['../shared/data', '../shared/conformance'])
  if (!existsSync(new URL(folder, import.meta.url)))
    console.log(`${folder} is not there: its tests are skipped.`);

/** Tests of data beside the repository, which are not part of it: `npm run test:shared`. Without them they are skipped. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['src/**/*.shared.test.ts', 'src/engine/conformance/{conformance,browser}.test.ts'],
    exclude: ['node_modules/**'],
    env: { MOPEFT_TEST_SHARED: '1' },
  },
});
