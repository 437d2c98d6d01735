import { gridOf, type SamConfig } from '../../config/sam.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { Graph } from '../../graph/graph.ts';
import { runGraph } from '../../graph/run-graph.ts';
import { axis } from '../../graph/shape.ts';
import { repeatLeading } from '../../ops/sum-leading/sum-leading.ts';
import { traceImageEncoder } from '../../sam/encoder.ts';
import { imagePeGraph, type PixelSize } from '../../sam/graphs.ts';
import { cellCoords, tracePromptEncoder } from '../../sam/prompt-encoder.ts';
import type { PackedPrompts } from '../../sam/prompts.ts';
import { SamSession } from '../../sam/session.ts';
import { graphInputs } from '../../sam/weight-source.ts';
import type { SamModel } from '../../sam/weights.ts';
import { type Comparison, compare, type PartReport, TOLERANCE } from './report.ts';
import type { SetDescription } from './set.ts';
import { itemOf, packRaw, toChannelsFirst, type Vectors, type VectorTensor } from './vectors.ts';

/** Compares the frozen model with `NAME.forward.safetensors`. */
export async function checkForward(
  gpu: Gpu,
  model: SamModel,
  description: SetDescription,
  vectors: Vectors,
): Promise<PartReport> {
  const comparisons = [
    ...(await checkEncoder(gpu, model, vectors)),
    ...(await checkPrompts(gpu, model, vectors)),
    ...(await checkSession(gpu, model, description, vectors)),
  ];
  return { part: 'forward', comparisons, untouched: vectors.untouched };
}

const forward = (key: string, got: ArrayLike<number>, want: VectorTensor): Comparison =>
  compare(key, got, want.data, TOLERANCE.forward, want.every);

/** Every block and the embedding, the whole batch at once. */
async function checkEncoder(gpu: Gpu, model: SamModel, vectors: Vectors): Promise<Comparison[]> {
  const { config, weights } = model;
  const image = vectors.get('input.image');
  const batch = axis(image.shape, 0);
  const graph = new Graph();
  const { embedding, highRes0, highRes1 } = traceImageEncoder(
    graph,
    config,
    graph.input('image', image.shape),
    graphInputs(graph),
    undefined,
    (index, x) => {
      if (vectors.has(`encoder.block.${index}`)) graph.output(`encoder.block.${index}`, x);
      return undefined;
    },
  );
  graph.output('encoder.embedding', embedding);
  if (highRes0) graph.output('encoder.high_res0', highRes0);
  if (highRes1) graph.output('encoder.high_res1', highRes1);
  const outputs = await runGraph(gpu, graph, { image: image.data }, (name) => weights.range(name));
  return [...outputs].map(([key, got]) => {
    if (key !== 'encoder.embedding') return forward(key, got, vectors.get(key));
    const grid = gridOf(config);
    return forward(key, toChannelsFirst(got, [batch, grid, grid, config.outputChannels]), vectors.get(key));
  });
}

/** Sparse and dense embeddings of every kind of prompt, and the position of the cells. */
async function checkPrompts(
  gpu: Gpu,
  { config, weights }: SamModel,
  vectors: Vectors,
): Promise<Comparison[]> {
  const found: Comparison[] = [];
  const [grid, D] = [gridOf(config), config.outputChannels];
  const range = (name: string) => weights.range(name);
  const pe = vectors.find('prompt.dense_pe');
  if (pe) {
    const outputs = await runGraph(gpu, imagePeGraph(config), { cells: cellCoords(config) }, range);
    const got = outputs.get('imagePe') ?? new Float32Array();
    found.push(forward('prompt.dense_pe', toChannelsFirst(got, [1, grid, grid, D]), pe));
  }
  for (const tag of tagsOf(vectors)) {
    // Files use either name.
    const keys = (what: string) =>
      [`decode.${tag}.${what}`, `prompt.${tag}.${what}`].filter((key) => vectors.has(key));
    const [sparse, dense] = [keys('sparse'), keys('dense')];
    if (sparse.length + dense.length === 0) continue;
    const prompts = promptsOf(tag, vectors, config);
    const outputs = await runGraph(gpu, promptGraph(config, prompts), promptInputs(prompts), range);
    for (const key of sparse) found.push(forward(key, outputs.get('sparse') ?? [], vectors.get(key)));
    const got = toChannelsFirst(outputs.get('dense') ?? new Float32Array(), [prompts.objects, grid, grid, D]);
    for (const key of dense) found.push(forward(key, got, vectors.get(key)));
  }
  return found;
}

/** Masks and IoUs of a session, as in the studio, on image 0. */
async function checkSession(
  gpu: Gpu,
  model: SamModel,
  { postprocess }: SetDescription,
  vectors: Vectors,
): Promise<Comparison[]> {
  const found: Comparison[] = [];
  const session = await SamSession.open(gpu, model);
  try {
    await session.encode(itemOf(vectors.get('input.image'), 0).data);
    for (const tag of tagsOf(vectors)) {
      const { lowResMasks, iou } = await session.decode(promptsOf(tag, vectors, model.config));
      found.push(forward(`decode.${tag}.masks`, lowResMasks, vectors.get(`decode.${tag}.masks`)));
      found.push(forward(`decode.${tag}.iou`, iou, vectors.get(`decode.${tag}.iou`)));
      const logits = tag === 'points' && postprocess ? vectors.find('postprocess.logits') : null;
      if (!logits || !postprocess) continue;
      const sizes: [PixelSize, PixelSize] = [postprocess.input_size, postprocess.original_size];
      found.push(forward('postprocess.logits', await session.upscaleMasks(lowResMasks, ...sizes), logits));
    }
  } finally {
    await session.release();
  }
  return found;
}

/** The kinds of prompt in a file: `points`, `boxes`, `points_boxes`, `points_mask` … */
function tagsOf(vectors: Vectors): string[] {
  const tags = vectors.keys.map((key) => /^decode\.(.+)\.masks$/.exec(key)?.[1]);
  return tags.filter((tag) => tag !== undefined);
}

/** The prompts of a kind, by the words of its name. */
function promptsOf(tag: string, vectors: Vectors, config: SamConfig): PackedPrompts {
  const words = new Set(tag.split('_'));
  const points = words.has('points') ? vectors.get('input.points') : null;
  const labels = points && vectors.get('input.labels');
  const boxes = words.has('boxes') ? vectors.get('input.boxes') : null;
  const mask = words.has('mask') || words.has('masks') ? vectors.get('input.mask') : null;
  const objects = axis((points ?? boxes ?? mask ?? { shape: [0] }).shape, 0);
  return packRaw(config, objects, points, labels, boxes, mask?.data ?? null);
}

function promptGraph(config: SamConfig, { objects, tokens, maskInput }: PackedPrompts): Graph {
  const graph = new Graph();
  const side = 4 * gridOf(config);
  const { sparse, dense } = tracePromptEncoder(graph, config, {
    coords: tokens > 0 ? graph.input('coords', [objects, tokens, 2]) : null,
    labels: tokens > 0 ? graph.input('labels', [objects, tokens]) : null,
    maskInput: maskInput && graph.input('maskInput', [objects, side, side]),
  });
  if (sparse) graph.output('sparse', sparse);
  const [grid, D] = [gridOf(config), config.outputChannels];
  graph.output('dense', repeatLeading(dense, [objects, grid, grid, D]));
  return graph;
}

function promptInputs({ coords, labels, maskInput, tokens }: PackedPrompts): Record<string, Float32Array> {
  return { ...(tokens > 0 && { coords, labels }), ...(maskInput && { maskInput }) };
}
