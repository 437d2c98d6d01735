import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { bytesSource } from '../byte-source.ts';
import { openTensorFile } from '../open-tensor-file.ts';
import type { TensorFile } from '../tensor-file.ts';

const FOLDER = new URL('../../../../tests/vectors/pickles/', import.meta.url);

interface Described {
  readonly shape: readonly number[];
  readonly sum: number;
  /** Of each element times its place. */
  readonly placed: number;
}

const sums = JSON.parse(await readFile(new URL('sums.json', FOLDER), 'utf8')) as Record<
  string,
  Record<string, Described>
>;

async function open(name: string): Promise<TensorFile> {
  return openTensorFile(bytesSource(name, new Uint8Array(await readFile(new URL(name, FOLDER)))));
}

/** Compares every tensor that can be a weight with PyTorch's own values; the names of the others. */
async function compare(name: string): Promise<string[]> {
  const file = await open(name);
  const integers: string[] = [];
  for (const [tensor, want] of Object.entries(sums[name] ?? {})) {
    const info = file.tensors.get(tensor);
    expect(info?.shape, tensor).toEqual(want.shape);
    if (!info || !/^B?F\d+$/.test(info.dtype)) {
      integers.push(tensor);
      await expect(file.read(tensor), tensor).rejects.toThrow(/weights have to be/);
      continue;
    }
    const { data, shape } = await file.read(tensor);
    expect(shape).toEqual(want.shape);
    expect(data.length).toBe(want.shape.reduce((product, n) => product * n, 1));
    expect(data.reduce((sum, x) => sum + x, 0)).toBeCloseTo(want.sum, 5);
    expect(data.reduce((sum, x, i) => sum + x * i, 0)).toBeCloseTo(want.placed, 4);
  }
  expect(file.tensors.size).toBe(Object.keys(sums[name] ?? {}).length);
  return integers;
}

describe('files of torch.save', () => {
  it.each(['zip.pth', 'legacy.pth', 'protocol-4.pth'])('%s: every type and every view', async (name) => {
    expect(await compare(name)).toEqual(['int64', 'int32', 'int16', 'int8', 'uint8', 'bool']);
  });

  it.each(['training.pth', 'training-legacy.pth'])('%s: weights, and what was left out', async (name) => {
    expect(await compare(name)).toEqual([]);
    const { leftOut, format } = await open(name);
    expect(format).toBe('pickle');
    expect(leftOut).toEqual([
      "optimizer (12 tensors of a training's state)",
      'args (argparse.Namespace)',
      'array (numpy.ndarray)',
    ]);
  });

  it('lists types that are no weights, and reads those beside them', async () => {
    expect(await compare('newer-types.pth')).toEqual(['half', 'short']);
  });

  it('reads a tensor that has two names under both, and those in lists', async () => {
    expect(await compare('tied.pth')).toEqual([]);
  });

  it.each(['module.pth', 'module-inside.pth'])('%s: refuses a whole model by its class', async (name) => {
    await expect(open(name)).rejects.toThrow(
      /whole object of the class __main__\.Part.*model\.state_dict\(\)/,
    );
  });

  it('refuses quantised weights by their type', async () => {
    await expect(open('quantised.pth')).rejects.toThrow(/torch\.QInt8Storage.*not quantised/);
  });
});
