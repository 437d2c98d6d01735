import { expect, it } from 'vitest';
import { asksForProject, needsAdapter } from './needs-adapter.mjs';

it.each([
  [true, 'train --model m --data d'],
  [true, 'export --model m --run r --as peft --out project'],
  [false, 'export --run r --as project --data d --out o.zip'],
  [false, 'export --run r --as=project --data d --out o.zip'],
  [false, 'inspect cells'],
  [false, 'train --help'],
  [false, ''],
])('%s: mopeft %s', (needs, words) => {
  expect(needsAdapter(words === '' ? [] : words.split(' '))).toBe(needs);
});

it('knows the form that --as names, and no other', () => {
  expect(asksForProject(['--as', 'project'])).toBe(true);
  expect(asksForProject(['--run', 'r', '--as=project', '--out', 'o'])).toBe(true);
  expect(asksForProject(['--as', 'peft', '--out', 'project'])).toBe(false);
});
