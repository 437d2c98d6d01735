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
])('%j is refused with the reason', async (names, reason) => {
  await expect(chooseModelFiles(files(...names))).rejects.toThrow(reason);
});

test.each([
  ['sam_vit_b_01ec64.pth', []],
  ['pytorch_model.bin', ['training_args.bin', 'optimizer.pt', 'rng_state_0.pth']],
  ['model.safetensors', ['pytorch_model.bin']],
  ['3f5a9c', ['config.json', 'README.md']],
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
