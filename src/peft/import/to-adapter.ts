import { Failure } from '../../config/failure.ts';
import type { MopeftConfig } from '../../config/mopeft.ts';
import type { SamConfig } from '../../config/sam.ts';
import { sameShape, show, sizeOf } from '../../graph/shape.ts';
import { samTensorShapes } from '../../sam/checkpoint/expected-shapes.ts';
import type { HostTensor } from '../../sam/checkpoint/tensor-file.ts';
import { merge } from '../../sam/checkpoint/unmerged.ts';
import { sitesOf } from '../../sam/encoder.ts';
import type { EncoderSite } from '../../sam/site.ts';
import type { Adapter, AdapterBase } from '../adapter-file.ts';
import { none } from '../gates/none.ts';
import { ia3 } from '../ia3/ia3.ts';
import { LORA_LAYERS, LORA_TARGETS, type LoraLayer, lora, loraWidths } from '../lora/lora.ts';
import { describeForeign, type ForeignLora, type LowRankPair, rankOf } from './foreign-lora.ts';

type Targets = keyof typeof LORA_TARGETS;

/** The open model. */
export interface ForeignBase extends AdapterBase {
  readonly weights: {
    /** The values of a tensor of its mask decoder by SAM's name. */
    readonly values: (name: string) => Promise<Float32Array>;
  };
}

/**
 * LoRA or IA³ of another program as an adapter of the open model: every layer with an A and a B of its own, the scale multiplied into
 * B, lower ranks filled up with zeros. That of the mask decoder is merged into a decoder of the adapter's own. Images are prepared as the model says, and the mask threshold is SAM's,
 * where our own export does not say it.
 * @throws Failure `adapter/other-model` where the shapes are not the model's, `adapter/decoder`, `adapter/encoder`.
 */
export async function adapterOfForeign(foreign: ForeignLora, base: ForeignBase): Promise<Adapter> {
  const sites = sitesOf(base.config);
  expectFits(foreign, base, sites);
  const { pairs, scales, use } = foreign;
  const decoder = await decoderOf(foreign, base);
  const byBlock = new Map<number, Map<LoraLayer, LayerPair>>();
  for (const pair of pairs) {
    const own = byBlock.get(pair.block) ?? new Map<LoraLayer, LayerPair>();
    for (const [layer, one] of splitFused(pair)) {
      if (own.has(layer)) throw twice(foreign, pair.block, layer);
      own.set(layer, one);
    }
    byBlock.set(pair.block, own);
  }
  const rank = Math.max(
    ...[...byBlock.values()].flatMap((layers) => [...layers.values()].map((own) => own.rank)),
  );
  const targets = smallestTargets(new Set([...byBlock.values()].flatMap((layers) => [...layers.keys()])));
  const tensors = new Map<string, HostTensor>(decoder);
  for (const [block, layers] of byBlock) {
    const site = siteAt(sites, block);
    for (const layer of LORA_TARGETS[targets]) {
      const { input, output } = loraWidths(layer, site);
      const { a, b } = filledUp(layers.get(layer), rank, input, output);
      tensors.set(`blocks.${block}.lora.${layer}.A`, { shape: [rank, input], data: a });
      tensors.set(`blocks.${block}.lora.${layer}.B`, { shape: [output, rank], data: b });
    }
  }
  for (const { block, layers } of scales) {
    for (const { name, shape } of ia3.tensors({}, siteAt(sites, block))) {
      const own = layers[name.replace('ia3.', '') as keyof typeof layers];
      tensors.set(`blocks.${block}.${name}`, { shape, data: own ?? new Float32Array(sizeOf(shape)) });
    }
  }
  const mopeft: MopeftConfig = {
    methods: {
      ...(pairs.length > 0 && { [lora.id]: { rank, alpha: 0, targets } }),
      ...(scales.length > 0 && { [ia3.id]: {} }),
    },
    gate: none.id,
    blocks: [...byBlock.keys(), ...scales.map(({ block }) => block)].sort((x, y) => x - y),
    trainDecoder: decoder.size > 0,
  };
  return {
    mopeft,
    tensors,
    preprocessing: use?.preprocessing ?? base.config.preprocessing,
    maskThreshold: use?.maskThreshold ?? 0,
    training: {
      understood: [`${describeForeign(foreign)}.`, baseSentence(foreign, base), ...foreign.remarks],
      ...(use?.scale !== undefined && { scale: use.scale }),
    },
  };
}

