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
  [
    'bytes of no known format',
    '\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\u0009',
    /begins with the bytes 1 2/,
  ],
  ['a few bytes', 'abc', /has 3 bytes/],
])('refuses %s by its first bytes', async (_what, text, refusal) => {
  await expect(openTensorFile(bytesSource('x.pth', new TextEncoder().encode(text)))).rejects.toThrow(refusal);
});

const file = (start: string, at = 0) => {
  const bytes = new Uint8Array(600);
  bytes.set(
    Uint8Array.from(start, (letter) => letter.charCodeAt(0)),
    at,
  );
  return bytes;
};

it.each([
  [
    'a pointer of Git LFS',
    file('version https://git-lfs.github.com/spec/v1\noid sha256:0'),
    /Git LFS/,
    /git lfs pull.*download the file itself/,
  ],
  [
    'what macOS leaves beside a file',
    file('\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X'),
    /macOS/,
    /without the leading "\._"/,
  ],
  ['ONNX', file('\x08\x08\x12\x07pytorch\x1a'), /ONNX.*graph for running/, /it was made from/],
  ['GGUF of 123 tensors', file('GGUF\x03\x00\x00\x00\x7b'), /GGUF/, /it was made from/],
  ['HDF5', file('\x89HDF\r\n\x1a\n\x00'), /HDF5/, /of the same model/],
  ['TensorFlow Lite', file('\x1c\x00\x00\x00TFL3\x00'), /TensorFlow Lite/, /it was made from/],
  [
    'the text form of pickles',
    file('L119547037146038801333356L\n.I1001\n.'),
    /pickle protocol 0 or 1/,
    /without pickle_protocol/,
  ],
  ['gzip', file('\x1f\x8b\x08\x00'), /gzip/, /Unpack it/],
  ['tar', file('ustar', 257), /tar archive/, /Unpack it/],
  ['PNG', file('\x89PNG\r\n\x1a\n\x00'), /PNG image/, /images are added on Data/],
])('names %s and says what to do', async (_what, bytes, what, cure) => {
  await expect(openTensorFile(bytesSource('x.pth', bytes))).rejects.toMatchObject({
    record: {
      code: 'checkpoint/format',
      where: 'x.pth',
      what: expect.stringMatching(what),
      cure: expect.stringMatching(cure),
    },
  });
});

it('takes a header of safetensors whose length begins as gzip does for what it is', async () => {
  const header = `{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`.padEnd(0x8b1f);
  const bytes = new Uint8Array(8 + header.length + 4);
  bytes.set(new TextEncoder().encode(header), 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  expect((await openTensorFile(bytesSource('x', bytes))).format).toBe('safetensors');
});
