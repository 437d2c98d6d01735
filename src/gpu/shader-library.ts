import { Failure } from '../config/failure.ts';

/** WGSL texts by their path under `shaders/` without the extension, e.g. `layernorm/forward`. */
export type ShaderSources = ReadonlyMap<string, string>;

const INCLUDE = /^[ \t]*#include "([^"]+)"[ \t]*$/gm;

/** Stands before the entry point of a kernel whose threads hold many numbers. */
const NARROW = /^#narrow-subgroups$/m;

/**
 * Resolves the two kinds of line that shaders have besides WGSL: `#include "lib/name"`, every file at most once, and
 * `#narrow-subgroups`, by which a kernel runs in subgroups of the size that the device was opened with, if any.
 * @throws Failure `gpu/no-shader` when a file is missing.
 */
export class ShaderLibrary {
  private readonly resolved = new Map<string, string>();

  /** @param narrow threads of the subgroups that kernels ask for; null where the device leaves it open. */
  constructor(
    readonly sources: ShaderSources,
    private readonly narrow: number | null = null,
  ) {}

  /** The complete WGSL of one shader. */
  source(name: string): string {
    const known = this.resolved.get(name);
    if (known !== undefined) return known;
    const text = this.sized(this.expand(name, new Set()));
    this.resolved.set(name, text);
    return text;
  }

  private sized(text: string): string {
    if (this.narrow === null || !NARROW.test(text)) return text.replace(NARROW, '');
    return `enable subgroup_size_control;\n${text.replace(NARROW, `@subgroup_size(${this.narrow})`)}`;
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
