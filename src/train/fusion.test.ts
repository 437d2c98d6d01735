import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MopeftConfig } from '../config/mopeft.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { AdapterTraits } from '../gpu/traits.ts';
import { Executable, Pool } from '../graph/executable.ts';
import { fuse } from '../graph/fuse.ts';
import { Graph } from '../graph/graph.ts';
import { type Plan, planGraph } from '../graph/plan.ts';
import { accumulate } from '../ops/accumulate/accumulate.ts';
import { add } from '../ops/add/add.ts';
import { fusionRules } from '../ops/fusion.ts';
import { gated } from '../ops/gated-add/gated-add.ts';
import { linear } from '../ops/linear/linear.ts';
import { matmul } from '../ops/matmul/matmul.ts';
import { sumLeading } from '../ops/sum-leading/sum-leading.ts';
import { windowUnpartition } from '../ops/window-partition/window-partition.ts';
import { GATE_FORMS } from '../peft/gates/registry.ts';
import { METHODS } from '../peft/registry.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import { trainableTensors } from '../peft/tensors.ts';
import { ENCODERS } from '../sam/encoders/registry.ts';
import { decodeGraph, encodeGraph } from '../sam/graphs.ts';
import { networkLayers } from '../sam/mask-decoder.ts';
import { relativeError } from '../testing/allclose.ts';
import { openTestGpu } from '../testing/device.ts';
import { MICRO_SAM } from '../testing/micro-model.ts';
import { normals } from '../testing/random.ts';
import { TWO_STAGE_SAM, twoStage } from '../testing/two-stage-encoder.ts';
import { withEntry } from '../testing/with-entry.ts';
import { decoderTrainingGraph } from './decoder-graph.ts';
import { encoderTrainingGraph, evaluationGraph } from './encoder-graph.ts';
import { layoutParameters } from './parameter-buffers.ts';

/** The order of some sums differs, nothing else. */
const TOLERANCE = 2e-5;

/** Runs a graph on the same numbers as every other with its inputs; gives its outputs and what it adds up. */
async function run(
  gpu: Gpu,
  graph: Graph,
  traits: AdapterTraits,
  besideOf: (name: string, count: number) => Float32Array = valuesOf,
) {
  const plan = planGraph(graph, traits);
  const pool = Pool.allocate(gpu, [plan], 'fusion');
  const inputs = new Map(
    [...plan.inputs].map(([name, bytes]) => [name, gpu.upload(besideOf(name, bytes / 4), name)]),
  );
  try {
    const executable = await Executable.create(gpu, plan, pool, (name) => inputs.get(name));
    await executable.run();
    const ranges = [
      ...[...plan.outputs.keys()].map((name) => [name, executable.output(name)] as const),
      ...[...inputs].filter(([name]) => isAccumulator(name)),
    ];
    const values = await gpu.read(...ranges.map(([, range]) => range));
    return { plan, values: new Map(ranges.map(([name], i) => [name, values[i] ?? new Float32Array()])) };
  } finally {
    pool.release();
    for (const { buffer } of inputs.values()) gpu.release(buffer);
  }
}

function isAccumulator(name: string): boolean {
  return name.startsWith('grad.') || name === 'dembedding' || name === 'lossSums';
}

function valuesOf(name: string, count: number): Float32Array {
  if (name === 'labels') return Float32Array.from({ length: count }, (_, i) => (i % 3) - 1);
  if (name === 'imageIndex') return Float32Array.from({ length: count }, (_, i) => i % 2);
  if (name === 'mode') return new Float32Array(count);
  if (name === 'target') return Float32Array.from({ length: count }, (_, i) => Number(i % 5 < 2));
  // Draws in (0, 1), and gates that are open: a closed one has no gradient behind it.
  if (name.startsWith('random.') || name.endsWith('.open')) return new Float32Array(count).fill(0.6);
  const seed = [...name].reduce((sum, letter) => (31 * sum + letter.charCodeAt(0)) % 9973, 7);
  const isNorm = /norm\d?\.weight|norm_final_attn\.weight|neck\.[13]\.weight/.test(name);
  return Float32Array.from(normals(count, seed), (value) => (isNorm ? 1 : 0) + 0.3 * value);
}

function methods(ids: readonly string[], gate: string, sam = MICRO_SAM): MopeftConfig {
  return resolveMopeft(
    { methods: ids, gate, trainDecoder: true, settings: { lora: { targets: 'all' } } },
    sam,
  );
}

