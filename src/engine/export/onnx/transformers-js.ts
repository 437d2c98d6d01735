/** The two files of a model in the layout of transformers.js, `SamModel` and `Sam2Model`. */
import { type DecoderKind, gridOf, lowResOf, MASK_TOKENS, type SamConfig } from '../../../config/sam.ts';
import { axis, type Shape } from '../../../graph/shape.ts';
import { embeddingShapes } from '../../../sam/encoder.ts';
import { imagePeGraph } from '../../../sam/graphs.ts';
import { lowerGraph } from './lower.ts';
import { OnnxModel, type Value } from './onnx-model.ts';
import { joinedTokens, pointsAlone, pointsAndBoxes } from './prompt-inputs.ts';
import { needed, type TunedGraphs } from './tuned-graphs.ts';

/** What the encoder's file hands to the decoder's: the engine's names by those of transformers.js. */
type Handed = readonly (readonly [name: string, engine: string])[];

/** By the kind of the mask decoder; null where transformers.js has no layout for it. */
const HANDED: Readonly<Record<DecoderKind, Handed | null>> = {
  sam: [
    ['image_embeddings', 'embedding'],
    ['image_positional_embeddings', 'imagePe'],
  ],
  sam2: [
    ['image_embeddings.0', 'highRes0'],
    ['image_embeddings.1', 'highRes1'],
    ['image_embeddings.2', 'embedding'],
  ],
  hq: null,
};

/** Whether transformers.js has a layout for such a model. */
export function hasTransformersJs({ decoder }: SamConfig): boolean {
  return HANDED[decoder.kind] !== null;
}

/** What the files hand on, with the shape [h, w, C] of each. */
function handedOf(config: SamConfig): { name: string; engine: string; shape: Shape }[] {
  const [grid, D] = [gridOf(config), config.outputChannels];
  const shapes = new Map<string, Shape>([
    ...Object.entries(embeddingShapes(config)),
    ['imagePe', [grid, grid, D]],
  ]);
  return (HANDED[config.decoder.kind] ?? []).map(([name, engine]) => {
    const shape = shapes.get(engine);
    if (!shape) throw new RangeError(`the model has no ${engine}`);
    return { name, engine, shape };
  });
}

/** [h, w, C] → [1, C, h, w], as the files hand it on. */
function channelsFirst(shape: Shape): number[] {
  return [1, axis(shape, 2), axis(shape, 0), axis(shape, 1)];
}

/**
 * `pixel_values` [1, 3, S, S] → of a SAM `image_embeddings` and `image_positional_embeddings`, [1, D, h, w] both; of a SAM 2
 * `image_embeddings.0` [1, D/8, 4h, 4w], `.1` [1, D/4, 2h, 2w] and `.2` [1, D, h, w].
 */
export function visionEncoder(config: SamConfig, graphs: TunedGraphs): Uint8Array<ArrayBuffer> {
  const { encode, weight } = graphs;
  const handed = handedOf(config);
  const model = new OnnxModel('vision_encoder');
  const image = model.input('pixel_values', 'float', [1, 3, config.imageSize, config.imageSize]);
  const given = (name: string) => (name === 'image' ? image : null);
  const values = lowerGraph(model, encode, { given, weight });
  if (handed.some(({ engine }) => engine === 'imagePe'))
    values.set('imagePe', model.node('Unsqueeze', [positionsOf(model, config, graphs), model.ints([0])]));
  for (const { name, engine, shape } of handed) {
    const turned = model.node('Transpose', [needed(values, engine)], { perm: [0, 3, 1, 2] });
    model.output(name, turned, 'float', channelsFirst(shape));
  }
  return model.bytes();
}

/** The positional encoding of the cells, [h, w, D], which no image changes. */
function positionsOf(model: OnnxModel, config: SamConfig, { weight }: TunedGraphs): Value {
  return needed(lowerGraph(model, imagePeGraph(config), { given: () => null, weight }), 'imagePe');
}

/**
 * The encoder's outputs, `input_points` [1, N, T, 2] and `input_labels` [1, N, T], of a SAM 2 with `input_boxes` too (see
 * {@link pointsAndBoxes}) → of N objects `iou_scores` [1, N, 3] and `pred_masks` [1, N, 3, 4h, 4w] of the candidates, and
 * `single_iou_score` [1, N, 1] and `single_pred_mask` [1, N, 1, 4h, 4w] of the mask for prompts that leave no doubt.
 */
export function promptEncoderMaskDecoder(config: SamConfig, graphs: TunedGraphs): Uint8Array<ArrayBuffer> {
  const { decode, weight } = graphs;
  const handed = handedOf(config);
  const side = lowResOf(config);
  const model = new OnnxModel('prompt_encoder_mask_decoder');
  const ints = (...values: number[]) => model.ints(values);
  for (const { name, shape } of handed) model.input(name, 'float', channelsFirst(shape));
  const prompts = config.decoder.kind === 'sam2' ? pointsAndBoxes(model) : pointsAlone(model);
  const inputs = new Map<string, Value>();
  for (const { name, engine } of handed) {
    const cells = model.node('Transpose', [name], { perm: [0, 2, 3, 1] });
    inputs.set(engine, model.node('Squeeze', [cells, ints(0)]));
  }
  if (!inputs.has('imagePe')) inputs.set('imagePe', positionsOf(model, config, graphs));
  const { coords, labels } = joinedTokens(model, prompts);
  inputs.set('coords', coords).set('labels', labels);
  const { objects } = prompts;
  const decoded = lowerGraph(model, decode, { given: (name) => inputs.get(name) ?? null, weight, objects });
  const [masks, iou] = [needed(decoded, 'masks'), needed(decoded, 'iou')];
  const part = (value: string, from: number, to: number) =>
    model.node('Unsqueeze', [model.node('Slice', [value, ints(from), ints(to), ints(1)]), ints(0)]);
  const many = MASK_TOKENS - 1;
  const batch = [1, 'point_batch_size'];
  model.output('iou_scores', part(iou, 1, MASK_TOKENS), 'float', [...batch, many]);
  model.output('pred_masks', part(masks, 1, MASK_TOKENS), 'float', [...batch, many, side, side]);
  model.output('single_iou_score', part(iou, 0, 1), 'float', [...batch, 1]);
  model.output('single_pred_mask', part(masks, 0, 1), 'float', [...batch, 1, side, side]);
  return model.bytes();
}
