import type { AdapterTraits } from '../gpu/traits.ts';
import type { Shape } from './shape.ts';

/** Plain values (numbers, booleans, strings) that an op is made with; part of its identity. */
export type Attributes = object;

/** Which tensor a pass binds: an input, an output or a scratch tensor of the op, by position. */
export type Binding = { readonly input: number } | { readonly output: number } | { readonly scratch: number };

/** Workgroups of a dispatch along each axis, and storage buffers that it binds, with WebGPU's default limits. */
export const MOST_WORKGROUPS = 65_535;
export const MOST_BINDINGS = 8;

/** What a pass reads from textures of vectors of four, through a sampler that follows the textures among its bindings. */
export interface SampledBindings {
  /**
   * Bindings that the shader has once more, after the others and in this order, as textures: a copy of the buffer, made
   * before the dispatch. At most `MOST_TEXEL_BYTES` each, whole vectors.
   */
  readonly copied: readonly number[];
  /** Bindings that the shader writes. WebGPU infers no layout for textures of f32 that are sampled. */
  readonly written: readonly number[];
}

/** One dispatch. `bindings[i]` is the shader's `@group(0) @binding(i)`. */
export interface Pass {
  /** Path under `shaders/` without the extension. */
  readonly shader: string;
  /** Values of the shader's `override` constants. */
  readonly constants: Readonly<Record<string, number>>;
  /** Values of the shader's `struct Params`, where it declares one: unlike constants, one pipeline serves them all. */
  readonly params?: Readonly<Record<string, number>>;
  readonly bindings: readonly Binding[];
  readonly texels?: SampledBindings;
  readonly workgroups: readonly [x: number, y: number, z: number];
  /** Multiply and add counted as two; sizes the slices of a submit. */
  readonly flops: number;
}

/** What an op sees when it makes its passes. A missing optional input has a null shape. */
export interface PassContext<A> {
  readonly inputs: readonly (Shape | null)[];
  readonly outputs: readonly Shape[];
  readonly attrs: A;
  readonly traits: AdapterTraits;
}
