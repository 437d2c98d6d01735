import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readAdapter } from '../../peft/adapter-file.ts';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { openCheckpoint } from '../../sam/checkpoint/checkpoint.ts';
import { samTensorShapes } from '../../sam/checkpoint/expected-shapes.ts';
import { ModelHasher } from '../../sam/checkpoint/hash.ts';
import { chooseModelFiles } from '../model.ts';

const site = new URL('../../../public/', import.meta.url);

/** The embedded model's config and the hash of its weights, read without a device. */
async function embeddedModel() {
  const folder = new URL('models/mopeft-sam-tiny/', site);
  const files = await Promise.all(
    (await readdir(folder)).map(async (name) =>
      bytesSource(name, new Uint8Array(await readFile(new URL(name, folder)))),
    ),
  );
  const checkpoint = await openCheckpoint(await chooseModelFiles(files));
  const hasher = new ModelHasher();
  for (const [name] of samTensorShapes(checkpoint.config))
    await hasher.add(name, await checkpoint.read(name));
  return { name: checkpoint.name, config: checkpoint.config, hash: await hasher.digest() };
}

test('the adapter of the first minute is small and opens on the embedded model', async () => {
  const bytes = new Uint8Array(await readFile(new URL('adapters/whole-cells.safetensors', site)));
  expect(bytes.length).toBeLessThan(100 * 1024);
  const weights = bytesSource('whole-cells.safetensors', bytes);
  const noRecord = { name: 'adapter.json', text: 'its own record counts' };
  const { mopeft, training } = await readAdapter(await embeddedModel(), noRecord, weights);
  expect(Object.keys(mopeft.methods)).toEqual(['lora']);
  expect(mopeft.trainDecoder).toBe(false);
  expect(training.step, 'it has learned something').toBeGreaterThan(0);
});
