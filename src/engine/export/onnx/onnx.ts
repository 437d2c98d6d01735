import { Failure, type FailureRecord } from '../../../config/failure.ts';
import { gridOf, lowResOf, MASK_TOKENS, type SamConfig } from '../../../config/sam.ts';
import { imagePeGraph } from '../../../sam/graphs.ts';
import { modelCard } from '../card.ts';
import { type ExportForm, jsonFile, textFile } from '../export-form.ts';
import { hfConfig, hfPreprocessor } from '../hf-model.ts';
import { lowerGraph } from './lower.ts';
import { OnnxModel } from './onnx-model.ts';
import { segmentAnythingDecoder } from './segment-anything.ts';
import { needed, type TunedGraphs, tunedGraphs } from './tuned-graphs.ts';

/**
 * A tuned model as two ONNX files in the layout of transformers.js (`SamModel`): image encoder, and prompt encoder with mask
 * decoder, which goes out in the layout of `segment_anything` too. Modules that cannot be merged, and gates, are in the encoder's
 * graph.
 */
export const onnx: ExportForm = {
  id: 'onnx',
  label: 'ONNX',
  help: 'Encoder and decoder for onnxruntime and transformers.js; what cannot be merged is in their graphs.',
  refusal: ({ checkpoint: { config } }) => refusal(config),
  async *write(source) {
    const { adapter, checkpoint } = source;
    const { config } = checkpoint;
    const refused = refusal(config);
    if (refused) throw new Failure(refused);
    const graphs = await tunedGraphs(source);
    yield { path: 'onnx/vision_encoder.onnx', bytes: visionEncoder(config, graphs) };
    yield { path: 'onnx/prompt_encoder_mask_decoder.onnx', bytes: promptEncoderMaskDecoder(config, graphs) };
    yield {
      path: 'onnx/segment_anything_decoder.onnx',
      bytes: segmentAnythingDecoder(config, adapter, graphs),
    };
    yield jsonFile('config.json', hfConfig(config));
    yield jsonFile('preprocessor_config.json', hfPreprocessor(config, adapter.preprocessing));
    const notes = [
      'In JavaScript: `SamModel.from_pretrained("FOLDER", { dtype: "fp32" })` of @huggingface/transformers.',
      'An image at a time. A box is two points with the labels 2 (top left) and 3 (bottom right).',
      '`onnx/segment_anything_decoder.onnx` has the inputs and outputs of `segment_anything`’s own export; its masks are above 0 where a pixel belongs.',
      '`pred_masks` are the three candidates for one click; after a box or several clicks take `single_pred_mask`.',
    ];
    const use = [
      'import onnxruntime',
      '',
      'encoder = onnxruntime.InferenceSession("FOLDER/onnx/vision_encoder.onnx")',
      'decoder = onnxruntime.InferenceSession("FOLDER/onnx/prompt_encoder_mask_decoder.onnx")',
      'image, positions = encoder.run(None, {"pixel_values": pixels})  # [1, 3, S, S], prepared',
      'scores, masks, score, mask = decoder.run(None, {',
      '    "image_embeddings": image, "image_positional_embeddings": positions,',
      '    "input_points": points,  # float32 [1, objects, points, 2], in pixels of the S × S square',
      '    "input_labels": labels,  # int64 [1, objects, points]: 1 object, 0 background',
      '})',
    ];
    yield textFile('README.md', modelCard(source, { library: 'transformers.js', use, notes }));
  },
};

function refusal({ decoder }: SamConfig): FailureRecord | null {
  if (decoder.kind === 'sam') return null;
  return {
    code: 'export/no-onnx',
    what: 'An HQ-SAM’s mask decoder reads more of the image than the layout of transformers.js passes on.',
    where: 'model',
    cure: 'Export it as merged, where that is exact.',
  };
}

/** `pixel_values` [1, 3, S, S] → `image_embeddings` and `image_positional_embeddings`, [1, D, h, w] both. */
function visionEncoder(config: SamConfig, { encode, weight }: TunedGraphs): Uint8Array<ArrayBuffer> {
  const [size, grid, D] = [config.imageSize, gridOf(config), config.outputChannels];
  const model = new OnnxModel('vision_encoder');
  const image = model.input('pixel_values', 'float', [1, 3, size, size]);
  const given = (name: string) => (name === 'image' ? image : null);
  const encoded = lowerGraph(model, encode, { given, weight });
  const positions = lowerGraph(model, imagePeGraph(config), { given: () => null, weight });
  const outputs = {
    image_embeddings: needed(encoded, 'embedding'),
    image_positional_embeddings: model.node('Unsqueeze', [needed(positions, 'imagePe'), model.ints([0])]),
  };
  for (const [name, value] of Object.entries(outputs)) {
    const turned = model.node('Transpose', [value], { perm: [0, 3, 1, 2] });
    model.output(name, turned, 'float', [1, D, grid, grid]);
  }
  return model.bytes();
}

/**
 * `input_points` [1, N, T, 2], `input_labels` [1, N, T] and the encoder's outputs → of N objects `iou_scores` [1, N, 3] and
 * `pred_masks` [1, N, 3, 4h, 4w] of the candidates, and `single_iou_score` [1, N, 1] and `single_pred_mask` [1, N, 1, 4h, 4w] of
 * the mask for prompts that leave no doubt.
 */
function promptEncoderMaskDecoder(
  config: SamConfig,
  { decode, weight }: TunedGraphs,
): Uint8Array<ArrayBuffer> {
  const [grid, side, D] = [gridOf(config), lowResOf(config), config.outputChannels];
  const model = new OnnxModel('prompt_encoder_mask_decoder');
  const ints = (...values: number[]) => model.ints(values);
  const image = model.input('image_embeddings', 'float', [1, D, grid, grid]);
  const positions = model.input('image_positional_embeddings', 'float', [1, D, grid, grid]);
  const points = model.input('input_points', 'float', [1, 'point_batch_size', 'nb_points_per_image', 2]);
  const given = model.input('input_labels', 'int64', [1, 'point_batch_size', 'nb_points_per_image']);
  const cells = (value: string) =>
    model.node('Squeeze', [model.node('Transpose', [value], { perm: [0, 2, 3, 1] }), ints(0)]);
  const coords = model.node('Squeeze', [points, ints(0)]);
  const labels = model.node('Cast', [model.node('Squeeze', [given, ints(0)])], { to: 1 });
  const objects = model.node('Gather', [model.node('Shape', [labels]), ints(0)], { axis: 0 });
  // Without a box SAM puts a point of its own kind, −1, behind the others.
  const most = model.node('Reshape', [model.node('ReduceMax', [labels], { keepdims: 0 }), ints(1)]);
  const isBox = model.node('GreaterOrEqual', [most, model.floats([2])]);
  const padding = model.node('Where', [isBox, ints(0), ints(1)]);
  const padded = (value: string, filler: string, last: readonly number[]) => {
    const size = last.length > 0 ? [objects, padding, ints(...last)] : [objects, padding];
    const shape = model.node('Concat', size, { axis: 0 });
    return model.node('Concat', [value, model.node('Expand', [filler, shape])], { axis: 1 });
  };
  const inputs = new Map([
    ['embedding', cells(image)],
    ['imagePe', cells(positions)],
    ['coords', padded(coords, model.floats([0, 0], [1, 1, 2]), [2])],
    ['labels', padded(labels, model.floats([-1], [1, 1]), [])],
  ]);
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
