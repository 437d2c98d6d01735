import { expect, test } from 'vitest';
import type { GatePoint, StepProfile } from '../../worker/protocol.ts';
import { stepPoint } from '../testing/samples.ts';
import {
  busyShare,
  gateRows,
  gateSeries,
  iouSeries,
  kindSeries,
  lossSeries,
  measuredAt,
  moduleRows,
  shareSeries,
  timeSeries,
} from './series.ts';

test('modules that are left and the steps after which others went, one that came back among them', () => {
  const both = ['lora', 'adapter'];
  const points = [
    { step: 0, left: [both, both, ['lora']], parameters: 100 },
    { step: 4, left: [['lora'], both, []], parameters: 60 },
    { step: 5, left: [['lora'], ['adapter'], ['lora']], parameters: 50 },
  ];
  expect(moduleRows(points, both)).toEqual([
    { method: 'lora', cells: ['left', 5, 'left'] },
    { method: 'adapter', cells: [4, 'left', null] },
  ]);
  expect(shareSeries(points)).toEqual([
    { step: 0, share: 1 },
    { step: 3, share: 1 },
    { step: 4, share: 0.6 },
    { step: 5, share: 0.5 },
  ]);
  expect([moduleRows([], both), shareSeries([])]).toEqual([[], []]);
});

test('few losses stay as they are, many are averaged and end at the last step', () => {
  expect(lossSeries([stepPoint(1, 4), stepPoint(2, 2)]).map((point) => point.loss)).toEqual([4, 2]);
  const many = lossSeries(Array.from({ length: 5000 }, (_, index) => stepPoint(index + 1, index % 2)));
  expect(many.length).toBeLessThanOrEqual(160);
  expect(many.at(-1)?.step).toBe(5000);
  expect(many.every((point) => Math.abs(point.loss - 0.5) < 0.05)).toBe(true);
});

test('where the time of the last steps went, with what no span explains', () => {
  const spans = { data: 1, encoding: 2, waiting: 3, busy: 5 };
  const steps = Array.from({ length: 40 }, (_, i) => ({ ...stepPoint(i + 1, 1), milliseconds: 10, spans }));
  const series = timeSeries(steps);
  expect(series).toHaveLength(30);
  expect(series.at(-1)).toEqual({ step: 40, data: 1, encoding: 2, waiting: 3, other: 4 });
  expect(busyShare(steps)).toBe(0.5);
  // As earlier versions have recorded it.
  const old = [{ ...stepPoint(1, 1), milliseconds: 10 }];
  expect([timeSeries(old), busyShare(old), busyShare([])]).toEqual([[], null, null]);
});

test('kinds of passes, the short ones together', () => {
  const kind = (i: number) => ({ label: `op ${i}`, count: 1, microseconds: 1000 * i, flops: 0, bytes: 0 });
  const profile = (count: number): StepProfile => ({
    step: 1,
    clock: 'timestamps',
    kinds: Array.from({ length: count }, (_, i) => kind(count - i)),
  });
  expect(kindSeries(profile(2))).toEqual([
    { kind: 'op 2', ms: 2 },
    { kind: 'op 1', ms: 1 },
  ]);
  expect(kindSeries(profile(14)).at(-1)).toEqual({ kind: '3 others', ms: 6 });
  expect(kindSeries(profile(14))).toHaveLength(12);
});

test('the size at which a dataset was measured, if not the size of its images', () => {
  const at = (datasetId: string, more: { readonly measuredAt?: number }) => ({
    ...{ step: 1, datasetId, split: 'validation' as const, boxIou: 0.5, clickIou: 0.25, n: 2 },
    ...more,
  });
  const evals = [at('a', { measuredAt: 1024 }), at('b', {})];
  expect([measuredAt(evals, 'a'), measuredAt(evals, 'b'), measuredAt([], 'a')]).toEqual([1024, null, null]);
});

test('validation IoU of one dataset only', () => {
  const at = (datasetId: string, split: 'validation' | 'test') => ({
    step: 0,
    datasetId,
    split,
    boxIou: 0.7,
    clickIou: 0.6,
    n: 1,
  });
  expect(iouSeries([at('a', 'validation'), at('b', 'validation'), at('a', 'test')], 'a')).toEqual([
    { step: 0, box: 0.7, click: 0.6, baseBox: 0.7, baseClick: 0.6 },
  ]);
});

test('the base model is a line at the height of step 0', () => {
  const at = (step: number, boxIou: number) => ({
    ...{ step, datasetId: 'a', split: 'validation' as const, boxIou, clickIou: boxIou / 2, n: 1 },
  });
  expect(
    iouSeries([at(0, 0.5), at(20, 0.75)], 'a').map(({ baseBox, baseClick }) => [baseBox, baseClick]),
  ).toEqual([
    [0.5, 0.25],
    [0.5, 0.25],
  ]);
  expect(iouSeries([at(20, 0.75)], 'a')).toEqual([{ step: 20, box: 0.75, click: 0.375 }]);
});

const gates: readonly GatePoint[] = [
  { step: 0, datasetId: 'a', layers: [{}, { lora: 0.5, prefix: 0.4 }] },
  { step: 10, datasetId: 'a', layers: [{}, { lora: 0.7, prefix: 0.3 }] },
  { step: 10, datasetId: 'b', layers: [{}, { lora: 0.1, prefix: 0.9 }] },
];

test('the heat map shows changes since step 0 and leaves blocks without modules open', () => {
  const map = gateRows(gates, 'a', ['lora', 'prefix']);
  expect(map?.step).toBe(10);
  expect(map?.rows[0]?.cells[0]).toBeNull();
  expect(map?.rows[0]?.cells[1]?.change).toBeCloseTo(0.2);
  expect(map?.rows[1]?.meanChange).toBeCloseTo(-0.1);
  expect(map?.rows[1]?.meanNow).toBeCloseTo(0.3);
  expect(gateRows(gates, 'c', ['lora'])).toBeNull();
});

test('gate curves by block and as mean', () => {
  expect(gateSeries(gates, 'a', 1, ['lora']).map((point) => point.lora)).toEqual([0.5, 0.7]);
  expect(gateSeries(gates, 'a', 'mean', ['lora']).map((point) => point.lora)).toEqual([0.5, 0.7]);
  expect(gateSeries(gates, 'a', 0, ['lora'])).toEqual([{ step: 0 }, { step: 10 }]);
});