function siteAt(sites: readonly EncoderSite[], block: number): EncoderSite {
  const site = sites[block];
  if (!site) throw new RangeError(`block ${block} was checked`);
  return site;
}

/** The trained decoder: as it was saved whole, or the model's own with the changes merged; empty where it was not trained. */
async function decoderOf(
  { name, label, decoder, decoderChanges }: ForeignLora,
  { config, weights }: ForeignBase,
): Promise<ReadonlyMap<string, HostTensor>> {
  if (decoderChanges.size === 0) return decoder;
  const own = new Map<string, HostTensor>();
  for (const [tensor, shape] of samTensorShapes(config)) {
    if (!tensor.startsWith('mask_decoder.')) continue;
    own.set(tensor, decoder.get(tensor) ?? { shape, data: await weights.values(tensor) });
  }
  for (const [module, { a, b, scale }] of decoderChanges) {
    const layer = `${samLayer(module, config)}.weight`;
    const before = own.get(layer);
    const [output, input] = before?.shape ?? [];
    if (before?.shape.length !== 2 || a.shape[1] !== input || b.shape[0] !== output) {
      throw new Failure({
        code: 'adapter/decoder',
        what: `It is ${label} that changes ${module} by ${a.shape[1]} → ${b.shape[0]}, and the open model ${before ? `has ${input} → ${output} there` : 'has no such linear layer'}.`,
        where: name,
        cure: 'Open the model on which it was trained, then the adapter again.',
      });
    }
    own.set(layer, merge(before, a, b, scale, `${name}, ${module}`));
  }
  return own;
}

/** SAM's name of a layer of the decoder: Hugging Face's are other ones for the first and last of a head. */
function samLayer(module: string, { decoder }: SamConfig): string {
  const depth = module.includes('.iou_prediction_head.') ? decoder.iouHeadDepth : HYPERNETWORK_DEPTH;
  return module.replace(/\.proj_in$/, '.layers.0').replace(/\.proj_out$/, `.layers.${depth - 1}`);
}

/** Linear layers of each head that makes a mask. */
const HYPERNETWORK_DEPTH = 3;

function twice({ name, label }: ForeignLora, block: number, layer: LoraLayer): Failure {
  return new Failure({
    code: 'adapter/layers',
    what: `It is ${label} that changes ${layer} of block ${block} twice, by attn.qkv and by a layer of its own.`,
    where: name,
    cure: 'No SAM has both layers; save the adapter again.',
  });
}

/** The pair of one of our layers; scale is multiplied into b. */
interface LayerPair {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly rank: number;
}

/** A pair of the fused projection is one for each of its three parts, which share A. */
function splitFused(pair: LowRankPair): [LoraLayer, LayerPair][] {
  const rank = rankOf(pair);
  const scaled = pair.b.data.map((value) => value * pair.scale);
  if (pair.layer !== 'qkv') return [[pair.layer, { a: pair.a.data, b: scaled, rank }]];
  const third = scaled.length / 3;
  const parts = (['q', 'k', 'v'] as const).map((layer, part): [LoraLayer, LayerPair] => [
    layer,
    withoutZeros({ a: pair.a.data, b: scaled.subarray(part * third, (part + 1) * third), rank }),
  ]);
  const changed = parts.filter(([, own]) => own.rank > 0);
  // Where nothing was trained yet, all three stand for what would be.
  return changed.length > 0
    ? changed
    : parts.map(([layer, own]) => [layer, { ...own, a: pair.a.data, b: new Float32Array(third), rank }]);
}

/** A pair without the rows of A that its B does not use, as where q and v have rows of their own in a shared A. */
function withoutZeros({ a, b, rank }: LayerPair): LayerPair {
  const [inputs, outputs] = [a.length / rank, b.length / rank];
  const isUsed = (r: number) => {
    for (let row = 0; row < outputs; row++) if (b[row * rank + r] !== 0) return true;
    return false;
  };
  const used = Array.from({ length: rank }, (_, r) => r).filter(isUsed);
  const own = { a: new Float32Array(used.length * inputs), b: new Float32Array(outputs * used.length) };
  for (const [i, r] of used.entries()) {
    own.a.set(a.subarray(r * inputs, (r + 1) * inputs), i * inputs);
    for (let row = 0; row < outputs; row++) own.b[row * used.length + i] = b[row * rank + r] ?? 0;
  }
  return { ...own, rank: used.length };
}

