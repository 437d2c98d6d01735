import { expect, test } from 'vitest';
import { parseTrainConfig } from '../../config/train.ts';
import { chart } from './report-chart.ts';
import { type ReportedRun, reportHtml } from './report-html.ts';

const measure = { base: 0.5, tuned: 0.625, gainLow: 0.05, gainHigh: 0.2, n: 31, images: 7 };
const run: ReportedRun = {
  name: 'Try <1>',
  status: 'finished',
  step: 40,
  bestStep: 20,
  created: Date.UTC(2026, 0, 2, 3, 4),
  config: {
    format: 1,
    model: { name: 'tiny', hash: 'abcdef0123456789' },
    method: 'lora',
    mopeft: { methods: { lora: { rank: 4 } }, gate: 'mass', blocks: [0, 1], trainDecoder: true },
    train: parseTrainConfig({}),
    datasets: [{ key: 'd1', name: 'cells & "co"' }],
    device: 'a GPU',
  },
  split: { d1: { train: ['a.png', '<img src=x>.png'], val: ['b.png'], test: [] } },
  metrics: [
    { type: 'eval', step: 0, dataset: 'd1', split: 'val', box_iou: 0.5, click_iou: 0.25, n: 7 },
    { type: 'gates', step: 0, dataset: 'd1', layers: [{ lora: 0.5 }, { lora: 0.25 }] },
    { type: 'step', step: 1, loss: 2, focal: 0.05, dice: 0.75, iou: 0.25, lr: 0.001, norm: 3, ms: 12 },
    { type: 'step', step: 2, loss: 1, focal: 0.02, dice: 0.4, iou: 0.1, lr: 0.001, norm: 2, ms: 11 },
    { type: 'eval', step: 2, dataset: 'd1', split: 'val', box_iou: 0.75, click_iou: 0.5, n: 7 },
    { type: 'gates', step: 2, dataset: 'd1', layers: [{ lora: 0.75 }, { lora: 0.125 }] },
  ],
  verdict: {
    box: measure,
    click: measure,
    perDataset: [],
    sentence: 'Box IoU rose by .125.',
    suggestion: 'Label more.',
  },
};

test('a report holds the verdict with n and interval, charts, gates, split and settings', () => {
  const html = reportHtml(run);
  expect(html).toContain('Box IoU rose by .125.');
  expect(html).toContain('<td>+0.125 (+0.050 to +0.200)</td><td>31</td><td>7</td>');
  expect(html.match(/<svg /g)).toHaveLength(2);
  expect(html).toContain('<td>0.750 <span class="muted">(+0.250)</span></td>');
  expect(html).toContain('<td>0.125 <span class="muted">(−0.125)</span></td>');
  expect(html).toContain('training: 2 images');
  expect(html).toContain('<td>lora</td><td>{&#34;rank&#34;:4}</td>');
  expect(html).toContain('2026-01-02 03:04 UTC');
});

test('a report names the datasets that a run can be asked for, where it tells them apart', () => {
  const { config } = run;
  expect(reportHtml(run)).not.toContain('asked for as');
  for (const told of [{ token: true }, { gate: 'task' }]) {
    const datasets = [...config.datasets, { key: 'd2', name: 'cracks' }];
    const html = reportHtml({
      ...run,
      config: { ...config, datasets, mopeft: { ...config.mopeft, ...told } },
    });
    expect(html).toContain('<td>asked for as</td><td>cells &#38; &#34;co&#34;, cracks</td>');
  }
});

test('a report says what the modules are worth on each dataset, and what is not told from nothing', () => {
  const told = { box: 0.021, boxError: 0.004, click: -0.013, clickError: 0.004 };
  const untold = { box: 0.001, boxError: 0.004, click: 0, clickError: 0.004 };
  const iou = { box: 0.7, click: 0.6 };
  const worth = {
    ...{ format: 1 as const, step: 20, seconds: 3 },
    datasets: [
      {
        ...{ key: 'd1', images: 3, objects: 7, all: iou, none: iou },
        modules: [
          { method: 'lora', block: 0, ...told },
          { method: 'lora', block: 1, ...untold },
        ],
        methods: [{ method: 'lora', ...told }],
        blocks: [
          { block: 0, ...told },
          { block: 1, ...untold },
        ],
        greedy: [{ method: 'lora', block: 0, ...iou }],
      },
    ],
  };
  const html = reportHtml({ ...run, worth });
  expect(html).toContain('cells &#38; &#34;co&#34;: 7 objects on 3 validation images');
  expect(html).toContain('<td>0</td><td>2.1 ± 0.4 / −1.3 ± 0.4</td>');
  expect(html).toContain('<td>1</td><td>(0.1 ± 0.4) / (0.0 ± 0.4)</td>');
  expect(html).toContain('1 of 2 modules give all of the gain, within its error: lora in block 0.');
  expect(reportHtml(run)).not.toContain('Worth');
});

test('it asks for nothing, runs nothing, and names from files stay text', () => {
  const html = reportHtml(run);
  expect(html).not.toMatch(/<script|<link|<img|src=["']|url\(|@import|https?:/);
  expect(html).toContain('Try &#60;1&#62;');
  expect(html).toContain('&#60;img src=x&#62;.png');
  expect(html).toContain('cells &#38; &#34;co&#34;, box');
});

test('a run without anything measured has its settings alone', () => {
  const html = reportHtml({ ...run, metrics: [], verdict: null });
  expect(html.match(/<h2>[^<]*/g)).toEqual(['<h2>Split', '<h2>Settings']);
});

test('a chart has its points in place, round ticks, and as many points as can be seen', () => {
  const svg = chart(
    [
      {
        name: 'a',
        points: [
          [0, 0],
          [10, 1],
        ],
      },
      { name: 'b', points: [[5, 0.5]] },
    ],
    'IoU',
  );
  expect(svg).toContain('d="M56.0 200.0L708.0 12.0"');
  expect(svg).toContain('<circle cx="382.0" cy="106.0"');
  expect([...svg.matchAll(/text-anchor="end">([\d.]+)/g)].map(([, tick]) => tick)).toEqual(['0', '0.5', '1']);
  const many = chart([{ name: 'a', points: Array.from({ length: 5000 }, (_, i) => [i, Math.sin(i)]) }], 'x');
  expect((many.match(/L/g) ?? []).length).toBeLessThan(400);
  expect(chart([{ name: 'a', points: [[1, Number.NaN]] }], 'x')).toBe('');
  expect(chart([{ name: 'a', points: [[3, 7]] }], 'x')).toContain('<circle');
});
