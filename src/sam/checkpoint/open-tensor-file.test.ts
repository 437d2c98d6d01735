import { expect, it } from 'vitest';
import { bytesSource } from './byte-source.ts';
import { openTensorFile } from './open-tensor-file.ts';
import { writeSafetensors } from './safetensors-write.ts';

it('recognises safetensors whatever the file is called', async () => {
  const tensors = new Map([['t', { shape: [2], data: Float32Array.of(1, 2) }]]);
  const file = await openTensorFile(bytesSource('model.pth', writeSafetensors(tensors)));
  expect(file.format).toBe('safetensors');
  expect([...(await file.read('t')).data]).toEqual([1, 2]);
});
