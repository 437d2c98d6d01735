import { expect, test } from 'vitest';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';
import { chooseModelFiles } from './model.ts';

const files = (...names: string[]) => names.map((name) => bytesSource(name, new TextEncoder().encode('{}')));

test('a folder is sorted into weights and configs, and what lies beside is left alone', async () => {
  const chosen = await chooseModelFiles(
    files('sam/README.md', 'sam/config.json', 'sam/model.safetensors', 'sam/preprocessor_config.json'),
  );
  expect(chosen.weights.map(({ name }) => name)).toEqual(['sam/model.safetensors']);
  expect(chosen.config?.name).toBe('sam/config.json');
  expect(chosen.preprocessor?.name).toBe('sam/preprocessor_config.json');
});

test.each([
  [['notes.json'], /No weights/],
  [['optimizer.pt', 'training_args.bin', 'config.json'], /No weights/],
  [['a/config.json', 'b/config.json', 'a/model.safetensors'], /two configs/],
  [['adapter.safetensors', 'model.safetensors'], /adapter lies beside/],
  [['model-00001-of-00002.safetensors'], /part 1 of a model in 2 files/],
  [['sam/config.json', 'sam/encoder.onnx', 'sam/decoder.onnx'], /encoder\.onnx.*ONNX.*it was made from/],
])('%j is refused with the reason', async (names, reason) => {
  await expect(chooseModelFiles(files(...names))).rejects.toThrow(reason);
});

test('an index alone says which files of weights are missing', async () => {
  const map = { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' };
  const index = new TextEncoder().encode(JSON.stringify({ weight_map: map }));
  const given = [...files('sam/config.json'), bytesSource('sam/model.safetensors.index.json', index)];
  await expect(chooseModelFiles(given)).rejects.toMatchObject({
    record: {
      code: 'checkpoint/shard-missing',
      what: expect.stringContaining(Object.values(map).join(', ')),
    },
  });
});

test('a config may be in UTF-16, as PowerShell writes what it downloads', async () => {
  const units = Uint16Array.from('\ufeff{"a": 1}', (character) => character.charCodeAt(0));
  const config = bytesSource('sam/config.json', new Uint8Array(units.buffer));
  const chosen = await chooseModelFiles([...files('sam/model.safetensors'), config]);
  expect(JSON.parse(chosen.config?.text ?? '')).toEqual({ a: 1 });
});

test.each([
  ['sam_vit_b_01ec64.pth', []],
  ['pytorch_model.bin', ['training_args.bin', 'optimizer.pt', 'rng_state_0.pth']],
  ['model.safetensors', ['pytorch_model.bin']],
  ['3f5a9c', ['config.json', 'README.md']],
  ['sam/model.safetensors', ['sam/._model.safetensors', 'sam/.DS_Store', 'sam/._config.json']],
  ['sam/sam_vit_b.pth', ['sam/._model.safetensors', 'sam/._model.safetensors.index.json']],
  ['.models/model.safetensors', ['.models/._model.safetensors']],
  ['._model.safetensors', []],
  ['adapter_model.safetensors', ['adapter_config.json']],
])('%s is the weights, and not what lies beside', async (weights, beside) => {
  const chosen = await chooseModelFiles(files(weights, ...beside));
  expect(chosen.weights.map(({ name }) => name)).toEqual([weights]);
});

test('of weights in several forms one is taken, and the others are named', async () => {
  const names = [
    'sam/model.fp16.safetensors',
    'sam/pytorch_model.bin',
    'sam/model.safetensors',
    'sam/optimizer.pt',
  ];
  const { weights, remarks } = await chooseModelFiles(files(...names));
  expect(weights.map(({ name }) => name)).toEqual(['sam/model.safetensors']);
  expect(remarks).toMatchObject([
    {
      where: 'sam/model.safetensors',
      what: expect.stringMatching(/model\.fp16\.safetensors.*pytorch_model\.bin/),
    },
  ]);
  const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  const whole = await chooseModelFiles(files(...shards));
  expect(whole).toMatchObject({ weights: shards.map((name) => ({ name })), remarks: [] });
});

test.each([
  ['model.safetensors', 'adapter_model.safetensors'],
  ['pytorch_model.bin', 'adapter_model.safetensors'],
  ['model.safetensors', 'adapter_model.bin'],
])('beside %s the adapter %s is left alone, and how to open it is said', async (model, adapter) => {
  const { weights, remarks } = await chooseModelFiles(files(adapter, 'adapter_config.json', model));
  expect(weights.map(({ name }) => name)).toEqual([model]);
  expect(remarks).toMatchObject([
    { what: expect.stringContaining(adapter), cure: expect.stringContaining('open it after the model') },
  ]);
});
