import { Failure } from '../../config/failure.ts';
import { show } from '../../graph/shape.ts';
import type { TensorFile } from '../../sam/checkpoint/tensor-file.ts';
import { lora } from '../lora/lora.ts';
import type { LowRank } from './foreign-lora.ts';

/** Names of the two tensors of a pair; one may be missing in a file. */
export interface PairNames {
  readonly a?: string;
  readonly b?: string;
}

/**
 * Reads the tensors of a pair, their shapes first.
 * @param scaleOf the scale for the pair's rank.
 * @throws Failure `adapter/pair`, `adapter/shapes`, `adapter/rank`, `adapter/scale`, `checkpoint/…`.
 */
export async function readPairTensors(
  file: TensorFile,
  { a, b }: PairNames,
  scaleOf: (rank: number) => number,
): Promise<LowRank> {
  if (a === undefined || b === undefined) {
    throw new Failure({
      code: 'adapter/pair',
      what: `The tensor ${a ?? b} has no partner: LoRA needs an A and a B.`,
      where: file.name,
      cure: 'The file was saved or copied only in part; save the adapter again.',
    });
  }
  const [shapeA, shapeB] = [file.tensors.get(a)?.shape ?? [], file.tensors.get(b)?.shape ?? []];
  const [rank = 0, input = 0] = shapeA;
  const isPair = shapeA.length === 2 && shapeB.length === 2 && shapeB[1] === rank;
  if (!isPair || rank === 0 || input === 0 || shapeB[0] === 0) {
    throw new Failure({
      code: 'adapter/shapes',
      what: `${a} is ${show(shapeA)} and ${b} is ${show(shapeB)}; LoRA has [rank, input] and [output, rank].`,
      where: file.name,
      cure: 'Only LoRA of linear layers can be imported; merge other adapters into their model.',
    });
  }
  const { max } = lora.fields([]).rank;
  if (rank > max) {
    throw new Failure({
      code: 'adapter/rank',
      what: `Its rank is ${rank}, and at most ${max} can be imported.`,
      where: `${file.name}, tensor ${a}`,
      cure: 'Merge it into its model with merge_and_unload() in Python and open the result as a model.',
    });
  }
  const scale = scaleOf(rank);
  const pair = { a: await file.read(a), b: await file.read(b), scale };
  const bad = pair.b.data.find((value) => !Number.isFinite(Math.fround(value * scale)));
  if (bad !== undefined) {
    throw new Failure({
      code: 'adapter/scale',
      what: `Its scale ${scale} makes infinite weights of ${b}.`,
      where: file.name,
      cure: 'Check lora_alpha in its adapter_config.json.',
    });
  }
  return pair;
}
