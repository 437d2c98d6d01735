import { expect, test } from 'vitest';
import { historyCsv } from './history-csv.ts';
import { formatMetrics, type MetricsLine, metricsUntil, parseMetrics } from './metrics.ts';

const lines: MetricsLine[] = [
  { type: 'eval', step: 0, dataset: 'd1', split: 'val', box_iou: 0.5, click_iou: 0.25, n: 7 },
  { type: 'gates', step: 0, dataset: 'd1', layers: [{ lora: 0.5 }, {}, { lora: 0.75, adapter: 0.125 }] },
  { type: 'step', step: 1, loss: 2, focal: 0.05, dice: 0.75, iou: 0.25, lr: 0.001, norm: 3, ms: 12 },
  { type: 'step', step: 2, loss: 1, focal: 0.025, dice: 0.4, iou: 0.1, lr: 0.0005, norm: 2, ms: 11 },
];

test('metrics come back as they were written, without a line that was cut off', () => {
  const text = formatMetrics(lines);
  expect(parseMetrics(text)).toEqual(lines);
  expect(parseMetrics(text.slice(0, -5))).toEqual(lines.slice(0, -1));
  expect(metricsUntil(lines, 1)).toEqual(lines.slice(0, 3));
});

test('the table has a row per step, evaluation and gate, and quotes names', () => {
  const rows = historyCsv(lines, () => 'cells, "red"').split('\r\n');
  expect(rows).toHaveLength(1 + 1 + 3 + 2 + 1);
  expect(rows[1]).toBe('eval,0,"cells, ""red""",val,,,,,,,,0.5,0.25,7,,,');
  expect(rows[4]).toBe('gate,0,"cells, ""red""",,,,,,,,,,,,2,adapter,0.125');
  expect(rows[5]).toBe('step,1,,,2,0.05,0.75,0.25,0.001,3,12,,,,,,');
});

test('a name that a spreadsheet would run is text', () => {
  expect(historyCsv(lines.slice(0, 1), () => '=1+1')).toContain(",'=1+1,");
});
