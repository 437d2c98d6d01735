import { expect, test } from 'vitest';
import { MemoryStore } from '../../data/memory-store.ts';
import { summarise } from '../../train/evaluate.ts';
import { RUN_FILES, RunFiles } from './run-files.ts';
import { compareTested, readTestIous, type TestIous, writeTestIous } from './test-ious.ts';

/** Images with one object or more, the same IoU by box and by click. */
const tested = (images: Readonly<Record<string, readonly number[]>>): TestIous => ({
  cells: Object.fromEntries(Object.entries(images).map(([name, own]) => [name, { box: own, click: own }])),
});

test('runs are compared in pairs: what differs between images does not count as error', () => {
  // Images differ by 0.5, the runs by 0.1 on every one.
  const one = tested({ a: [0.2], b: [0.7], c: [0.4, 0.5] });
  const two = tested({ a: [0.3], b: [0.8], c: [0.5, 0.6] });
  const compared = compareTested('One', one, two);
  expect(compared).toMatchObject({ name: 'One', both: { n: 4, images: 3 } });
  for (const key of ['gainLow', 'gainHigh'] as const) expect(compared?.both?.[key]).toBeCloseTo(0.1, 12);
  const same = compareTested('One', one, one)?.both;
  expect([same?.gainLow, same?.gainHigh]).toEqual([0, 0]);
});

test('images that one run was not tested on, or that were labelled anew, take no part', () => {
  const one = tested({ a: [0.2], b: [0.7], c: [0.5] });
  expect(compareTested('One', one, tested({ a: [0.4], c: [0.5, 0.9], d: [0.1] }))?.both).toMatchObject({
    n: 1,
    images: 1,
  });
  expect(compareTested('One', one, tested({ d: [0.1] }))).toBeNull();
  expect(compareTested('One', {}, one)).toBeNull();
});

test('they come back as they were written; a run without them, or with a damaged file, has none', async () => {
  const files = new RunFiles(new MemoryStore(), 'run');
  expect(await readTestIous(files)).toBeNull();
  const images = [
    { name: 'a', objects: [{ boxIou: 0.5, clickIou: 0.25, bestPicked: null }], gates: [], isReduced: false },
  ];
  await writeTestIous(files, [{ key: 'cells', images, summary: summarise(images) }]);
  expect(await readTestIous(files)).toEqual({ cells: { a: { box: [0.5], click: [0.25] } } });
  for (const text of ['{', '7', '{"cells": {"a": {"box": ["x"], "click": []}}}']) {
    await files.writeText(RUN_FILES.testIous, text);
    expect(await readTestIous(files), text).toBeNull();
  }
});
