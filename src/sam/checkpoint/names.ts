import { Failure } from '../../config/failure.ts';
import type { AnyEncoder, HfName } from '../encoders/encoder.ts';
import { ENCODERS } from '../encoders/registry.ts';

/** A tensor of the image encoder under both namings; what stands before it in a file is a wrapper's prefix. */
const ENCODER_TENSOR = /^((?:.*?\.)?)(?:image|vision)_encoder\./;

/**
 * What a fine-tuning's wrapper puts into the names of the layer that it wraps: PEFT for a layer that it changes and for a module
 * that it trains a copy of, SAMed for `qkv`.
 */
const WRAPPED = /\.(base_layer|original_module|qkv(?=\.qkv\.))(?=\.)/;

/**
 * What programs put into names wherever they wrap a part of a model: training on several GPUs, `torch.compile`, activation
 * checkpointing, and PEFT.
 */
const WRAPPERS =
  /(?<=^|\.)(?:module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|base_model\.model)\./g;

/** A tensor's or module's name without what wrappers of the model, or of parts of it, have put there. */
export function withoutWrappers(name: string): string {
  return name.replace(WRAPPERS, '');
}

/**
 * What stands before the names of the models in a file (`model.`, `module.`, `sam.` …, or nothing), that with most of an image
 * encoder's tensors first. Stray tensors may have others.
 */
export function modelPrefixes(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) {
    const prefix = ENCODER_TENSOR.exec(name)?.[1];
    if (prefix !== undefined) counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a).map(([prefix]) => prefix);
}

/**
 * Original SAM name → the names in the file behind a prefix: one, or those of q, k and v that become one `qkv`, in this order.
 * Takes original and Hugging Face names, both also as trainings and fine-tunings wrap them.
 * @throws Failure `checkpoint/twice` where two names mean the same tensor.
 */
export function mapNames(names: readonly string[], prefix: string): Map<string, readonly string[]> {
  const bare = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const unwrapped = new Map<string, string>();
  for (const name of bare) setOnce(unwrapped, withoutWrappers(name).replace(WRAPPED, ''), name);
  const plain = [...unwrapped.keys()];
  const map = isHfNaming(plain) ? mapHfNames(plain) : mapOwnNames(plain);
  return joinProjections(
    new Map([...map].map(([original, name]) => [original, prefix + (unwrapped.get(name) ?? name)])),
  );
}

/** Original SAM name → the name in the file, for a file with the names of SAM's or its encoder's own program. */
function mapOwnNames(names: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (const name of names) setOnce(map, renamed(name, OWN_NAMES) ?? name, name);
  return map;
}

/** One `qkv` in place of layers of their own for q, k and v, as SlimSAM's training has them. */
function joinProjections(map: ReadonlyMap<string, string>): Map<string, readonly string[]> {
  const joined = new Map<string, readonly string[]>([...map].map(([original, name]) => [original, [name]]));
  for (const original of map.keys()) {
    const [, attention, kind] = /^(image_encoder\..*\.attn\.)q\.(weight|bias)$/.exec(original) ?? [];
    if (!attention || !kind || map.has(`${attention}qkv.${kind}`)) continue;
    const parts = ['q', 'k', 'v'].map((part) => `${attention}${part}.${kind}`);
    const found = parts.flatMap((part) => map.get(part) ?? []);
    if (found.length < parts.length) continue;
    for (const part of parts) joined.delete(part);
    joined.set(`${attention}qkv.${kind}`, found);
  }
  return joined;
}

function setOnce(map: Map<string, string>, key: string, name: string): void {
  const other = map.get(key);
  if (other !== undefined) {
    throw new Failure({
      code: 'checkpoint/twice',
      what: `${other} and ${name} are the same tensor of a SAM.`,
      where: `tensor ${name}`,
      cure: 'Save the weights again, those of one model only.',
    });
  }
  map.set(key, name);
}

