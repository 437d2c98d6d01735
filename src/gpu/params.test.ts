import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestGpu } from '../testing/device.ts';
import type { Gpu } from './gpu.ts';
import { PARAMS_BYTES, packParams, paramsOf } from './params.ts';

const WGSL = `struct Params {
  rows: u32,
  // What everything is multiplied with.
  factor: f32,
}
@group(0) @binding(15) var<uniform> params: Params;`;
const FIELDS = [
  { name: 'rows', type: 'u32' },
  { name: 'factor', type: 'f32' },
];

describe('struct Params of a shader', () => {
  it('is read from its WGSL', () => {
    expect(paramsOf(WGSL)).toEqual(FIELDS);
    expect(paramsOf('override ROWS: u32;')).toBeNull();
  });

  it('is packed in the order of its fields, whatever that of the values', () => {
    const { buffer } = packParams(FIELDS, { factor: 0.5, rows: 7 });
    expect(new Uint32Array(buffer)[0]).toBe(7);
    expect(new Float32Array(buffer)[1]).toBe(0.5);
  });

  it.each([
    [{ rows: 1 }, 'struct Params wants factor'],
    [{ rows: 1, factor: 1, columns: 2 }, 'struct Params has no columns'],
    [{ rows: 1.5, factor: 1 }, 'rows: u32 in struct Params cannot be 1.5'],
    [{ rows: -1, factor: 1 }, 'rows: u32 in struct Params cannot be -1'],
  ])('refuses %o', (values, message) => {
    expect(() => packParams(FIELDS, values)).toThrow(message);
  });
});

describe('the values of passes on a device', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu();
  });
  afterAll(() => gpu?.destroy());

  it('are stored once each, apart from each other, and counted from the second buffer on', () => {
    const at = (rows: number) => gpu.params.get(WGSL, { rows, factor: 1 });
    const before = gpu.allocatedBytes;
    expect(at(1)).toBe(at(1));
    const places = Array.from({ length: PARAMS_BYTES / 256 }, (_, i) => at(i + 1));
    expect(new Set(places.map(({ buffer }) => buffer)).size).toBe(1);
    expect(new Set(places.map(({ offset }) => offset)).size).toBe(places.length);
    expect(gpu.allocatedBytes).toBe(before);
    expect(at(0).buffer).not.toBe(places[0]?.buffer);
    expect(gpu.allocatedBytes).toBe(before + PARAMS_BYTES);
  });
});