/** A [rank, input] and B [output, rank] of a pair of at most that rank; zeros where there is none. */
function filledUp(pair: LayerPair | undefined, rank: number, input: number, output: number) {
  const a = new Float32Array(rank * input);
  const b = new Float32Array(output * rank);
  if (pair) {
    a.set(pair.a);
    for (let row = 0; row < output; row++) {
      b.set(pair.b.subarray(row * pair.rank, (row + 1) * pair.rank), row * rank);
    }
  }
  return { a, b };
}

function smallestTargets(layers: ReadonlySet<LoraLayer>): Targets {
  const holds = (targets: Targets) => {
    const own: readonly LoraLayer[] = LORA_TARGETS[targets];
    return LORA_LAYERS.every((layer) => !layers.has(layer) || own.includes(layer));
  };
  return (Object.keys(LORA_TARGETS) as Targets[]).find(holds) ?? 'all';
}

function expectFits(foreign: ForeignLora, base: AdapterBase, sites: readonly EncoderSite[]): void {
  const { name, label, pairs, scales, hasBlockNumbers } = foreign;
  if (base.config.encoder.kind !== 'vit') {
    throw new Failure({
      code: 'adapter/encoder',
      what: `It is ${label} of a ViT, and ${base.name} has another image encoder.`,
      where: name,
      cure: 'Open the SAM ViT model on which it was trained, then the adapter again.',
    });
  }
  const blocks = Math.max(0, ...[...pairs, ...scales].map(({ block }) => block)) + 1;
  if (blocks > sites.length || (!hasBlockNumbers && blocks !== sites.length)) {
    const extent = hasBlockNumbers ? `block ${blocks - 1}` : `${blocks} blocks without saying which`;
    throw otherModel(foreign, base, `It changes ${extent}, and ${base.name} has ${sites.length} blocks.`);
  }
  for (const { block, layer, a, b } of pairs) {
    const site = siteAt(sites, block);
    const { input, output } = loraWidths(layer === 'qkv' ? 'q' : layer, site);
    const wanted = layer === 'qkv' ? 3 * output : output;
    if (a.shape[1] === input && b.shape[0] === wanted) continue;
    throw otherModel(
      foreign,
      base,
      `In block ${block} its ${layer} is ${a.shape[1]} → ${b.shape[0]}, and that of ${base.name} is ${input} → ${wanted}.`,
    );
  }
  for (const { block, layers } of scales) {
    const { attentionWidth, mlpWidth } = siteAt(sites, block);
    for (const [layer, { length }] of Object.entries(layers)) {
      const wanted = layer === 'ff' ? mlpWidth : attentionWidth;
      if (length === wanted) continue;
      throw otherModel(
        foreign,
        base,
        `In block ${block} it scales ${layer} by ${length} numbers, and that of ${base.name} has ${wanted}.`,
      );
    }
  }
  expectDecoder(foreign, base);
}

/** A decoder is there as a whole or not at all. */
function expectDecoder({ name, decoder }: ForeignLora, base: AdapterBase): void {
  if (decoder.size === 0) return;
  const shapes = [...samTensorShapes(base.config)].filter(([tensor]) => tensor.startsWith('mask_decoder.'));
  const known = new Map(shapes);
  const wrong =
    shapes.find(([tensor, shape]) => !sameShape(decoder.get(tensor)?.shape ?? [], shape))?.[0] ??
    [...decoder.keys()].find((tensor) => !known.has(tensor));
  if (wrong === undefined) return;
  const [saved, own] = [decoder.get(wrong)?.shape, known.get(wrong)];
  throw new Failure({
    code: 'adapter/decoder',
    what: `Its mask decoder is not that of ${base.name}: ${wrong} is ${saved ? show(saved) : 'missing'}, and the model's is ${own ? show(own) : 'missing'}.`,
    where: name,
    cure: 'Only a mask decoder that was saved whole (modules_to_save) can be imported; merge the rest into its model in Python.',
  });
}

function otherModel({ name, baseName }: ForeignLora, base: AdapterBase, detail: string): Failure {
  return new Failure({
    code: 'adapter/other-model',
    what: `The adapter belongs to another model. ${detail}`,
    where: name,
    cure: `Open ${baseName ?? 'the model on which it was trained'} instead of ${base.name}, then the adapter again.`,
  });
}

function baseSentence({ baseName }: ForeignLora, { name }: AdapterBase): string {
  const said = baseName === null ? '' : ` Its config names ${baseName}, and ${name} is open.`;
  return `The file does not hold a hash of the weights it was trained on; only its widths and blocks were compared.${said}`;
}
