/** Codes of failures that the documentation names are those of the program, in the form `area/what`. */
import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);

async function texts(folder: string, pattern: RegExp): Promise<string[]> {
  const names = await readdir(new URL(folder, root), { recursive: true });
  return Promise.all(
    names
      .filter((name) => pattern.test(name))
      .map((name) => readFile(new URL(`${folder}/${name}`, root), 'utf8')),
  );
}

test('every code that the documentation names can come up', async () => {
  const source = (await texts('src', /(?<!\.test)\.tsx?$/)).join('\n');
  const pages = (await texts('docs', /^(guide\/.*|troubleshooting)\.md$/)).join('\n');
  // In brackets behind what a person sees: (`data/not-an-image`) or (`a/b`, `a/c`); one that ends in … stands for several.
  const named = [...pages.matchAll(/\(((?:`[a-z0-9]+\/[a-z0-9-]+…?`(?:, )?)+)\)/g)].flatMap(
    ([, codes = '']) => [...codes.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code),
  );
  const areas = new Set([...source.matchAll(/'([a-z0-9]+)\/[a-z0-9-]+'/g)].map(([, area]) => area));
  // Folders have such names too.
  const codes = named.filter((code) => areas.has(code.split('/')[0]));
  expect(codes.length).toBeGreaterThan(40);
  const missing = codes.filter((code) =>
    code.endsWith('…') ? !source.includes(`'${code.slice(0, -1)}`) : !source.includes(`'${code}'`),
  );
  expect(missing).toEqual([]);
});