const training =
  (mopeft: MopeftConfig, keptBlocks?: number, images = 1) =>
  () =>
    encoderTrainingGraph(MICRO_SAM, mopeft, trainableTensors(mopeft, MICRO_SAM), 0, keptBlocks, images);
const all = METHODS.map(({ id }) => id);
/** As many as leave scores so small that softmax does not enlarge what rounding differs by. */
const several = ['lora', 'prefix', 'adapter', 'bias_norm', 'conv_pass', 'adaptformer'];
const decoder = (isLean: boolean) => () => {
  const trained = trainableTensors(methods(['lora'], 'none'), MICRO_SAM);
  return decoderTrainingGraph(
    MICRO_SAM,
    { objects: 3, tokens: 3, hasMask: true, images: 2 },
    trained,
    true,
    false,
    isLean,
  );
};

const GRAPHS: readonly (readonly [name: string, trace: () => Graph])[] = [
  ['the encoder', () => encodeGraph(MICRO_SAM)],
  ['the decoder', () => decodeGraph(MICRO_SAM, { objects: 2, tokens: 2, hasMask: false })],
  ['the decoder of a step', decoder(false)],
  ['the decoder of a step that computes again', decoder(true)],
  ...GATE_FORMS.map(
    ({ id }) => [`the encoder of a step, all methods, gates ${id}`, training(methods(all, id))] as const,
  ),
  ...all.map((id) => [`the encoder of a step, ${id} alone`, training(methods([id], 'none'))] as const),
  ['the encoder of a step, several methods', training(methods(several, 'unipelt'))],
  ['the encoder of a step that computes again', training(methods(several, 'unipelt'), 1, 2)],
  ['the encoder of an evaluation', () => evaluationGraph(MICRO_SAM, methods(all, 'mass'), 0)],
];

/** Several methods at once, and each alone of those that {@link several} leaves out. */
const OF_OTHERS = [
  'the encoder of a step, several methods',
  ...all.filter((id) => !several.includes(id)).map((id) => `the encoder of a step, ${id} alone`),
];

