import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/gpu.ts';
import type { AdapterTraits } from '../../gpu/traits.ts';
import { checkOp } from '../../testing/check-op.ts';
import { openTestGpu } from '../../testing/device.ts';
import { linearOp } from '../linear/linear.ts';
import { accumulateProductOp, productOp } from './fused.ts';
import { matmulPasses } from './kernels.ts';
import { matmulOp } from './matmul.ts';

const software: AdapterTraits = { isSoftware: true, hasSubgroups: false, hasF16: false };
const hardware: AdapterTraits = { ...software, isSoftware: false };

/** The same device, planned for as if it were another adapter. */
function as(gpu: Gpu, traits: AdapterTraits): Gpu {
  return Object.create(gpu, { traits: { value: traits } });
}

// The registry's walk checks the families that this adapter chooses; here is the one that it does not.
describe('products by the family of other adapters', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu();
  });
  afterAll(() => gpu?.destroy());

  for (const op of [linearOp, matmulOp, productOp, accumulateProductOp]) {
    for (const opCase of op.cases) {
      it(`${op.name} ${JSON.stringify(opCase.inputs)} ${JSON.stringify(opCase.attrs)}`, async () => {
        const other = gpu.traits.isSoftware ? hardware : software;
        const { findings } = await checkOp(as(gpu, other), op, opCase);
        for (const { what, error, tolerance } of findings) expect(error, what).toBeLessThanOrEqual(tolerance);
      });
    }
  }
});

describe('the dispatches of a product', () => {
  const bindings = {
    a: { input: 0 },
    b: { input: 1 },
    out: { output: 0 },
    scratch: { from: 0 },
  } as const;

  it('use one pipeline for every size of a layout', () => {
    const sizes = [
      { batch: 1, M: 1024, N: 192, K: 192 },
      { batch: 5, M: 64, N: 768, K: 256 },
    ];
    const made = sizes.map((size) => matmulPasses({ ...size, aT: false, bT: true }, bindings, {}, software));
    expect(made[0]?.[0]?.constants).toEqual(made[1]?.[0]?.constants);
    expect(made[0]?.[0]?.shader).toBe(made[1]?.[0]?.shader);
  });

  it('stay within 65,535 workgroups a dimension at a million rows', () => {
    for (const traits of [software, { ...software, hasSubgroups: true }, hardware]) {
      const problem = { batch: 1, M: 2 ** 20, N: 8, K: 64, aT: false, bT: true };
      for (const { workgroups } of matmulPasses(problem, bindings, {}, traits))
        expect(Math.max(...workgroups)).toBeLessThanOrEqual(65535);
    }
  });
});
