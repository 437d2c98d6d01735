import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { heaviest } from './budget.mjs';

/** Text that gzip makes no smaller than `bytes`. */
const text = (bytes: number): string => randomBytes(bytes).toString('hex');

const chunk = (code: string, more: object = {}) => ({
  type: 'chunk',
  code,
  imports: [],
  dynamicImports: [],
  ...more,
});

test('the first load is the page, the entry and the largest part with all that they import, each once', () => {
  const bundle = {
    'index.html': { type: 'asset', source: '<!doctype html>' },
    'index.js': chunk(text(100), {
      isEntry: true,
      name: 'index',
      fileName: 'index.js',
      imports: ['shared.js'],
      dynamicImports: ['small.js', 'large.js'],
      viteMetadata: { importedCss: new Set(['index.css']) },
    }),
    'index.css': { type: 'asset', source: text(200) },
    'shared.js': chunk(text(1000), { imports: ['index.js'] }),
    'small.js': chunk(text(400), { imports: ['shared.js'] }),
    'large.js': chunk(text(300), { imports: ['shared.js', 'own.js'], dynamicImports: ['later.js'] }),
    'own.js': chunk(text(500)),
    'later.js': chunk(text(9000)),
    'service-worker.js': chunk(text(9000), { isEntry: true, name: 'service-worker' }),
  };
  const [name, bytes] = heaviest(bundle);
  expect(name).toBe('large.js');
  expect(bytes).toBeGreaterThan(100 + 200 + 1000 + 300 + 500);
  expect(bytes).toBeLessThan(9000);
});

test('a bundle without an entry is refused', () => {
  expect(() => heaviest({})).toThrow(/no entry/);
});
