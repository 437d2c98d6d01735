import { axis, type Shape, sizeOf } from '../../../graph/shape.ts';
import { addLinear, addNorm, type ShapeMap } from '../../checkpoint/layer-shapes.ts';
import type { HostTensor } from '../../checkpoint/tensor-file.ts';
import { addNeck } from '../../neck.ts';
import type { PreparedTensor, StoredBlocks } from '../encoder.ts';
import { hiddenWidth, STEM, stageName, TINY_VIT_EPS, type TinyVitSam, tinyVitSites } from './config.ts';

/** Parameters of a batch norm, in the order in which {@link foldedConv} takes them. */
const BATCH_NORM = ['weight', 'bias', 'running_mean', 'running_var'] as const;

const CONV = /^(.*)\.c\.weight$/;
const BATCH_NORM_TENSOR = /\.bn\.(weight|bias|running_mean|running_var)$/;
const BIASES = /^(.*\.attn)\.attention_biases$/;
const QKV = /^(.*\.attn)\.qkv\.(weight|bias)$/;

/** TinyViT's names of a block's layers, and those of SAM's block, which methods know. */
const BLOCK_NAMES = [
  ['.attn.norm.', '.norm1.'],
  ['.mlp.norm.', '.norm2.'],
  ['.mlp.fc1.', '.mlp.lin1.'],
  ['.mlp.fc2.', '.mlp.lin2.'],
] as const;

/** The rows of `qkv` lie head by head, in each q, k and v. */
export const tinyVitBlocks: StoredBlocks = {
  nameOf: (name) => BLOCK_NAMES.reduce((renamed, [own, sam]) => renamed.replace(sam, own), name),
  splitQkv: (stored, heads) => swapGroups(stored, heads, 3),
  joinQkv: (split, heads) => swapGroups(split, 3, heads),
};

/** Values in `outer` groups of `inner` pieces each → in `inner` groups of `outer` pieces. */
function swapGroups(values: Float32Array, outer: number, inner: number): Float32Array {
  const size = values.length / (outer * inner);
  const swapped = new Float32Array(values.length);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      const from = (o * inner + i) * size;
      swapped.set(values.subarray(from, from + size), (i * outer + o) * size);
    }
  return swapped;
}

/**
 * What a file may hold and the forward pass does not read: counters of batch norm, tables of offsets, biases that were
 * spread out already, and the classifier of the pretraining.
 */
const SPARE =
  /^image_encoder\.(?:.*\.(?:num_batches_tracked|attention_bias_idxs|ab)|(?:norm_head|head)\.(?:weight|bias))$/;

/** Whether a tensor is known and not needed. */
export function isSpareTensor(name: string): boolean {
  return SPARE.test(name);
}

/** Every tensor by its original name, with its shape in a checkpoint. */
export function tinyVitShapes(config: TinyVitSam): ShapeMap {
  const { widths, stemKernel: k, depths } = config.encoder;
  const shapes: ShapeMap = new Map();
  const first = widths[0] ?? 0;
  addConv(shapes, STEM[0], [first / 2, 3, k, k]);
  addConv(shapes, STEM[1], [first, first / 2, k, k]);
  const hidden = hiddenWidth(0, config.encoder);
  for (let i = 0; i < (depths[0] ?? 0); i++) {
    const name = `${stageName(0)}.blocks.${i}`;
    addConv(shapes, `${name}.conv1`, [hidden, first, 1, 1]);
    addConv(shapes, `${name}.conv2`, [hidden, 1, 3, 3]);
    addConv(shapes, `${name}.conv3`, [first, hidden, 1, 1]);
  }
  widths.slice(1).forEach((width, i) => {
    const name = `${stageName(i)}.downsample`;
    addConv(shapes, `${name}.conv1`, [width, widths[i] ?? 0, 1, 1]);
    addConv(shapes, `${name}.conv2`, [width, 1, 3, 3]);
    addConv(shapes, `${name}.conv3`, [width, width, 1, 1]);
  });
  for (const { name, width, mlpWidth, heads, window } of tinyVitSites(config)) {
    addNorm(shapes, `${name}.attn.norm`, width);
    shapes.set(`${name}.attn.attention_biases`, [heads, window * window]);
    addLinear(shapes, `${name}.attn.qkv`, width, 3 * width);
    addLinear(shapes, `${name}.attn.proj`, width, width);
    addConv(shapes, `${name}.local_conv`, [width, 1, 3, 3]);
    addNorm(shapes, `${name}.mlp.norm`, width);
    addLinear(shapes, `${name}.mlp.fc1`, width, mlpWidth);
    addLinear(shapes, `${name}.mlp.fc2`, mlpWidth, width);
  }
  addNeck(shapes, config, widths.at(-1) ?? 0);
  return shapes;
}

