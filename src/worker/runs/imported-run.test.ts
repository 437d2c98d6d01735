import { expect, test } from 'vitest';
import type { Adapter } from '../../peft/adapter-file.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { MICRO_SAM } from '../../testing/micro-model.ts';
import type { CurrentModel } from '../engine-state.ts';
import type { DroppedFile } from '../protocol.ts';
import { importedRecord } from './imported-run.ts';

const model = { info: { name: 'micro', hash: 'abc' } } as CurrentModel;
const mopeft = resolveMopeft({ methods: ['lora'], settings: { lora: { rank: 2 } } }, MICRO_SAM);

function record(training: Adapter['training'], ...paths: string[]) {
  const adapter = { mopeft, training, tensors: new Map() } as unknown as Adapter;
  const files = paths.map((path) => ({ path }) as DroppedFile);
  return importedRecord('id', 1000, adapter, model, files);
}

test('an adapter says what it was trained with, and belongs to the open model', () => {
  expect(record({ run: 'Theirs', step: 7, score: 0.5, scale: 160 }, 'adapter.safetensors')).toMatchObject({
    id: 'id',
    name: 'Theirs (imported)',
    status: 'imported',
    scale: 160,
    step: 7,
    steps: 7,
    bestScore: 0.5,
    modelName: 'micro',
    modelHash: 'abc',
    datasets: [],
    created: 1000,
    settings: { methods: ['lora'], gate: mopeft.gate, values: { 'lora.rank': 2 } },
  });
});

test.each([
  ['cells/adapter.safetensors', 'cells'],
  ['my adapter.zip', 'my adapter'],
  ['adapter.safetensors', 'Imported adapter'],
  ['adapter_model.bin', 'Imported adapter'],
  ['sam-lora/adapter_model.safetensors', 'sam-lora'],
])('without a name of its own, %s is called "%s"', (path, name) => {
  expect(record({ run: ' ', step: 'seven' }, path)).toMatchObject({ name, step: 0, bestScore: null });
});

test('an adapter of another program carries how it was understood', () => {
  const understood = ['PEFT LoRA, rank 4.'];
  expect(record({ understood }, 'a.zip')).toMatchObject({ name: 'a', understood });
  expect(record({ understood: 'no list' }, 'a.zip')).not.toHaveProperty('understood');
});

test('an adapter that tells datasets apart names those that it can be asked for', () => {
  const told = { ...mopeft, token: true, datasets: ['cells', 'cracks'] };
  const adapter = { mopeft: told, training: {}, tensors: new Map() } as unknown as Adapter;
  expect(importedRecord('id', 1000, adapter, model, []).understood).toEqual([
    'It tells datasets apart, and is asked for one of them: cells, cracks. Segment asks which.',
  ]);
});
