/**
 * A piece of work that every contender does on the same numbers. Weights of linear layers are [in, out], row-major.
 */
export type Work =
  | {
      readonly kind: 'matmul';
      readonly M: number;
      readonly K: number;
      readonly N: number;
      /** [M, K], or [K, M] when aT. */
      readonly a: Float32Array;
      readonly aT: boolean;
      /** [K, N] */
      readonly b: Float32Array;
    }
  | {
      readonly kind: 'layernorm';
      readonly rows: number;
      readonly C: number;
      readonly x: Float32Array;
      readonly weight: Float32Array;
      readonly bias: Float32Array;
    }
  | {
      /** Over the last axis. */
      readonly kind: 'softmax';
      readonly shape: readonly [number, number, number];
      readonly x: Float32Array;
    }
  | {
      readonly kind: 'attention';
      readonly tokens: number;
      readonly C: number;
      readonly heads: number;
      readonly q: Float32Array;
      readonly k: Float32Array;
      readonly v: Float32Array;
    }
  | {
      readonly kind: 'block';
      readonly tokens: number;
      readonly C: number;
      readonly heads: number;
      readonly x: Float32Array;
      /** By SAM's names within a block: `norm1.weight`, `attn.q.weight`, …, `mlp.lin2.bias`. */
      readonly weights: Readonly<Record<string, Float32Array>>;
      /** The gradient of mean(out²) to x as well; the weights are frozen. */
      readonly backward: boolean;
    };

/** LayerNorms of the work. */
export const EPS = 1e-6;

/** A piece of work made ready by one contender. */
export interface Runnable {
  /** Does the work once; resolves when the device has finished it. */
  run(): Promise<void>;
  /** The result: out, or the gradient when there is a backward. */
  result(): Promise<Float32Array>;
  release(): void;
}

/** A library that the bench compares with. */
export interface Peer {
  readonly name: string;
  prepare(work: Work): Promise<Runnable>;
}
