import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

/** Packages that a script imports before it runs a line of its own, with those of the files that it imports. */
async function packagesOf(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8');
  const names = [...text.matchAll(/^import [^;]*?'([^']+)';$/gm)].map((match) => match[1] ?? '');
  const found = names.map(async (name) => {
    if (name.startsWith('.')) return packagesOf(join(dirname(path), name));
    return name.startsWith('node:') ? [] : [name];
  });
  return (await Promise.all(found)).flat();
}

it.each(['start.mjs', 'test.mjs', 'test-python.mjs', 'cli.mjs'])(
  '%s imports no package, so that it can install them in a fresh clone',
  async (script) => {
    expect(await packagesOf(join(import.meta.dirname, script))).toEqual([]);
  },
);
