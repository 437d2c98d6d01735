import { expect, test } from 'vitest';
import { freeName } from './free-name.ts';

test.each([
  ['cells', [], 'cells'],
  ['cells', ['cells'], 'cells (2)'],
  ['cells', ['cells', 'cells (2)'], 'cells (3)'],
  ['cells (2)', ['cells', 'cells (2)'], 'cells (3)'],
  ['cells (2)', ['cells'], 'cells (2)'],
])('%s beside %j is %s', (name, others, free) => {
  expect(
    freeName(
      name,
      others.map((other) => ({ name: other })),
    ),
  ).toBe(free);
});
