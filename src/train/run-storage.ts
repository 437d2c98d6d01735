import type { HostTensor } from '../sam/checkpoint/safetensors.ts';

/** The best weights of a run. */
export interface BestWeights {
  readonly tensors: ReadonlyMap<string, HostTensor>;
  readonly maskThreshold: number;
  readonly step: number;
  /** Mean validation IoU; null without validation images. */
  readonly score: number | null;
}

/** Where a run keeps what must outlive the tab. Every write replaces the old one whole or not at all. */
export interface RunStorage {
  readonly readCheckpoint: () => Promise<Uint8Array | null>;
  readonly writeCheckpoint: (bytes: Uint8Array) => Promise<void>;
  readonly readBest: () => Promise<Pick<BestWeights, 'tensors' | 'maskThreshold'> | null>;
  readonly writeBest: (best: BestWeights) => Promise<void>;
}
