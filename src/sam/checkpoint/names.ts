import { ENCODERS } from '../encoders/registry.ts';

/** A tensor of the image encoder under both namings; what stands before it in a file is a wrapper's prefix. */
const ENCODER_TENSOR = /^((?:.*?\.)?)(?:image|vision)_encoder\./;

/**
 * Original SAM name → the name in the file. Takes original and Hugging Face names, both also under a wrapper's prefix
 * (`model.`, `module.`, `sam.` …). Null without an image encoder.
 */
export function mapNames(names: readonly string[]): Map<string, string> | null {
  const prefix = wrapperPrefix(names);
  if (prefix === null) return null;
  const bare = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const map = isHfNaming(bare) ? mapHfNames(bare) : new Map(bare.map((name) => [name, name]));
  return new Map([...map].map(([original, name]) => [original, prefix + name]));
}

/** The prefix of most of the encoder's tensors, the first of several; stray tensors may have another. */
function wrapperPrefix(names: readonly string[]): string | null {
  const counts = new Map<string, number>();
  for (const name of names) {
    const prefix = ENCODER_TENSOR.exec(name)?.[1];
    if (prefix !== undefined) counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
  }
  const most = Math.max(...counts.values());
  return [...counts].find(([, count]) => count === most)?.[0] ?? null;
}

/**
 * From Hugging Face's names to SAM's, but for the image encoder's. Both hold the same tensors in the same layout, so only the
 * name changes. Checked against transformers 5.24 (`SamModel.state_dict()`).
 */
const SHARED_NAMES: readonly (readonly [RegExp, string])[] = [
  [
    /^shared_image_embedding\.positional_embedding$/,
    'prompt_encoder.pe_layer.positional_encoding_gaussian_matrix',
  ],
  [/^vision_encoder\.neck\.conv1\./, 'image_encoder.neck.0.'],
  [/^vision_encoder\.neck\.layer_norm1\./, 'image_encoder.neck.1.'],
  [/^vision_encoder\.neck\.conv2\./, 'image_encoder.neck.2.'],
  [/^vision_encoder\.neck\.layer_norm2\./, 'image_encoder.neck.3.'],
  [/^prompt_encoder\.mask_embed\.conv1\./, 'prompt_encoder.mask_downscaling.0.'],
  [/^prompt_encoder\.mask_embed\.layer_norm1\./, 'prompt_encoder.mask_downscaling.1.'],
  [/^prompt_encoder\.mask_embed\.conv2\./, 'prompt_encoder.mask_downscaling.3.'],
  [/^prompt_encoder\.mask_embed\.layer_norm2\./, 'prompt_encoder.mask_downscaling.4.'],
  [/^prompt_encoder\.mask_embed\.conv3\./, 'prompt_encoder.mask_downscaling.6.'],
  [/^prompt_encoder\.point_embed\.(\d)\./, 'prompt_encoder.point_embeddings.$1.'],
  [
    /^mask_decoder\.transformer\.layers\.(\d+)\.layer_norm([1234])\./,
    'mask_decoder.transformer.layers.$1.norm$2.',
  ],
  [/^mask_decoder\.transformer\.layer_norm_final_attn\./, 'mask_decoder.transformer.norm_final_attn.'],
  [/^mask_decoder\.upscale_conv1\./, 'mask_decoder.output_upscaling.0.'],
  [/^mask_decoder\.upscale_layer_norm\./, 'mask_decoder.output_upscaling.1.'],
  [/^mask_decoder\.upscale_conv2\./, 'mask_decoder.output_upscaling.3.'],
];

/** The shared embedding a second time; its owner is `shared_image_embedding`. */
const COPY = 'prompt_encoder.shared_embedding.positional_embedding';
const HEAD =
  /^(mask_decoder\.(?:output_hypernetworks_mlps\.\d+|iou_prediction_head))\.(proj_in|proj_out|layers\.(\d+))\.(.*)$/;

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
    map.set(originalName(name, depths), name);
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
    return `${head}.layers.${layer}.${rest}`;
  }
  for (const [pattern, replacement] of [...SHARED_NAMES, ...ENCODERS.flatMap(({ hfNames }) => hfNames)])
    if (pattern.test(name)) return name.replace(pattern, replacement);
  return name;
}
