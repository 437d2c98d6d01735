import { expect, it } from 'vitest';
import { dict, legacyForm, pickle, tensor, zipForm } from '../../testing/pickle-writer.ts';
import { bytesSource } from './byte-source.ts';
import { openTensorFile } from './open-tensor-file.ts';
import { writeSafetensors } from './safetensors-write.ts';

it('recognises safetensors whatever the file is called', async () => {
  const tensors = new Map([['t', { shape: [2], data: Float32Array.of(1, 2) }]]);
  const file = await openTensorFile(bytesSource('model.pth', writeSafetensors(tensors)));
  expect(file.format).toBe('safetensors');
  expect([...(await file.read('t')).data]).toEqual([1, 2]);
});

it('recognises the files of PyTorch whatever they are called', async () => {
  const value = dict({ t: tensor() });
  for (const bytes of [await zipForm(value), legacyForm(value)]) {
    const file = await openTensorFile(bytesSource('model.safetensors', bytes));
    expect(file.format).toBe('pickle');
    expect([...(await file.read('t')).data]).toEqual([1, 2, 3, 4]);
  }
});

it('tells a header of safetensors from a pickle that begins with the same bytes', async () => {
  const header = `{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`.padEnd(0x280);
  const bytes = new Uint8Array(8 + header.length + 4);
  bytes.set(new TextEncoder().encode(header), 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  expect([bytes[0], bytes[1]]).toEqual([...pickle(0)].slice(0, 2));
  expect((await openTensorFile(bytesSource('x', bytes))).format).toBe('safetensors');
});

it.each([
  ['a web page', '<!doctype html><title>404</title>', /begins with "<!doctype"/],
  ['a pointer of Git LFS', 'version https://git-lfs.github.com/spec/v1', /begins with "version h"/],
  ['an image', '\u0089PNG\r\n\u001a\n\u0000', /begins with the bytes/],
  ['a few bytes', 'abc', /has 3 bytes/],
])('refuses %s by its first bytes', async (_what, text, refusal) => {
  await expect(openTensorFile(bytesSource('x.pth', new TextEncoder().encode(text)))).rejects.toThrow(refusal);
});
