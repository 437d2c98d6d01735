import { Failure } from '../config/failure.ts';

/** WGSL texts by their path under `shaders/` without the extension, e.g. `layernorm/forward`. */
export type ShaderSources = ReadonlyMap<string, string>;

const INCLUDE = /^[ \t]*#include "([^"]+)"[ \t]*$/gm;

/**
 * Resolves `#include "lib/name"` lines, the only text mechanism of the shaders. Every file is included at most once.
 * @throws Failure `gpu/no-shader` when a file is missing.
 */
export class ShaderLibrary {
  private readonly resolved = new Map<string, string>();

  constructor(readonly sources: ShaderSources) {}

  /** The complete WGSL of one shader. */
  source(name: string): string {
    const known = this.resolved.get(name);
    if (known !== undefined) return known;
    const text = this.expand(name, new Set());
    this.resolved.set(name, text);
    return text;
  }

  private expand(name: string, seen: Set<string>): string {
    if (seen.has(name)) return '';
    seen.add(name);
    const text = this.sources.get(name);
    if (text === undefined) {
      throw new Failure({
        code: 'gpu/no-shader',
        what: 'The shader file does not exist.',
        where: `shaders/${name}.wgsl`,
        cure: 'Add the file or correct the name in the op that asks for it.',
      });
    }
    return text.replace(INCLUDE, (_line, included: string) => this.expand(included, seen));
  }
}
