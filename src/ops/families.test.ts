import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../gpu/gpu.ts';
import type { AdapterTraits } from '../gpu/traits.ts';
import type { AnyOp } from '../graph/graph.ts';
import { checkOp } from '../testing/check-op.ts';
import { openTestGpu } from '../testing/device.ts';
import { accumulateSumsOp } from './accumulate/sums.ts';
import { gateScaleOp } from './gate-scale/gate-scale.ts';
import { gatedAddOp } from './gated-add/gated-add.ts';
import { layernormOp } from './layernorm/layernorm.ts';
import { maskIouOp } from './mask-iou/mask-iou.ts';
import { maskLossOp } from './mask-loss/mask-loss.ts';
import { productSumOp } from './matmul/terms.ts';
import { sampleDotOp } from './sample-dot/sample-dot.ts';
import { sumLeadingOp } from './sum-leading/sum-leading.ts';
import { sumSquaresOp } from './sum-squares/sum-squares.ts';
import { tokenGateOp } from './token-gate/token-gate.ts';

const software: AdapterTraits = { isSoftware: true, hasSubgroups: false };
const hardware: AdapterTraits = { ...software, isSoftware: false };

/** The same device, planned for as if it were another adapter. */
function as(gpu: Gpu, traits: AdapterTraits): Gpu {
  return Object.create(gpu, { traits: { value: traits } });
}

const OPS: readonly AnyOp[] = [
  accumulateSumsOp,
  gatedAddOp,
  gateScaleOp,
  layernormOp,
  maskIouOp,
  maskLossOp,
  productSumOp,
  sampleDotOp,
  sumLeadingOp,
  sumSquaresOp,
  tokenGateOp,
];

// The registry's walk checks the family that this adapter chooses; here is the one that it does not, on the floor of
// limits. Products and attention have tests of their own, since their kernels take long to compile.
describe('ops by the family of other adapters', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu({ defaultLimits: true });
  });
  afterAll(() => gpu?.destroy());

  for (const op of OPS) {
    for (const opCase of op.cases) {
      it(`${op.name} ${JSON.stringify(opCase.inputs)} ${JSON.stringify(opCase.attrs)}`, async () => {
        const other = gpu.traits.isSoftware ? hardware : software;
        const { findings } = await checkOp(as(gpu, other), op, opCase);
        for (const { what, error, tolerance } of findings) expect(error, what).toBeLessThanOrEqual(tolerance);
      });
    }
  }
});
