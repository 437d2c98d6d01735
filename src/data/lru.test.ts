import { expect, test } from 'vitest';
import { Lru } from './lru.ts';

test('what was used longest ago is dropped first, and told', () => {
  const dropped: string[] = [];
  const cache = new Lru<string>(
    5,
    (value) => value.length,
    (value) => dropped.push(value),
  );
  cache.set('a', 'aa');
  cache.set('b', 'bb');
  cache.get('a');
  cache.set('c', 'cc');
  expect(dropped).toEqual(['bb']);
  expect(cache.get('a')).toBe('aa');
  cache.set('large', 'xxxxxxxxx');
  expect(dropped).toEqual(['bb', 'cc', 'aa']);
  expect(cache.get('large')).toBe('xxxxxxxxx');
  cache.clear();
  expect(dropped.at(-1)).toBe('xxxxxxxxx');
});
