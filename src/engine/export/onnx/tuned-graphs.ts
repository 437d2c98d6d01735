/** The graphs of a tuned model that go into ONNX files. */
import type { Graph } from '../../../graph/graph.ts';
import { attachModules } from '../../../peft/build.ts';
import { datasetToken } from '../../../peft/dataset-token.ts';
import { DATASET_INPUT, datasetCount, datasetRows, tellsDatasetsApart } from '../../../peft/datasets.ts';
import { mergeAdapter, mergeRefusal, namedIndex } from '../../../peft/merge.ts';
import { preparedTensors } from '../../../sam/checkpoint/prepare.ts';
import { type DecodeShape, decodeGraph, encodeGraph } from '../../../sam/graphs.ts';
import { cellCoords } from '../../../sam/prompt-encoder.ts';
import { graphInputs } from '../../../sam/weight-source.ts';
import type { ExportSource } from '../export-form.ts';
import { MANY_OBJECTS, MANY_TOKENS } from './node-context.ts';

/** A tuned model's graphs with the values of their inputs, as the engine holds them. */
export interface TunedGraphs {
  readonly encode: Graph;
  /** Of any number of objects, without a mask prompt. */
  readonly decode: Graph;
  /** Of one object, whose dense embedding is given. */
  readonly decodeDense: Graph;
  readonly weight: (name: string) => Float32Array;
}

/** @throws Failure `merge/which-dataset`, `checkpoint/…`. */
export async function tunedGraphs({ adapter, checkpoint, dataset }: ExportSource): Promise<TunedGraphs> {
  const { mopeft, tensors } = adapter;
  const { config, read } = checkpoint;
  const isMerged = mergeRefusal(adapter, config) === null;
  const changed = isMerged ? await mergeAdapter(adapter, config, read, dataset) : new Map();
  const values = new Map<string, Float32Array>();
  for await (const { made } of preparedTensors(
    config,
    async (name) => changed.get(name) ?? (await read(name)),
  ))
    for (const { name, data } of made) values.set(name, data);
  if (!isMerged) for (const [name, { data }] of tensors) values.set(name, data);
  if (tellsDatasetsApart(mopeft)) {
    const asked = namedIndex(mopeft.datasets ?? [], dataset);
    values.set(DATASET_INPUT, datasetRows([asked], datasetCount(mopeft)));
  }
  values.set('cells', cellCoords(config));
  const shape = { tokens: MANY_TOKENS, hasMask: false };
  const decode = (more: Pick<DecodeShape, 'objects' | 'isDenseGiven'>) =>
    decodeGraph(config, { ...shape, ...more }, undefined, datasetToken(mopeft));
  return {
    encode: isMerged
      ? encodeGraph(config)
      : encodeGraph(config, (graph) => attachModules(graph, mopeft, graphInputs(graph), 'evaluation').slots),
    decode: decode({ objects: MANY_OBJECTS }),
    decodeDense: decode({ objects: 1, isDenseGiven: true }),
    weight: (name) => {
      const found = values.get(name);
      if (!found) throw new RangeError(`the model has no tensor ${name}`);
      return found;
    },
  };
}

/** An output of a graph that was written. */
export function needed(values: ReadonlyMap<string, string>, name: string): string {
  const value = values.get(name);
  if (value === undefined) throw new RangeError(`the graph has no output ${name}`);
  return value;
}
