import { isHfNaming, mapHfNames } from './names-hf.ts';

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

function wrapperPrefix(names: readonly string[]): string | null {
  for (const name of names) {
    const prefix = ENCODER_TENSOR.exec(name)?.[1];
    if (prefix !== undefined) return prefix;
  }
  return null;
}
