/** docs/one-step.md stays true: each step names a file and a function in it, and each walk names few files. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);

/** Most files that each walk may name. */
const MOST_FILES = [20, 14, 14];

it('names few files in each walk, and functions that are in them', async () => {
  const page = await readFile(new URL('docs/one-step.md', root), 'utf8');
  const walks = page.split(/^## /m).slice(1);
  expect(walks).toHaveLength(MOST_FILES.length);
  for (const [i, walk] of walks.entries()) {
    const steps = walk.split(/^\d+\. /m).slice(1);
    expect(steps.length).toBeGreaterThan(5);
    for (const step of steps) {
      const [, file = '', name = ''] = /^`(src\/[^`]+)` `([^`]+)`/.exec(step) ?? [];
      expect(name, step).not.toBe('');
      expect(await readFile(new URL(file, root), 'utf8'), step).toContain(name);
    }
    expect(new Set(walk.match(/src\/[\w./-]+/g)).size).toBeLessThanOrEqual(MOST_FILES[i] ?? 0);
  }
});