/** A convolution without bias and the batch norm behind it. */
function addConv(shapes: ShapeMap, name: string, kernel: Shape): void {
  shapes.set(`${name}.c.weight`, kernel);
  for (const part of BATCH_NORM) shapes.set(`${name}.bn.${part}`, [axis(kernel, 0)]);
}

/**
 * A tensor as the engine holds it. A batch norm is folded into the convolution before it, which becomes `weight` and
 * `bias`; `qkv` becomes `q`, `k` and `v`; the table of attention biases is spread to `attn.bias` [heads, N, N].
 */
export function prepareTinyVitTensor(config: TinyVitSam, name: string, shape: Shape): PreparedTensor[] {
  if (BATCH_NORM_TENSOR.test(name)) return [];
  const [, conv] = CONV.exec(name) ?? [];
  if (conv) return foldedConv(conv, shape);
  const [, table] = BIASES.exec(name) ?? [];
  if (table) return [spreadBiases(table, shape)];
  const [, attn, kind] = QKV.exec(name) ?? [];
  if (attn && kind) return splitQkv(config, attn, kind, shape);
  const own = BLOCK_NAMES.reduce((renamed, [from, sam]) => renamed.replace(from, sam), name);
  return [{ name: own, shape, values: ({ data }) => data }];
}

/** kernel · γ/√(σ² + ε) and β − μ · γ/√(σ² + ε); a depthwise kernel [C, 1, 3, 3] becomes [9, C]. */
function foldedConv(name: string, kernel: Shape): PreparedTensor[] {
  const out = axis(kernel, 0);
  const each = sizeOf(kernel) / out;
  const isDepthwise = axis(kernel, 1) === 1;
  const others = BATCH_NORM.map((part) => `${name}.bn.${part}`);
  const weight = ({ data }: HostTensor, norm: readonly HostTensor[]) => {
    const folded = new Float32Array(data.length);
    for (let o = 0; o < out; o++) {
      const { scale } = normAt(norm, o);
      for (let i = 0; i < each; i++)
        folded[isDepthwise ? i * out + o : o * each + i] = scale * (data[o * each + i] ?? 0);
    }
    return folded;
  };
  const bias = (_: HostTensor, norm: readonly HostTensor[]) =>
    Float32Array.from({ length: out }, (_, o) => normAt(norm, o).shift);
  return [
    { name: `${name}.weight`, shape: isDepthwise ? [each, out] : kernel, others, values: weight },
    { name: `${name}.bias`, shape: [out], others, values: bias },
  ];
}

/** What a batch norm multiplies a channel by, and what it then adds. */
function normAt(norm: readonly HostTensor[], channel: number): { scale: number; shift: number } {
  const [weight, bias, mean, variance] = norm.map(({ data }) => data[channel] ?? 0);
  const scale = (weight ?? 0) / Math.sqrt((variance ?? 0) + TINY_VIT_EPS);
  return { scale, shift: (bias ?? 0) - (mean ?? 0) * scale };
}

/** LeViT's biases: one for every |Δy|, |Δx| of a square window, in row order. */
function spreadBiases(attn: string, [heads = 0, offsets = 0]: Shape): PreparedTensor {
  const side = Math.sqrt(offsets);
  const apart = (i: number, j: number) =>
    Math.abs(Math.floor(i / side) - Math.floor(j / side)) * side + Math.abs((i % side) - (j % side));
  return {
    name: `${attn}.bias`,
    shape: [heads, offsets, offsets],
    values: ({ data }) => {
      const spread = new Float32Array(heads * offsets * offsets);
      let at = 0;
      for (let head = 0; head < heads; head++)
        for (let i = 0; i < offsets; i++)
          for (let j = 0; j < offsets; j++) spread[at++] = data[head * offsets + apart(i, j)] ?? 0;
      return spread;
    },
  };
}

function splitQkv(config: TinyVitSam, attn: string, kind: string, shape: Shape): PreparedTensor[] {
  const heads = tinyVitSites(config).find(({ name }) => attn === `${name}.attn`)?.heads ?? 1;
  const third: Shape = [axis(shape, 0) / 3, ...shape.slice(1)];
  const size = sizeOf(third);
  return ['q', 'k', 'v'].map((part, i) => ({
    name: `${attn}.${part}.${kind}`,
    shape: third,
    values: ({ data }) => tinyVitBlocks.splitQkv(data, heads).subarray(i * size, (i + 1) * size),
  }));
}
