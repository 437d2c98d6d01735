import { expect, test, vi } from 'vitest';
import { openTestGpu } from '../testing/device.ts';
import { narrowSubgroups, readTraits } from './traits.ts';

const info = (subgroupMinSize: number, subgroupMaxSize: number) =>
  ({
    vendor: '',
    architecture: '',
    device: '',
    description: '',
    subgroupMinSize,
    subgroupMaxSize,
  }) as GPUAdapterInfo;
const SIZES = new Set(['subgroups', 'subgroup-size-control']);

/** A device that compiles what asks for subgroups, or does not. */
const deviceOf = (features: ReadonlySet<string>, compiles = true) => {
  const createComputePipelineAsync = vi.fn(() =>
    compiles ? Promise.resolve({}) : Promise.reject(new Error('no such subgroups')),
  );
  return { features, createShaderModule: () => ({}), createComputePipelineAsync } as unknown as GPUDevice;
};

test.each([
  ['Intel up to Xe', 8, 32, true, 8],
  ['Intel from Xe2, whose drivers take 16', 16, 32, true, null],
  ['Mali', 16, 16, true, null],
  ['NVIDIA', 32, 32, undefined, null],
  ['AMD', 32, 64, undefined, null],
  ['Apple, of which no size is known', 4, 64, undefined, null],
])('registers by the sizes of subgroups: %s', async (_name, least, most, hasFewRegisters, narrow) => {
  const adapter = info(least, most);
  const traits = readTraits(adapter, SIZES);
  expect(traits.hasFewRegisters).toBe(hasFewRegisters);
  expect(await narrowSubgroups(deviceOf(SIZES), adapter, traits)).toBe(narrow);
});

test('no size is asked for where none can be, or where kernels of that size do not compile', async () => {
  const adapter = info(8, 32);
  const traits = readTraits(adapter, SIZES);
  expect(await narrowSubgroups(deviceOf(new Set(['subgroups'])), adapter, traits)).toBe(null);
  expect(await narrowSubgroups(deviceOf(SIZES, false), adapter, traits)).toBe(null);
  const gpu = await openTestGpu();
  const own = gpu.info.subgroupMinSize;
  const isThere = gpu.device.features.has('subgroup-size-control') && own === 8;
  expect(await narrowSubgroups(gpu.device, adapter, traits)).toBe(isThere ? 8 : null);
  gpu.destroy();
});

test('an adapter without sizes of subgroups has no trait by them', () => {
  const none = { vendor: '', architecture: '', device: '', description: '' } as GPUAdapterInfo;
  expect(readTraits(none, new Set())).toEqual({ isSoftware: false, hasSubgroups: false });
});
