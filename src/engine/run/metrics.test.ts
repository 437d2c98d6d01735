import { expect, test, vi } from 'vitest';
import { MemoryStore } from '../../data/memory-store.ts';
import { formatMetrics, type MetricsLine, MetricsLog, parseMetrics } from './metrics.ts';
import { RUN_FILES, RunFiles } from './run-files.ts';

const line = (step: number, split: 'val' | 'test' = 'val'): MetricsLine => ({
  type: 'eval',
  step,
  dataset: 'cells',
  split,
  box_iou: 0.5,
  click_iou: 0.25,
  n: 2,
});
const stepsOf = (lines: readonly MetricsLine[]) => lines.map(({ step }) => step);

test('lines come back as they were; one that was cut off, and what is no line, are left out', () => {
  const text = formatMetrics([line(0), line(5)]);
  expect(parseMetrics(text)).toEqual([line(0), line(5)]);
  expect(parseMetrics(`{"type":"other","step":1}\nnull\n${text.slice(0, -9)}`)).toEqual([line(0)]);
});

test('lines are written in their order, and are on storage once the log is settled', async () => {
  const files = new RunFiles(new MemoryStore(), 'runs/a');
  const log = new MetricsLog(files);
  await log.startAt(null);
  for (const step of [0, 1, 2]) log.add(line(step));
  await log.settled();
  expect(stepsOf(await files.readMetrics())).toEqual([0, 1, 2]);
});

test('a log that goes on from a checkpoint keeps the lines up to it, and one that starts keeps none', async () => {
  const files = new RunFiles(new MemoryStore(), 'runs/a');
  await files.writeMetrics([line(0), line(5), line(6)]);
  const log = new MetricsLog(files);
  await log.startAt(5);
  log.add(line(6));
  await log.settled();
  expect(stepsOf(await files.readMetrics())).toEqual([0, 5, 6]);
  await new MetricsLog(files).startAt(null);
  expect(await files.readMetrics()).toEqual([]);
});

test('a run that was left in its test, or after it, measures it again', async () => {
  const files = new RunFiles(new MemoryStore(), 'runs/a');
  await files.writeMetrics([line(0), line(5), line(5, 'test'), line(0, 'test')]);
  await new MetricsLog(files).startAt(5);
  expect(await files.readMetrics()).toEqual([line(0), line(5)]);
});

test('a full disk is reported once it is asked for, and nothing is written after it', async () => {
  const store = new MemoryStore(400);
  const files = new RunFiles(store, '');
  const log = new MetricsLog(files);
  const append = vi.spyOn(store, 'append');
  for (let step = 0; step < 9; step++) {
    log.add(line(step));
    await log.settled().catch(() => undefined);
  }
  await expect(log.settled()).rejects.toMatchObject({ record: { code: 'storage/full' } });
  const written = stepsOf(await files.readMetrics());
  expect(written).toEqual(written.map((_, i) => i));
  expect(append).toHaveBeenCalledTimes(written.length + 1);
  expect(await store.exists(RUN_FILES.metrics)).toBe(true);
});
