import { type AskedDataset, namedDataset, nearestDataset } from '../engine/asked-dataset.ts';
import { ModelSession, type Tuning } from '../engine/tuning.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Adapter } from '../peft/adapter-file.ts';
import type { SamModel } from '../sam/weights.ts';
import { wrongArguments } from './arguments.ts';

/** The flag that says which of the datasets of an adapter's training is meant. */
export const AS_FLAG = { as: { type: 'string' } } as const;

export const AS_USAGE = `  --as DATASET says which is meant of the datasets that an adapter tells apart (gate form task, --token), by its name in the
  training; without it the one whose images are most alike is taken, and said.`;

/**
 * An adapter as it answers for the dataset of `--as`, or of what is segmented; null for the base model.
 * @param feature gives what is segmented as the base model sees it.
 * @throws Failure `cli/arguments`, `adapter/no-dataset`.
 */
export async function askedOf<T extends Adapter>(
  gpu: Gpu,
  model: SamModel,
  adapter: T | null,
  as: string | undefined,
  feature: (base: ModelSession) => Promise<Float32Array>,
  usage: string,
): Promise<(T & Tuning) | null> {
  if (!adapter) {
    if (as !== undefined)
      throw wrongArguments('--as goes with --adapter', 'Add --adapter, or leave --as out', usage);
    return null;
  }
  const asked =
    as === undefined
      ? await nearestDataset(adapter, () => withBase(gpu, model, feature))
      : namedDataset(adapter, as);
  if (asked && asked.by !== 'name') console.error(sentence(asked));
  return asked ? { ...adapter, dataset: asked.index } : adapter;
}

async function withBase<T>(gpu: Gpu, model: SamModel, use: (base: ModelSession) => Promise<T>): Promise<T> {
  const base = await ModelSession.open(gpu, model, null);
  try {
    return await use(base);
  } finally {
    await base.release();
  }
}

function sentence({ name, by }: AskedDataset): string {
  const why = by === 'features' ? 'whose images are most alike' : 'the first of the training';
  return `Segmented as in ${name}, ${why} (--as DATASET says which is meant).`;
}
