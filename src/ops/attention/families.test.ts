import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/gpu.ts';
import type { AdapterTraits } from '../../gpu/traits.ts';
import { checkOp } from '../../testing/check-op.ts';
import { openTestGpu } from '../../testing/device.ts';
import { attentionOp } from './attention.ts';

const software: AdapterTraits = { isSoftware: true, hasSubgroups: false };
const hardware: AdapterTraits = { ...software, isSoftware: false };

/** The same device, planned for as if it were another adapter. */
function as(gpu: Gpu, traits: AdapterTraits): Gpu {
  return Object.create(gpu, { traits: { value: traits } });
}

/**
 * Cases that take few pipelines, since these compile slowly on a software adapter: heads of 8 with relative position in
 * whole lines and in parts, and without (several workgroups, few queries, few columns, loud scores); a bias with two
 * chunks of features; three chunks. Heads whose width is no multiple of 4 have one kernel on every adapter.
 */
const cases = attentionOp.cases.filter(({ inputs: [q, , , , , bias], attrs: { heads, prefix } }) => {
  const D = (q?.[2] ?? 0) / heads;
  return D % 4 === 0 && (D > 8 || !bias) && ![4, 80].includes(D) && prefix !== 1;
});

// The registry's walk checks the family that this adapter chooses; here is the one that it does not, on the floor of
// limits.
describe('attention by the family of other adapters', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu({ defaultLimits: true });
  });
  afterAll(() => gpu?.destroy());

  it.each(cases)('$inputs $attrs', async (opCase) => {
    const other = gpu.traits.isSoftware ? hardware : software;
    const { findings } = await checkOp(as(gpu, other), attentionOp, opCase);
    for (const { what, error, tolerance } of findings) expect(error, what).toBeLessThanOrEqual(tolerance);
  });
});
