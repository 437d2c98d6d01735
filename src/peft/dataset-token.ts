/**
 * A token for each dataset beside those of the prompt: what is asked, where images are alike and masks are not. It starts as
 * SAM's token for no point, and what is learned is added to that.
 */
import type { MopeftConfig } from '../config/mopeft.ts';
import type { Shape } from '../graph/shape.ts';
import { add } from '../ops/add/add.ts';
import { matmul } from '../ops/matmul/matmul.ts';
import { sliceTokens } from '../ops/slice-tokens/slice-tokens.ts';
import type { TokenOf } from '../sam/graphs.ts';
import { pointTable } from '../sam/prompt-encoder.ts';
import { graphInputs } from '../sam/weight-source.ts';
import { DATASET_INPUT, datasetCount } from './datasets.ts';

/** Name of what is learned, [datasets, D]. */
export const DATASET_TOKENS = 'tokens.dataset';

/** How much faster than the modules' rate it is learned. */
export const TOKEN_RATE = 10;

/** @param width of the prompt tokens, D. */
export function tokenShape(config: MopeftConfig, width: number): Shape {
  return [datasetCount(config), width];
}

/** Traces the token of each image's dataset; undefined for a config without one. */
export function datasetToken(config: MopeftConfig): TokenOf | undefined {
  if (!config.token) return undefined;
  return (graph, images, sam) => {
    const { outputChannels: width } = sam;
    const rows = graph.input(DATASET_INPUT, [images, datasetCount(config)]);
    const learned = matmul(rows, graph.input(DATASET_TOKENS, tokenShape(config, width)));
    const table = pointTable(sam, graphInputs(graph));
    return add(learned, sliceTokens(table.view([1, ...table.shape]), 0, 1).view([width]));
  };
}