describe('a fused graph', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu({ defaultLimits: true });
  });
  afterAll(() => gpu?.destroy());

  async function compare(trace: () => Graph, traits: AdapterTraits): Promise<[plain: Plan, fused: Plan]> {
    const plain = await run(gpu, trace(), gpu.traits);
    const other = await run(gpu, fuse(trace(), fusionRules(traits)), traits);
    expectSame(other.values, plain.values);
    return [plain.plan, other.plan];
  }

  function expectSame(values: ReadonlyMap<string, Float32Array>, plain: ReadonlyMap<string, Float32Array>) {
    expect([...values.keys()].sort()).toEqual([...plain.keys()].sort());
    for (const [name, own] of plain) {
      expect(
        own.some((value) => value !== 0),
        `${name} says nothing`,
      ).toBe(true);
      const error = relativeError(values.get(name) ?? new Float32Array(), Float64Array.from(own));
      expect(error, name).toBeLessThanOrEqual(TOLERANCE);
    }
  }

  for (const [name, trace] of GRAPHS) {
    it(`gives what the plain one gives: ${name}`, async () => {
      const [plain, other] = await compare(trace, gpu.traits);
      expect(other.passes.length).toBeLessThan(plain.passes.length);
    });
  }

  // Rules that depend on the adapter, by the family of kernels that this one does not choose.
  const others = (): AdapterTraits => ({
    isSoftware: !gpu.traits.isSoftware,
    hasSubgroups: false,
  });
  for (const [name, trace] of GRAPHS.filter(([title]) => OF_OTHERS.includes(title))) {
    it(`gives what the plain one gives, for another adapter: ${name}`, async () => {
      await compare(trace, others());
    });
  }

  it('gives what the plain one gives, for GPUs: sums of products, of rows in windows too', async () => {
    const trace = () => {
      const graph = new Graph();
      const input = (name: string, ...shape: number[]) => graph.input(name, shape);
      const [x, hidden] = [input('x', 1024, 16), input('hidden', 1024, 8)];
      const own = linear(x, input('w', 256, 16), input('b', 256));
      graph.output('changed', add(own, linear(hidden, input('lora', 256, 8), null)));
      const parts = [16, 8, 4].map((K) => matmul(input(`d${K}`, 1024, K), input(`w${K}`, K, 256)));
      const sum = parts.reduce((before, part) => add(before, part)).view([4, 16, 16, 256]);
      graph.output('images', windowUnpartition(sum, 16, [1, 30, 17, 256]));
      return graph;
    };
    const [, other] = await compare(trace, { isSoftware: false, hasSubgroups: false });
    expect(other.passes.map(({ label }) => label)).toEqual(Array(2).fill('productSum:matmul/terms-64'));
  });

  it('gives what the plain one gives, for GPUs: gradients of small weights in parts, side by side', async () => {
    const trace = () => {
      const graph = new Graph();
      const input = (name: string, ...shape: number[]) => graph.input(name, shape);
      const [x, hidden] = [input('x', 1100, 36), input('hidden', 1100, 8)];
      const [up, down] = [input('up', 1100, 68), input('down', 1100, 8)];
      accumulate(input('grad.up', 68, 8), matmul(up, hidden, { aT: true }));
      accumulate(input('grad.bias', 68), sumLeading(up, [68]));
      accumulate(input('grad.down', 8, 36), matmul(down, x, { aT: true }));
      return graph;
    };
    const [, other] = await compare(trace, { isSoftware: false, hasSubgroups: false });
    expect(other.passes.map(({ label }) => label)).toEqual([
      'partialProducts:matmul/partials',
      'accumulateSums:accumulate/sums',
    ]);
  });

  it('gives what the plain one gives, for GPUs: pairs of linear layers, and LoRA behind one gate', async () => {
    const trace = () => {
      const graph = new Graph();
      const input = (name: string, ...shape: number[]) => graph.input(name, shape);
      const [x, y, gate] = [input('x', 39, 36), input('y', 39, 36), input('gate', 3)];
      graph.output('k', linear(x, input('wk', 20, 36), input('bk', 20)));
      graph.output('v', linear(y, input('wv', 20, 36), input('bv', 20)));
      for (const name of ['q', 'o']) {
        const hidden = linear(x, input(`${name}.A`, 8, 36), null);
        graph.output(`${name}.kept`, hidden);
        graph.output(`${name}.gated`, gated(hidden, gate));
      }
      return graph;
    };
    const [, other] = await compare(trace, { isSoftware: false, hasSubgroups: false });
    expect(other.passes.map(({ label }) => label)).toEqual([
      'linearPair:matmul/pair-32',
      'gatedPair:matmul/pair-gated-32',
    ]);
  });

  it('gives what the plain one gives, for another adapter: the decoder of a step, its networks at once', async () => {
    const trained = trainableTensors(methods(['lora'], 'none'), MICRO_SAM);
    const { beside } = layoutParameters(trained, 2 ** 27, networkLayers(MICRO_SAM));
    expect(beside).toHaveLength(8);
    const ranges = beside.flatMap(({ name, names, bytes, stride }) =>
      ['', 'grad.'].map((role) => ({
        name: `${role}${name}`,
        parts: names.map((own, i) => ({ name: `${role}${own}`, from: (i * stride) / 4 })),
        length: (bytes - (names.length - 1) * stride) / 4,
      })),
    );
    const rangeOf = (name: string) => ranges.find((range) => range.name === name);
    const shape = { objects: 3, tokens: 3, hasMask: true, images: 2 };
    const at = (own: typeof beside) =>
      decoderTrainingGraph(MICRO_SAM, shape, trained, true, false, false, own);
    const plain = await run(gpu, at([]), gpu.traits);
    const parallel = await run(gpu, fuse(at(beside), fusionRules(others())), others(), (name, count) => {
      const range = rangeOf(name);
      if (!range) return valuesOf(name, count);
      const values = new Float32Array(count);
      for (const part of range.parts) values.set(valuesOf(part.name, range.length), part.from);
      return values;
    });
    const apart = [...parallel.values].flatMap(([name, values]) => {
      const range = rangeOf(name);
      if (!range) return [[name, values] as const];
      return range.parts.map(
        (part) => [part.name, values.subarray(part.from, part.from + range.length)] as const,
      );
    });
    expectSame(new Map(apart), plain.values);
  });

  it('gives what the plain one gives: an encoder of two stages', () =>
    withEntry(ENCODERS, twoStage, async () => {
      await compare(() => encodeGraph(TWO_STAGE_SAM), gpu.traits);
    }));
});
