import { SAM_DEFAULTS, SAM_PREPROCESSING } from '../../../config/sam.ts';
import { gradients } from '../../../graph/grad.ts';
import { Graph, type Tensor } from '../../../graph/graph.ts';
import { sizeOf } from '../../../graph/shape.ts';
import { add } from '../../../ops/add/add.ts';
import { attention } from '../../../ops/attention/attention.ts';
import { layernorm } from '../../../ops/layernorm/layernorm.ts';
import { matmul } from '../../../ops/matmul/matmul.ts';
import { scale } from '../../../ops/scale/scale.ts';
import { attachModules } from '../../../peft/build.ts';
import { resolveMopeft } from '../../../peft/resolve.ts';
import { sitesOf } from '../../../sam/encoder.ts';
import { traceEncoderBlock } from '../../../sam/encoder-block.ts';
import { VIT_DEFAULTS, type VitSam } from '../../../sam/encoders/vit/config.ts';
import { graphInputs } from '../../../sam/weight-source.ts';
import { EPS, type Work } from '../peers/work.ts';
import { normalNumbers, transposed } from './numbers.ts';
import { softmax } from './softmax.ts';

/** A case as we trace it, with the same work for the peers. */
export interface BenchCase {
  readonly name: string;
  readonly what: string;
  /** Operations counted for every contender alike, multiply and add as two; null: those of our plan. */
  readonly flops: number | null;
  readonly graph: Graph;
  /** Values of the graph's inputs by name. */
  readonly inputs: ReadonlyMap<string, Float32Array>;
  /** The forward value. */
  readonly out: Tensor;
  /** Gradients of mean(out²) by the input's name; outputs of the graph as `d.NAME`. */
  readonly gradientsOf: readonly string[];
  /** What the peers do; null when they have nothing like it. */
  readonly work: Work | null;
  /** A case of ours that is timed in turns with this one, for their ratio. */
  readonly beside?: string;
}

const TOKENS = 1024;
const C = 192;
const HEADS = 3;

/** A block of 1024 tokens × 192 without windows and relative position. */
const SAM: VitSam = {
  ...SAM_DEFAULTS,
  imageSize: 512,
  stride: 16,
  outputChannels: 256,
  layerNormEps: EPS,
  encoder: {
    ...VIT_DEFAULTS,
    useRelPos: false,
    hiddenSize: C,
    numHiddenLayers: 1,
    numAttentionHeads: HEADS,
    mlpDim: 4 * C,
    windowSize: 0,
    globalAttnIndexes: [0],
  },
  preprocessing: SAM_PREPROCESSING,
};
const BLOCK_FORWARD = 24 * TOKENS * C * C + 4 * TOKENS * TOKENS * C;
/** Backward to the input alone is the forward's products once more and the scores recomputed. */
const BLOCK_BOTH = 2 * BLOCK_FORWARD + 4 * TOKENS * TOKENS * C;

const MOPEFT = ['lora', 'prefix', 'adapter'];

/** Every case by name, made when it is asked for. */
export const CASES: ReadonlyMap<string, () => BenchCase> = new Map([
  ['matmul', () => product('matmul', 1024, 768, 768, false)],
  ['matmul-narrow', () => product('matmul-narrow', 4096, 192, 8, false)],
  ['matmul-rows', () => product('matmul-rows', 192, 4096, 192, true)],
  ['layernorm', layernormCase],
  ['softmax', softmaxCase],
  ['attention', attentionCase],
  ['block', () => block('block', { backward: false, methods: [] })],
  ['block-train', () => block('block-train', { backward: true, methods: [] })],
  ['block-mopeft', () => block('block-mopeft', { backward: true, methods: MOPEFT, beside: 'block-train' })],
  [
    'block-ungated',
    () => block('block-ungated', { backward: true, methods: MOPEFT, gate: 'none', beside: 'block-mopeft' }),
  ],
]);

function product(name: string, M: number, K: number, N: number, aT: boolean): BenchCase {
  const [a, b] = [normalNumbers('a', M * K), normalNumbers('b', K * N)];
  const graph = new Graph();
  const out = matmul(graph.input('a', aT ? [K, M] : [M, K]), graph.input('b', [K, N]), { aT });
  graph.output('out', out);
  return {
    name,
    what: `${aT ? `[${K}, ${M}]ᵀ` : `[${M}, ${K}]`} · [${K}, ${N}]`,
    flops: 2 * M * K * N,
    graph,
    inputs: new Map([
      ['a', a],
      ['b', b],
    ]),
    out,
    gradientsOf: [],
    work: { kind: 'matmul', M, K, N, a, aT, b },
  };
}

function layernormCase(): BenchCase {
  const [rows, width] = [4096, 768];
  const [x, weight, bias] = [
    normalNumbers('x', rows * width),
    normalNumbers('weight', width),
    normalNumbers('bias', width),
  ];
  const graph = new Graph();
  const out = layernorm(
    graph.input('x', [rows, width]),
    graph.input('weight', [width]),
    graph.input('bias', [width]),
    EPS,
  );
  graph.output('out', out);
  return {
    name: 'layernorm',
    what: `[${rows}, ${width}]`,
    flops: 8 * rows * width,
    graph,
    inputs: new Map([
      ['x', x],
      ['weight', weight],
      ['bias', bias],
    ]),
    out,
    gradientsOf: [],
    work: { kind: 'layernorm', rows, C: width, x, weight, bias },
  };
}