/**
 * Hugging Face's names and SAM's, but for the image encoder's. Both hold the same tensors in the same layout, so only the
 * name changes. Checked against transformers 5.24 (`state_dict()` of SamModel, SamHQModel and Sam2Model).
 */
const SHARED_NAMES: readonly HfName[] = [
  [
    'shared_image_embedding.positional_embedding',
    'prompt_encoder.pe_layer.positional_encoding_gaussian_matrix',
  ],
  ['vision_encoder.neck.conv1.', 'image_encoder.neck.0.'],
  ['vision_encoder.neck.layer_norm1.', 'image_encoder.neck.1.'],
  ['vision_encoder.neck.conv2.', 'image_encoder.neck.2.'],
  ['vision_encoder.neck.layer_norm2.', 'image_encoder.neck.3.'],
  ['prompt_encoder.mask_embed.conv1.', 'prompt_encoder.mask_downscaling.0.'],
  ['prompt_encoder.mask_embed.layer_norm1.', 'prompt_encoder.mask_downscaling.1.'],
  ['prompt_encoder.mask_embed.conv2.', 'prompt_encoder.mask_downscaling.3.'],
  ['prompt_encoder.mask_embed.layer_norm2.', 'prompt_encoder.mask_downscaling.4.'],
  ['prompt_encoder.mask_embed.conv3.', 'prompt_encoder.mask_downscaling.6.'],
  ['prompt_encoder.point_embed.#.', 'prompt_encoder.point_embeddings.#.'],
  ['mask_decoder.transformer.layers.#.layer_norm#.', 'mask_decoder.transformer.layers.#.norm#.'],
  ['mask_decoder.transformer.layer_norm_final_attn.', 'mask_decoder.transformer.norm_final_attn.'],
  ['mask_decoder.upscale_conv1.', 'mask_decoder.output_upscaling.0.'],
  ['mask_decoder.upscale_layer_norm.', 'mask_decoder.output_upscaling.1.'],
  ['mask_decoder.upscale_conv2.', 'mask_decoder.output_upscaling.3.'],
  ['mask_decoder.hq_token.', 'mask_decoder.hf_token.'],
  ['mask_decoder.compress_vit_conv1.', 'mask_decoder.compress_vit_feat.0.'],
  ['mask_decoder.compress_vit_norm.', 'mask_decoder.compress_vit_feat.1.'],
  ['mask_decoder.compress_vit_conv2.', 'mask_decoder.compress_vit_feat.3.'],
  ['mask_decoder.encoder_conv1.', 'mask_decoder.embedding_encoder.0.'],
  ['mask_decoder.encoder_norm.', 'mask_decoder.embedding_encoder.1.'],
  ['mask_decoder.encoder_conv2.', 'mask_decoder.embedding_encoder.3.'],
  ['mask_decoder.mask_conv1.', 'mask_decoder.embedding_maskfeature.0.'],
  ['mask_decoder.mask_norm.', 'mask_decoder.embedding_maskfeature.1.'],
  ['mask_decoder.mask_conv2.', 'mask_decoder.embedding_maskfeature.3.'],
];

const OWN_NAMES = ENCODERS.flatMap(({ ownNames }) => ownNames ?? []);

const ALL_NAMES = [...SHARED_NAMES, ...ENCODERS.flatMap(({ hfNames }) => hfNames)];

/** Hugging Face's name of the shared embedding a second time; its owner is `shared_image_embedding`. */
export const COPY = 'prompt_encoder.shared_embedding.positional_embedding';
const HEAD =
  /^(mask_decoder\.(?:output_hypernetworks_mlps\.\d+|iou_prediction_head|pred_obj_score_head|hq_mask_mlp))\.(proj_in|proj_out|layers\.(\d+))\.(.*)$/;

/** True when the names are those of a Hugging Face SamModel. */
function isHfNaming(names: Iterable<string>): boolean {
  for (const name of names) if (name.startsWith('vision_encoder.')) return true;
  return false;
}

