/** A few of the moments of `npm run test:faults`: the page is killed, and everything accepted is there afterwards. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { FaultHarness, type Plan } from './faults/harness.ts';

const PLANS: readonly Plan[] = [
  { action: 'import', setting: 'two tabs', kill: 'page', share: 0.5 },
  { action: 'label', setting: 'alone', kill: 'page', share: 0.5 },
  { action: 'train', setting: 'alone', kill: 'page', share: 0.6 },
  { action: 'keep a mask', setting: 'full', kill: 'browser', share: 0 },
];

test('a killed page loses nothing that was accepted', async ({ baseURL }, info) => {
  const { launchOptions } = info.project.use;
  const harness = await FaultHarness.open({
    folder: await mkdtemp(join(tmpdir(), 'mopeft-faults-')),
    address: baseURL ?? '',
    launch: launchOptions ?? {},
  });
  try {
    for (const [index, plan] of PLANS.entries()) {
      const moment = await harness.run(`x${index}`, (possible) => {
        expect(possible).toContain(plan.action);
        return plan;
      });
      expect(moment, plan.action).toMatchObject({ faults: [] });
      if (plan.setting === 'full') expect(moment.answer).toBe('refused');
    }
  } finally {
    await harness.close();
  }
});