function softmaxCase(): BenchCase {
  const x = normalNumbers('x', HEADS * TOKENS * TOKENS);
  const keys = new Float32Array(HEADS * TOKENS);
  const graph = new Graph();
  const out = softmax(graph.input('x', [HEADS, TOKENS, TOKENS]), graph.input('keys', [1, TOKENS, HEADS]));
  graph.output('out', out);
  return {
    name: 'softmax',
    what: `[${HEADS}, ${TOKENS}, ${TOKENS}], over the last axis`,
    flops: 5 * x.length,
    graph,
    inputs: new Map([
      ['x', x],
      ['keys', keys],
    ]),
    out,
    gradientsOf: [],
    work: { kind: 'softmax', shape: [HEADS, TOKENS, TOKENS], x },
  };
}

function attentionCase(): BenchCase {
  const [q, k, v] = [
    normalNumbers('q', TOKENS * C),
    normalNumbers('k', TOKENS * C),
    normalNumbers('v', TOKENS * C),
  ];
  const graph = new Graph();
  const shape = [1, TOKENS, C];
  const out = attention(
    graph.input('q', shape),
    graph.input('k', shape),
    graph.input('v', shape),
    {},
    {
      heads: HEADS,
      prefix: 0,
      gridW: 32,
    },
  );
  graph.output('out', out);
  return {
    name: 'attention',
    what: `${TOKENS} tokens × ${C}, ${HEADS} heads, scores and softmax included`,
    flops: 4 * TOKENS * TOKENS * C,
    graph,
    inputs: new Map([
      ['q', q],
      ['k', k],
      ['v', v],
    ]),
    out,
    gradientsOf: [],
    work: { kind: 'attention', tokens: TOKENS, C, heads: HEADS, q, k, v },
  };
}

function block(
  name: string,
  {
    backward,
    methods,
    gate,
    beside,
  }: {
    readonly backward: boolean;
    readonly methods: readonly string[];
    /** A form of the gates; absent: the usual one. */
    readonly gate?: string;
    readonly beside?: string;
  },
): BenchCase {
  const mopeft = methods.length > 0;
  const graph = new Graph();
  const x = graph.input('x', [1, 32, 32, C]);
  const config = resolveMopeft({ methods, ...(gate !== undefined && { gate }) }, SAM);
  const weights = graphInputs(graph);
  const { slots } = attachModules(graph, config, weights, 'training');
  const out = sitesOf(SAM).reduce((y, site) => traceEncoderBlock(site, y, weights, slots), x);
  graph.output('out', out);
  const trained = [...graph.inputs.keys()].filter((input) => input.startsWith('blocks.'));
  const gradientsOf = backward ? ['x', ...trained] : [];
  addGradients(graph, out, gradientsOf);
  const inputs = new Map([...graph.inputs].map(([input, { shape }]) => [input, valuesOf(input, shape)]));
  return {
    name,
    what: [
      `a block of ${TOKENS} tokens × ${C}`,
      mopeft ? `with MoPEFT${gate === 'none' ? ' without gates' : ''},` : 'with frozen weights,',
      backward ? 'forward and backward' : 'forward',
      mopeft ? 'to the input and every tensor of MoPEFT' : backward ? 'to the input' : '',
    ]
      .join(' ')
      .trim(),
    flops: mopeft ? null : backward ? BLOCK_BOTH : BLOCK_FORWARD,
    graph,
    inputs,
    out,
    gradientsOf,
    ...(beside !== undefined && { beside }),
    work: mopeft
      ? null
      : {
          kind: 'block',
          tokens: TOKENS,
          C,
          heads: HEADS,
          x: inputs.get('x') ?? new Float32Array(),
          weights: peerWeights(graph, inputs),
          backward,
        },
  };
}

/** Weights near SAM's in size, norms near one, everything of MoPEFT away from zero so that every gradient counts. */
function valuesOf(name: string, shape: readonly number[]): Float32Array {
  const values = normalNumbers(name, sizeOf(shape), name === 'x' ? 1 : 0.05);
  return /norm\d\.weight$/.test(name) ? values.map((value) => 1 + value) : values;
}

/** mean(out²) is what the peers differentiate, so that is the seed here. */
function addGradients(graph: Graph, out: Tensor, names: readonly string[]): void {
  if (names.length === 0) return;
  graph.phase = 'backward';
  const seed = scale(out, 2 / sizeOf(out.shape));
  const wrt = names.map((name) => {
    const tensor = graph.inputs.get(name);
    if (!tensor) throw new RangeError(`no input ${name}`);
    return tensor;
  });
  gradients(graph, [{ tensor: out, seed }], wrt, add).forEach((gradient, i) => {
    if (!gradient) throw new RangeError(`no gradient for ${names[i]}`);
    graph.output(`d.${names[i]}`, gradient);
  });
}

/** The frozen weights by their names within the block, linear ones as [in, out]. */
function peerWeights(graph: Graph, inputs: ReadonlyMap<string, Float32Array>): Record<string, Float32Array> {
  const prefix = 'image_encoder.blocks.0.';
  const weights: Record<string, Float32Array> = {};
  for (const [name, { shape }] of graph.inputs) {
    const values = inputs.get(name);
    if (!values || !name.startsWith(prefix)) continue;
    const [rows = 1, columns = 1] = shape;
    weights[name.slice(prefix.length)] = shape.length === 2 ? transposed(values, rows, columns) : values;
  }
  return weights;
}
