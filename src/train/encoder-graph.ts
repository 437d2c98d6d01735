import type { MopeftConfig } from '../config/mopeft.ts';
import type { SamConfig } from '../config/sam.ts';
import { gradients } from '../graph/grad.ts';
import { Graph, type Tensor } from '../graph/graph.ts';
import { recompute } from '../graph/recompute.ts';
import { accumulate } from '../ops/accumulate/accumulate.ts';
import { add } from '../ops/add/add.ts';
import { attachModules } from '../peft/build.ts';
import type { TrainableTensor } from '../peft/tensors.ts';
import { traceImageEncoder } from '../sam/encoder.ts';
import { graphInputs } from '../sam/weight-source.ts';
import { gradName } from './parameter-buffers.ts';

/** Names of the encoder's inputs and outputs that are not weights. */
export const ENCODER = {
  image: 'image',
  dprice: 'dprice',
} as const;

/** The name of an embedding's gradient. */
export function embeddingGradName(name: string): string {
  return `d${name}`;
}

/**
 * The image encoder with modules, `image` [1, 3, S, S] → the model's embeddings (`embedding` [1, h, w, D] …) and gates, and
 * a phase `backward` that adds the gradients for their seeds (`dembedding` …) onto the accumulators `grad.*`. Without a trained
 * tensor in the encoder there is no backward; blocks below the first module have none in any case.
 * What methods and gates add to the loss (`peft/gates/gate-form.ts`) has the seed `dprice` [1].
 * @param keptBlocks of so many of the last blocks every value is kept for the backward. Of the others only the outputs
 * are, and the rest is computed again in the backward: a fraction of the memory for up to a third more time.
 */
export function encoderTrainingGraph(
  sam: SamConfig,
  mopeft: MopeftConfig,
  trained: readonly TrainableTensor[],
  keptBlocks = Number.POSITIVE_INFINITY,
): Graph {
  const graph = new Graph();
  const image = graph.input(ENCODER.image, [1, 3, sam.imageSize, sam.imageSize]);
  const weights = graphInputs(graph);
  const blocks: Tensor[] = [];
  const modules = attachModules(graph, mopeft, weights, 'training');
  const embeddings = traceImageEncoder(graph, sam, image, weights, modules.slots, (_, x) => blocks.push(x));
  for (const [name, tensor] of Object.entries(embeddings)) graph.output(name, tensor);
  const price = modules.loss();
  const own = trained.filter(({ group }) => group !== 'decoder');
  if (own.length === 0) return graph;
  graph.phase = 'backward';
  const wrt = own.map(({ name, shape }) => graph.input(name, shape));
  const seeds = [
    ...Object.entries(embeddings).map(([name, tensor]) => ({
      tensor,
      seed: graph.input(embeddingGradName(name), tensor.shape),
    })),
    ...(price ? [{ tensor: price, seed: graph.input(ENCODER.dprice, [1]) }] : []),
  ];
  gradients(graph, seeds, wrt, add).forEach((gradient, i) => {
    const tensor = own[i];
    if (gradient && tensor) accumulate(graph.input(gradName(tensor.name), tensor.shape), gradient);
  });
  recompute(graph, blocks.slice(0, Math.max(0, blocks.length - keptBlocks)), 'backward');
  return graph;
}
