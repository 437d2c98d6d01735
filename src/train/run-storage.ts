import type { MopeftConfig } from '../config/mopeft.ts';
import type { FileStore } from '../data/file-store.ts';
import { type AdapterBase, readAdapterFiles, recordWithin, writeAdapter } from '../peft/adapter-file.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';
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

/** Names of a run's files in its folder. */
export const RUN_STORAGE_FILES = {
  checkpoint: 'checkpoint/last.safetensors',
  adapter: 'adapter.safetensors',
  adapterJson: 'adapter.json',
} as const;

/**
 * A run's storage as files of a folder: `checkpoint/last.safetensors`, and the best weights as an adapter, whose
 * `adapter.safetensors` is whole without the json beside it.
 * @param folder path in the store; `''` when the store is the run.
 * @param training recorded in adapter.json beside step and score.
 */
export function fileRunStorage(
  store: FileStore,
  folder: string,
  base: AdapterBase,
  mopeft: MopeftConfig,
  training: Readonly<Record<string, unknown>> = {},
): RunStorage {
  const path = (name: string) => (folder === '' ? name : `${folder}/${name}`);
  const readIfThere = async (name: string) =>
    (await store.exists(path(name))) ? store.read(path(name)) : null;
  return {
    readCheckpoint: () => readIfThere(RUN_STORAGE_FILES.checkpoint),
    writeCheckpoint: (bytes) => store.write(path(RUN_STORAGE_FILES.checkpoint), bytes),
    readBest: async () => {
      const weights = await readIfThere(RUN_STORAGE_FILES.adapter);
      if (!weights) return null;
      const safetensors = new Uint8Array(weights);
      const own = await recordWithin(bytesSource(RUN_STORAGE_FILES.adapter, safetensors));
      const beside = own === null ? await readIfThere(RUN_STORAGE_FILES.adapterJson) : null;
      const json = own ?? (beside && new TextDecoder().decode(beside));
      return json === null ? null : readAdapterFiles(base, { json, safetensors });
    },
    writeBest: async ({ tensors, maskThreshold, step, score }) => {
      const about = { ...training, step, score };
      const files = writeAdapter(base, { mopeft, tensors, maskThreshold, training: about });
      await store.write(path(RUN_STORAGE_FILES.adapter), files.safetensors);
      await store.write(path(RUN_STORAGE_FILES.adapterJson), new TextEncoder().encode(files.json));
    },
  };
}
