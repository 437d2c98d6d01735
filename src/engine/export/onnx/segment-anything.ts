/** A mask decoder in the layout of `segment_anything` (its `SamOnnxModel` that returns a single mask), which programs have learnt to load. */
import { gridOf, lowResOf, MASK_TOKENS, type SamConfig } from '../../../config/sam.ts';
import type { Adapter } from '../../../peft/adapter-file.ts';
import { imagePeGraph, maskPromptGraph } from '../../../sam/graphs.ts';
import { lowerGraph } from './lower.ts';
import { OnnxModel, type Value } from './onnx-model.ts';
import { needed, type TunedGraphs } from './tuned-graphs.ts';

const NO_MASK = 'prompt_encoder.no_mask_embed.weight';

/**
 * `image_embeddings` [1, D, h, w], `point_coords` [1, T, 2] in pixels of the model's square, `point_labels` [1, T] (−1 padding, 0
 * background, 1 object, 2 and 3 the corners of a box), `mask_input` [1, 1, 4h, 4w] that counts where `has_mask_input` [1] is 1,
 * and `orig_im_size` [2] (height, width) → `masks` [1, 1, height, width], `iou_predictions` [1, 1] and `low_res_masks`
 * [1, 1, 4h, 4w], logits of the one mask that the number of points asks for.
 *
 * Tools take pixels above 0, so the adapter's threshold is taken off `masks`; `low_res_masks`, which come back as `mask_input`, stay.
 */
export function segmentAnythingDecoder(
  config: SamConfig,
  { maskThreshold, preprocessing }: Pick<Adapter, 'maskThreshold' | 'preprocessing'>,
  { decodeDense, weight }: TunedGraphs,
): Uint8Array<ArrayBuffer> {
  const [grid, side, D] = [gridOf(config), lowResOf(config), config.outputChannels];
  const model = new OnnxModel('segment_anything_decoder');
  const ints = (...values: number[]) => model.ints(values);
  const image = model.input('image_embeddings', 'float', [1, D, grid, grid]);
  const coords = model.input('point_coords', 'float', [1, 'num_points', 2]);
  const labels = model.input('point_labels', 'float', [1, 'num_points']);
  const mask = model.input('mask_input', 'float', [1, 1, side, side]);
  const hasMask = model.input('has_mask_input', 'float', [1]);
  const size = model.input('orig_im_size', 'float', [2]);
  const cells = model.node('Squeeze', [model.node('Transpose', [image], { perm: [0, 2, 3, 1] }), ints(0)]);
  const given = new Map([
    ['maskInput', model.node('Squeeze', [mask, ints(1)])],
    ['embedding', cells],
    ['coords', coords],
    ['labels', labels],
  ]);
  const inputs = { given: (name: string) => given.get(name) ?? null, weight };
  const ofMask = needed(lowerGraph(model, maskPromptGraph(config), inputs), 'dense');
  const ofNone = model.weight(NO_MASK, [D], weight(NO_MASK));
  const without = model.node('Mul', [model.node('Sub', [model.floats([1]), hasMask]), ofNone]);
  given.set('dense', model.node('Add', [model.node('Mul', [hasMask, ofMask]), without]));
  given.set('imagePe', needed(lowerGraph(model, imagePeGraph(config), inputs), 'imagePe'));
  const decoded = lowerGraph(model, decodeDense, inputs);
  const best = bestToken(model, needed(decoded, 'iou'), coords);
  const lowRes = model.node('Gather', [needed(decoded, 'masks'), best], { axis: 1 });
  const square = resized(model, lowRes, ints(1, 1, config.imageSize, config.imageSize));
  const seen = preprocessing.aspect === 'keep' ? unpadded(model, square, size, config.imageSize) : square;
  const whole = model.node('Concat', [ints(1, 1), model.node('Cast', [size], { to: 7 })], { axis: 0 });
  const masks = model.node('Sub', [resized(model, seen, whole), model.floats([maskThreshold])]);
  model.output('masks', masks, 'float', [1, 1, 'height', 'width']);
  model.output(
    'iou_predictions',
    model.node('Gather', [needed(decoded, 'iou'), best], { axis: 1 }),
    'float',
    [1, 1],
  );
  model.output('low_res_masks', lowRes, 'float', [1, 1, side, side]);
  return model.bytes();
}

/** int64 [1]: of up to two points (a click and its padding) the candidate with the highest predicted IoU, of more token 0. */
function bestToken(model: OnnxModel, iou: Value, coords: Value): Value {
  const count = model.node('Gather', [model.node('Shape', [coords]), model.ints([1])], { axis: 0 });
  const more = model.node('Sub', [model.node('Cast', [count], { to: 1 }), model.floats([2.5])]);
  const first = model.floats([1000, ...Array<number>(MASK_TOKENS - 1).fill(0)]);
  const score = model.node('Add', [iou, model.node('Mul', [more, first])]);
  return model.node('ArgMax', [score], { axis: 1, keepdims: 0 });
}

/** What of the model's square [1, 1, S, S] shows the image, whose longer side fills it. */
function unpadded(model: OnnxModel, square: Value, size: Value, side: number): Value {
  const scale = model.node('Div', [model.floats([side]), model.node('ReduceMax', [size])]);
  const shown = model.node('Floor', [
    model.node('Add', [model.node('Mul', [scale, size]), model.floats([0.5])]),
  ]);
  const end = model.node('Cast', [shown], { to: 7 });
  return model.node('Slice', [square, model.ints([0, 0]), end, model.ints([2, 3])]);
}

function resized(model: OnnxModel, value: Value, size: Value): Value {
  return model.node('Resize', [value, '', '', size], {
    mode: 'linear',
    coordinate_transformation_mode: 'half_pixel',
  });
}
