import { isHfNaming, mapHfNames } from './names-hf.ts';

/** A tensor that every SAM has, under both namings; what stands before it in a file is a wrapper's prefix. */
const ANCHORS = ['image_encoder.patch_embed.proj.weight', 'vision_encoder.patch_embed.projection.weight'];

/**
 * Original SAM name → the name in the file. Takes original and Hugging Face names, both also under a wrapper's prefix
 * (`model.`, `module.`, `sam.` …). Null when it is no SAM.
 */
export function mapNames(names: readonly string[]): Map<string, string> | null {
  const prefix = wrapperPrefix(names);
  if (prefix === null) return null;
  const bare = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const map = isHfNaming(bare) ? mapHfNames(bare) : new Map(bare.map((name) => [name, name]));
  return new Map([...map].map(([original, name]) => [original, prefix + name]));
}

function wrapperPrefix(names: readonly string[]): string | null {
  for (const name of names) {
    for (const anchor of ANCHORS) if (name.endsWith(anchor)) return name.slice(0, -anchor.length);
  }
  return null;
}
