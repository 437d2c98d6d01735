import { expect, test } from 'vitest';
import { parseTrainConfig } from '../../config/train.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { MICRO_SAM } from '../../testing/micro-model.ts';
import { type RunConfig, RunFiles } from './run-files.ts';

const config: RunConfig = {
  format: 1,
  model: { name: 'micro', hash: 'abc' },
  method: 'lora',
  mopeft: { methods: { lora: { rank: 2, alpha: 0 } }, gate: 'none', blocks: [0], trainDecoder: true },
  train: parseTrainConfig({ steps: 3 }),
  datasets: [{ key: 'd1', name: 'Cells' }],
};

test('config, split and metrics come back as they were written', async () => {
  const files = new RunFiles(new MemoryStore(), 'runs/a');
  await files.writeConfig(config);
  await files.writeSplit({ d1: { train: ['a'], val: ['b'], test: ['c', 'd'] } });
  expect(await files.readMetrics()).toEqual([]);
  const line = {
    type: 'eval',
    step: 0,
    dataset: 'd1',
    split: 'val',
    box_iou: 0,
    click_iou: 1,
    n: 2,
  } as const;
  await files.appendMetrics([line]);
  await files.appendMetrics([{ ...line, step: 5 }]);
  expect(await files.readConfig()).toEqual(config);
  expect(await files.readSplit()).toEqual({ d1: { train: ['a'], val: ['b'], test: ['c', 'd'] } });
  expect((await files.readMetrics()).map(({ step }) => step)).toEqual([0, 5]);
});

test('a folder without a run and a damaged file say so', async () => {
  const files = new RunFiles(new MemoryStore(), '');
  await expect(files.readConfig()).rejects.toThrow(/no run here/);
  await files.writeText('config.json', '{"format": 2}');
  await expect(files.readConfig()).rejects.toThrow(/config\.json.*format/s);
});

test.each([
  ['nothing', {}],
  ['nothing', { 'notes.txt': 'mine' }],
  ['other', { 'config.json': '{"vision_config": {}}' }],
  ['other', { 'adapter.safetensors': 'weights' }],
  ['other', { 'adapter.json': '{}' }],
  ['other', { 'kept/photo.jpg': 'mine' }],
  ['other', { 'config.json': '{"vision_config": {}}', 'split.json': '{}', 'adapter.safetensors': 'weights' }],
  ['start', { 'config.json': JSON.stringify(config) }],
  ['start', { 'config.json': JSON.stringify(config), 'metrics.jsonl': '', 'kept/0.bin': 'x' }],
  ['run', { 'config.json': JSON.stringify(config), 'checkpoint/last.safetensors': 'x' }],
  ['run', { 'config.json': JSON.stringify(config), 'verdict.json': '{}' }],
] as const)('a folder that holds %s is told: %j', async (expected, there) => {
  const store = new MemoryStore();
  for (const [name, text] of Object.entries(there)) await store.write(name, new TextEncoder().encode(text));
  expect(await new RunFiles(store, '').holds()).toBe(expected);
});

test('config and adapter of a run without its history are a run, those of the first validation a start', async () => {
  for (const [step, expected] of [
    [0, 'start'],
    [25, 'run'],
  ] as const) {
    const files = new RunFiles(new MemoryStore(), '');
    await files.writeConfig(config);
    const base = { ...config.model, config: MICRO_SAM };
    await files
      .trainerStorage(base)
      .writeBest({ mopeft: config.mopeft, tensors: new Map(), maskThreshold: 0, step, score: 0.5 });
    expect(await files.holds()).toBe(expected);
  }
});
