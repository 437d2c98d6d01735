import { Failure } from '../../config/failure.ts';
import type { SamConfig } from '../../config/sam.ts';
import { isTold, type Worth } from '../../config/worth.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { type Adapter, type AdapterBase, writeAdapter } from '../../peft/adapter-file.ts';
import { keepModules, type ModuleId, modulesOf } from '../../peft/modules.ts';
import { trainableTensors } from '../../peft/tensors.ts';
import { type SetScores, summarise } from '../../train/evaluate.ts';
import type { EvaluationSet } from '../../train/training-set.ts';
import { encoderDispatches } from '../tuning.ts';
import { type Measuring, measureTuning } from './measure.ts';
import { worth } from './worth.ts';

/** An adapter with some of its modules alone: the others are neither traced nor stored, and their gates go with them. */
export function pruneAdapter(adapter: Adapter, kept: readonly ModuleId[], sam: SamConfig): Adapter {
  const mopeft = keepModules(adapter.mopeft, ({ method, block }) =>
    kept.some((module) => module.method === method && module.block === block),
  );
  const names = new Set(trainableTensors(mopeft, sam).map(({ name }) => name));
  return {
    ...adapter,
    mopeft,
    tensors: new Map([...adapter.tensors].filter(([name]) => names.has(name))),
  };
}

/** Whether a change is a loss that is told from chance, by box or by click. */
export function isLoss({ box, boxError, click, clickError }: Worth): boolean {
  return (box < 0 && isTold(box, boxError)) || (click < 0 && isTold(click, clickError));
}

/** @param where the folder or the name that it would have got. */
export function losesTooMuch(where: string): Failure {
  return new Failure({
    code: 'worth/pruned-worse',
    what: 'Without the other modules the model is worse, so no pruned adapter was written.',
    where,
    cure: 'Label more images and measure the worth again (on the command line also with --split all), or keep the adapter as it is.',
  });
}

/** How large an adapter is, and how long it takes. */
export interface AdapterSize {
  readonly modules: number;
  /** Trained numbers, those of the mask decoder among them. */
  readonly numbers: number;
  /** Of `adapter.safetensors`. */
  readonly bytes: number;
  /** Dispatches that encoding an image takes. */
  readonly dispatches: number;
}

export function sizeOfAdapter(gpu: Pick<Gpu, 'traits'>, base: AdapterBase, adapter: Adapter): AdapterSize {
  return {
    modules: modulesOf(adapter.mopeft).length,
    numbers: [...adapter.tensors.values()].reduce((sum, { data }) => sum + data.length, 0),
    bytes: writeAdapter(base, adapter).safetensors.length,
    dispatches: encoderDispatches(gpu, base.config, adapter),
  };
}

/** What a run's adapter without some modules scores on the images that it was tested on. */
export interface PrunedScores {
  readonly base: readonly SetScores[];
  readonly whole: readonly SetScores[];
  readonly pruned: readonly SetScores[];
  /** By dataset key, what is gained without the modules. */
  readonly changes: ReadonlyMap<string, Worth>;
}

/**
 * Measures base, whole and pruned adapter on the test images, or on the validation images of a dataset without any.
 * @throws what the signal was aborted with.
 * @param sets in the run's order.
 * @param onProgress called with image passes done, and how many there are.
 */
export async function measurePruned(
  measuring: Measuring,
  whole: Adapter,
  pruned: Adapter,
  sets: readonly EvaluationSet[],
  maxObjects: number,
  onProgress: (done: number, total: number) => void,
): Promise<PrunedScores> {
  const namesOf = ({ split }: EvaluationSet) => (split.test.length > 0 ? split.test : split.val);
  const models = [null, whole, pruned];
  const total = models.length * sets.reduce((sum, set) => sum + namesOf(set).length, 0);
  let passes = 0;
  const scored: SetScores[][] = [];
  for (const model of models) {
    const scores: SetScores[] = [];
    for (const [asked, set] of sets.entries()) {
      const options = { maxImages: 0, maxObjects };
      const images = await measureTuning(measuring, model, { ...set, asked }, namesOf(set), options, {
        beforeImage: async () => onProgress(passes++, total),
      });
      scores.push({ key: set.key, images, summary: summarise(images) });
    }
    scored.push(scores);
  }
  const [base = [], before = [], after = []] = scored;
  const changes = before.map(({ key, images }, i) => [key, worth(images, after[i]?.images ?? [])] as const);
  return { base, whole: before, pruned: after, changes: new Map(changes) };
}
