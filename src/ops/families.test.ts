import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../gpu/gpu.ts';
import { PipelineCache } from '../gpu/pipeline-cache.ts';
import { ShaderLibrary } from '../gpu/shader-library.ts';
import type { AdapterTraits } from '../gpu/traits.ts';
import { type AnyOp, Graph } from '../graph/graph.ts';
import { planGraph } from '../graph/plan.ts';
import { checkOp } from '../testing/check-op.ts';
import { openTestGpu } from '../testing/device.ts';
import { accumulateSumsOp } from './accumulate/sums.ts';
import { gateScaleOp } from './gate-scale/gate-scale.ts';
import { gatedAddOp } from './gated-add/gated-add.ts';
import { layernormOp } from './layernorm/layernorm.ts';
import { maskIouOp } from './mask-iou/mask-iou.ts';
import { maskLossOp } from './mask-loss/mask-loss.ts';
import { matmul } from './matmul/matmul.ts';
import { productSumOp } from './matmul/terms.ts';
import { sampleDotOp } from './sample-dot/sample-dot.ts';
import { sumLeadingOp } from './sum-leading/sum-leading.ts';
import { sumSquaresOp } from './sum-squares/sum-squares.ts';
import { tokenGateOp } from './token-gate/token-gate.ts';

const software: AdapterTraits = { isSoftware: true, hasSubgroups: false };
const hardware: AdapterTraits = { ...software, isSoftware: false };
const fewRegisters: AdapterTraits = { ...hardware, hasFewRegisters: true };

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

  for (const opCase of productSumOp.cases) {
    it(`productSum with few registers ${JSON.stringify(opCase.inputs)} ${JSON.stringify(opCase.attrs)}`, async () => {
      const { findings } = await checkOp(as(gpu, fewRegisters), productSumOp, opCase);
      for (const { what, error, tolerance } of findings) expect(error, what).toBeLessThanOrEqual(tolerance);
    });
  }

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

describe('kernels that ask for narrow subgroups', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu();
  });
  afterAll(() => gpu?.destroy());

  it('compile in the smallest that the adapter has', async ({ skip }) => {
    const size = gpu.info.subgroupMinSize;
    if (!gpu.device.features.has('subgroup-size-control') || !size) skip('This adapter takes no size.');
    const library = new ShaderLibrary(gpu.shaders.sources, size ?? null);
    const asking = [...library.sources.keys()].filter(
      (name) => !name.startsWith('lib/') && library.source(name).includes('@subgroup_size'),
    );
    expect(asking.length).toBeGreaterThanOrEqual(16);
    for (const name of asking) {
      const module = gpu.device.createShaderModule({ label: name, code: library.source(name) });
      expect(
        (await module.getCompilationInfo()).messages.map(({ message }) => message),
        name,
      ).toEqual([]);
    }
    const graph = new Graph();
    graph.output('out', matmul(graph.input('a', [512, 8]), graph.input('b', [8, 512])));
    const [pass] = planGraph(graph, fewRegisters).passes;
    expect(pass?.pass.shader).toBe('matmul/tile-64-narrow');
    if (pass) await new PipelineCache(gpu.device, library).get(pass.pass);
  });
});
