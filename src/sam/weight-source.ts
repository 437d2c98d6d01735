import type { Graph, Tensor } from '../graph/graph.ts';
import type { Shape } from '../graph/shape.ts';

/** Gives the tensor of a name while a model is traced. Names are SAM's own, with q, k and v of the encoder apart. */
export type WeightSource = (name: string, shape: Shape) => Tensor;

/** The usual source: every weight is an outside buffer of the graph, under its own name. */
export function graphInputs(graph: Graph): WeightSource {
  return (name, shape) => graph.input(name, shape);
}
