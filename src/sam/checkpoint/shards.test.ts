import { expect, it } from 'vitest';
import { bytesSource } from './byte-source.ts';
import { openTensorFile } from './open-tensor-file.ts';
import { writeSafetensors } from './safetensors-write.ts';
import { checkShards, chooseIndex, expectAllShards, parseShardIndex, shardsOf } from './shards.ts';

const index = (name: string, map: Readonly<Record<string, string>>) =>
  parseShardIndex({ name, text: JSON.stringify({ metadata: { total_size: 8 }, weight_map: map }) });
const TWO = { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' };
const files = (...names: string[]) => names.map((name) => bytesSource(name, new Uint8Array()));
const names = (sources: readonly { readonly name: string }[]) => sources.map(({ name }) => name);

it('takes the shards of an index, and nothing that lies beside them', () => {
  const all = files(
    'm/model-00002-of-00002.safetensors',
    'm/model-00001-of-00002.safetensors',
    'm/other.safetensors',
  );
  expect(names(shardsOf(index('m/model.safetensors.index.json', TWO), all))).toEqual([
    'm/model-00001-of-00002.safetensors',
    'm/model-00002-of-00002.safetensors',
  ]);
});

it('names the shards that are missing', () => {
  const have = files('m/model-00001-of-00002.safetensors', 'elsewhere/model-00002-of-00002.safetensors');
  expect(() => shardsOf(index('m/model.safetensors.index.json', TWO), have)).toThrow(
    /names 2 files of weights, and model-00002-of-00002\.safetensors is not among the files/,
  );
});

it('names a tensor that the index promises and no shard holds', async () => {
  const shard = async (name: string, tensor: string) =>
    openTensorFile(
      bytesSource(name, writeSafetensors(new Map([[tensor, { shape: [1], data: Float32Array.of(1) }]]))),
    );
  const held = [await shard('m/model-00001-of-00002.safetensors', 'a')];
  const both = [...held, await shard('m/model-00002-of-00002.safetensors', 'b')];
  const swapped = [...held, await shard('m/model-00002-of-00002.safetensors', 'c')];
  const promised = index('m/model.safetensors.index.json', TWO);
  checkShards(promised, both);
  expect(() => checkShards(promised, swapped)).toThrow(/tensor b: .*model-00002-of-00002\.safetensors/);
});

it('follows the index whose shards are there', () => {
  const safetensors = index('model.safetensors.index.json', TWO);
  const bin = index('pytorch_model.bin.index.json', { a: 'pytorch_model-1.bin', b: 'pytorch_model-2.bin' });
  const indices = [safetensors, bin];
  expect(chooseIndex(indices, files('pytorch_model-1.bin'))).toBe(bin);
  expect(chooseIndex(indices, files('pytorch_model-1.bin', 'pytorch_model-2.bin', TWO.a))).toBe(bin);
  expect(chooseIndex(indices, files(TWO.a, 'pytorch_model-1.bin'))).toBe(safetensors);
  expect(chooseIndex(indices, files('sam_vit_b.pth'))).toBeNull();
});

it.each(['', '[]', '{}', '{"weight_map":{"a":3}}'])('refuses %j as an index', (text) => {
  expect(() => parseShardIndex({ name: 'model.safetensors.index.json', text })).toThrow(/no weight_map/);
});

it('knows a shard without its index by its name, and names those that are missing', () => {
  expect(() => expectAllShards(files('model-00001-of-00002.safetensors'))).toThrow(
    /part 1 of a model in 2 files, and model-00002-of-00002\.safetensors is not among.*Open the whole folder/,
  );
  expect(() => expectAllShards(files('pytorch_model-00002-of-99999.bin'))).toThrow(/99998 others are not/);
  expect(() =>
    expectAllShards(files(TWO.a, TWO.b, 'x-00001-of-00001.bin', 'other.safetensors')),
  ).not.toThrow();
});