/** Original SAM name → the name in the file, for a file with Hugging Face's names. */
export function mapHfNames(names: readonly string[]): Map<string, string> {
  const depths = headDepths(names);
  const map = new Map<string, string>();
  for (const name of names) {
    if (name === COPY) continue;
    setOnce(map, originalName(name, depths), name);
  }
  const shared = 'prompt_encoder.pe_layer.positional_encoding_gaussian_matrix';
  if (!map.has(shared) && names.includes(COPY)) map.set(shared, COPY);
  return map;
}

/** Linear layers of every head: the inner ones, and the first and the last. */
function headDepths(names: readonly string[]): Map<string, number> {
  const depths = new Map<string, number>();
  for (const name of names) {
    const [, head, , inner] = HEAD.exec(name) ?? [];
    if (head) depths.set(head, Math.max(depths.get(head) ?? 2, inner === undefined ? 2 : Number(inner) + 3));
  }
  return depths;
}

function originalName(name: string, depths: ReadonlyMap<string, number>): string {
  const [, head, part, inner, rest] = HEAD.exec(name) ?? [];
  if (head && part && rest) {
    const layer =
      part === 'proj_in' ? 0 : part === 'proj_out' ? (depths.get(head) ?? 2) - 1 : Number(inner) + 1;
    return `${head.replace(/hq_mask_mlp$/, 'hf_mlp')}.layers.${layer}.${rest}`;
  }
  return renamed(name, ALL_NAMES) ?? name;
}

/**
 * Hugging Face's name of each tensor, by SAM's; null where it has no such model.
 * @param names all tensors of a SAM with this encoder.
 */
export function hfNames(names: readonly string[], encoder: AnyEncoder): Map<string, string> | null {
  const lasts = new Map<string, number>();
  for (const name of names) {
    const [, head, layer] = SAM_HEAD.exec(name) ?? [];
    if (head) lasts.set(head, Math.max(lasts.get(head) ?? 0, Number(layer)));
  }
  const reversed = [...encoder.hfNames, ...SHARED_NAMES].map(([hf, sam]): HfName => [sam, hf]);
  const map = new Map<string, string>();
  for (const name of names) {
    const [, head, layer, rest] = SAM_HEAD.exec(name) ?? [];
    if (head) {
      const i = Number(layer);
      const part = i === 0 ? 'proj_in' : i === lasts.get(head) ? 'proj_out' : `layers.${i - 1}`;
      map.set(name, `${head.replace(/hf_mlp$/, 'hq_mask_mlp')}.${part}.${rest}`);
    } else {
      const own = renamed(name, reversed);
      if (own === null && name.startsWith('image_encoder.')) return null;
      map.set(name, own ?? name);
    }
  }
  return map;
}

/** The name of each tensor in the files of SAM's own program, or of its encoder's, by SAM's. */
export function ownNames(names: readonly string[], encoder: AnyEncoder): Map<string, string> {
  const reversed = (encoder.ownNames ?? []).map(([own, sam]): HfName => [sam, own]);
  return new Map(names.map((name) => [name, renamed(name, reversed) ?? name]));
}

const SAM_HEAD =
  /^(mask_decoder\.(?:output_hypernetworks_mlps\.\d+|iou_prediction_head|pred_obj_score_head|hf_mlp))\.layers\.(\d+)\.(.*)$/;

/** A name in the other naming, by the first pair whose first text it begins with; null without one. */
function renamed(name: string, pairs: readonly HfName[]): string | null {
  for (const [from, to] of pairs) {
    const numbers = patternOf(from).exec(name);
    if (!numbers) continue;
    let next = 1;
    return to.replaceAll('#', () => numbers[next++] ?? '') + name.slice(numbers[0].length);
  }
  return null;
}

const patterns = new Map<string, RegExp>();
function patternOf(text: string): RegExp {
  const known = patterns.get(text);
  if (known) return known;
  const end = text.endsWith('.') ? '' : '$';
  const made = new RegExp(`^${text.replaceAll('.', '\\.').replaceAll('#', '(\\d+)')}${end}`);
  patterns.set(text, made);
  return made;
}
