import type { MopeftConfig } from '../config/mopeft.ts';
import type { SamConfig } from '../config/sam.ts';
import { gradients } from '../graph/grad.ts';
import { Graph, type Node, type Tensor } from '../graph/graph.ts';
import { recompute } from '../graph/recompute.ts';
import { accumulate } from '../ops/accumulate/accumulate.ts';
import { add } from '../ops/add/add.ts';
import { attachModules } from '../peft/build.ts';
import { firstTunedBlock } from '../peft/modules.ts';
import type { TrainableTensor } from '../peft/tensors.ts';
import { mapEmbeddings, sitesOf, traceImageEncoder } from '../sam/encoder.ts';
import type { Embeddings } from '../sam/encoders/encoder.ts';
import type { BlockSlots } from '../sam/slots.ts';
import { graphInputs } from '../sam/weight-source.ts';
import { gradName } from './parameter-buffers.ts';

/** Names of the encoder's inputs and outputs that are not weights. */
export const ENCODER = {
  image: 'image',
  tokens: 'tokens',
  dprice: 'dprice',
} as const;

/** The name of an embedding's gradient. */
export function embeddingGradName(name: string): string {
  return `d${name}`;
}

/**
 * Where the encoder of a training is cut: what lies below the block of this number has no module and is computed
 * apart, since it gives the same for an image however long the run. 0: nothing is below; as many as there are blocks:
 * the whole encoder is.
 */
export function cutOf(sam: SamConfig, mopeft: MopeftConfig): number {
  return Math.min(firstTunedBlock(mopeft), sitesOf(sam).length);
}

/**
 * The encoder below the cut, without modules: `image` [1, 3, S, S] → `tokens` [1, H, W, C], and of the model's embeddings
 * those that are made there, at the upper end all and no tokens. @param cut above 0.
 */
export function lowerGraph(sam: SamConfig, cut: number): Graph {
  const graph = new Graph();
  traceCut(graph, sam, 1, cut, undefined, (name, tensor) => {
    graph.output(name, tensor);
    return graph.input(name, tensor.shape);
  });
  return graph;
}

/** The encoder above the cut as it answers outside of training: what {@link lowerGraph} gives → the model's embeddings and gates. */
export function evaluationGraph(sam: SamConfig, mopeft: MopeftConfig, cut: number): Graph {
  const graph = new Graph();
  const { slots } = attachModules(graph, mopeft, graphInputs(graph), 'evaluation');
  const embeddings = traceUpper(graph, sam, 1, cut, slots);
  for (const [name, tensor] of Object.entries(embeddings)) graph.output(name, tensor);
  return graph;
}

/**
 * The image encoder with modules above the cut for `images` images: what {@link lowerGraph} gives of each, or `image` [B, 3,
 * S, S] where nothing is below → the model's embeddings (`embedding` [B, h, w, D] …) and gates, and a phase `backward` that adds the gradients for their seeds
 * (`dembedding` …) onto the accumulators `grad.*`. Without a trained tensor in the encoder there is no backward.
 * What methods and gates add to the loss (`peft/gates/gate-form.ts`) has the seed `dprice` [1].
 * @param keptBlocks of so many of the last blocks every value is kept for the backward. Of the others only the outputs
 * are, and the rest is computed again in the backward: a fraction of the memory for up to a third more time.
 */
export function encoderTrainingGraph(
  sam: SamConfig,
  mopeft: MopeftConfig,
  trained: readonly TrainableTensor[],
  cut: number,
  keptBlocks = Number.POSITIVE_INFINITY,
  images = 1,
): Graph {
  const graph = new Graph();
  const blocks: Tensor[] = [];
  const modules = attachModules(graph, mopeft, graphInputs(graph), 'training', images);
  const embeddings = traceUpper(graph, sam, images, cut, modules.slots, (x) => blocks.push(x));
  for (const [name, tensor] of Object.entries(embeddings)) graph.output(name, tensor);
  const price = modules.loss();
  const own = trained.filter(({ part }) => part === 'encoder');
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

/** The encoder from the cut on, on inputs in place of what is below. */
function traceUpper(
  graph: Graph,
  sam: SamConfig,
  images: number,
  cut: number,
  slots: BlockSlots,
  onBlock?: (x: Tensor) => void,
): Embeddings<Tensor> {
  return traceCut(graph, sam, images, cut, slots, (name, { shape }) => graph.input(name, shape), onBlock);
}

/**
 * Traces an encoder with another tensor in place of each that is made below the cut and used above. What serves no output
 * then is dropped when the graph is planned.
 * @param standIn gives the other tensor.
 * @param onBlock sees the outputs of blocks above the cut.
 */
function traceCut(
  graph: Graph,
  sam: SamConfig,
  images: number,
  cut: number,
  slots: BlockSlots | undefined,
  standIn: (name: string, below: Tensor) => Tensor,
  onBlock?: (x: Tensor) => void,
): Embeddings<Tensor> {
  const image = graph.input(ENCODER.image, [images, 3, sam.imageSize, sam.imageSize]);
  const isWhole = cut === sitesOf(sam).length;
  let below = new Set<number>();
  const madeBy = (nodes: readonly Node[]) =>
    new Set(nodes.flatMap(({ outputs }) => outputs.map(({ id }) => id)));
  const above = (name: string, x: Tensor) => (below.has(x.root.id) ? standIn(name, x) : x);
  const cutAt = (i: number, x: Tensor) => {
    if (i >= cut) onBlock?.(x);
    if (i !== cut - 1 || isWhole) return undefined;
    below = madeBy(graph.nodes);
    return standIn(ENCODER.tokens, x);
  };
  const embeddings = traceImageEncoder(graph, sam, image, graphInputs(graph), slots, cutAt, above);
  if (isWhole) below = madeBy(graph.nodes);
  return mapEmbeddings(embeddings, (tensor, name) => above(name, tensor));
}
