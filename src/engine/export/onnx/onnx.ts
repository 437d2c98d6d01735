import { Failure, type FailureRecord } from '../../../config/failure.ts';
import type { SamConfig } from '../../../config/sam.ts';
import { modelCard } from '../card.ts';
import { type ExportForm, jsonFile, textFile } from '../export-form.ts';
import { HF_TYPES, hfConfig, hfPreprocessor } from '../hf-model.ts';
import { segmentAnythingDecoder } from './segment-anything.ts';
import { hasTransformersJs, promptEncoderMaskDecoder, visionEncoder } from './transformers-js.ts';
import { tunedGraphs } from './tuned-graphs.ts';

/**
 * A tuned model as two ONNX files in the layout of transformers.js (`SamModel`, `Sam2Model`): image encoder, and prompt encoder with
 * mask decoder, which of a SAM goes out in the layout of `segment_anything` too. Modules that cannot be merged, and gates, are in the
 * encoder's graph.
 */
export const onnx: ExportForm = {
  id: 'onnx',
  label: 'ONNX',
  help: 'Encoder and decoder for onnxruntime and transformers.js; what cannot be merged is in their graphs.',
  refusal: ({ checkpoint: { config } }) => onnxRefusal(config),
  async *write(source) {
    const { adapter, checkpoint } = source;
    const { config } = checkpoint;
    const refused = onnxRefusal(config);
    if (refused) throw new Failure(refused);
    const graphs = await tunedGraphs(source);
    yield { path: 'onnx/vision_encoder.onnx', bytes: visionEncoder(config, graphs) };
    yield { path: 'onnx/prompt_encoder_mask_decoder.onnx', bytes: promptEncoderMaskDecoder(config, graphs) };
    if (config.decoder.kind === 'sam')
      yield {
        path: 'onnx/segment_anything_decoder.onnx',
        bytes: segmentAnythingDecoder(config, adapter, graphs),
      };
    yield jsonFile('config.json', hfConfig(config));
    yield jsonFile('preprocessor_config.json', hfPreprocessor(config, adapter.preprocessing));
    yield textFile('README.md', modelCard(source, { library: 'transformers.js', ...usageOf(config) }));
  },
};

/** Lines of Python that load the files, and what to know of them. */
function usageOf({ decoder }: SamConfig): { use: string[]; notes: string[] } {
  const isSam2 = decoder.kind === 'sam2';
  const model = `${HF_TYPES[decoder.kind].name}Model`;
  return {
    use: [
      'import onnxruntime',
      '',
      'encoder = onnxruntime.InferenceSession("FOLDER/onnx/vision_encoder.onnx")',
      'decoder = onnxruntime.InferenceSession("FOLDER/onnx/prompt_encoder_mask_decoder.onnx")',
      ...(isSam2 ? SAM2_CALLS : SAM_CALLS),
    ],
    notes: [
      `In JavaScript: \`${model}.from_pretrained("FOLDER", { dtype: "fp32" })\` of @huggingface/transformers.`,
      ...(isSam2 ? SAM2_NOTES : SAM_NOTES),
    ],
  };
}

const SAM_CALLS = [
  'image, positions = encoder.run(None, {"pixel_values": pixels})  # [1, 3, S, S], prepared',
  'scores, masks, score, mask = decoder.run(None, {',
  '    "image_embeddings": image, "image_positional_embeddings": positions,',
  '    "input_points": points,  # float32 [1, objects, points, 2], in pixels of the S × S square',
  '    "input_labels": labels,  # int64 [1, objects, points]: 1 object, 0 background',
  '})',
];

const SAM_NOTES = [
  'An image at a time. A box is two points with the labels 2 (top left) and 3 (bottom right).',
  '`onnx/segment_anything_decoder.onnx` has the inputs and outputs of `segment_anything`’s own export; its masks are above 0 where a pixel belongs.',
  '`pred_masks` are the three candidates for one click; after a box or several clicks take `single_pred_mask`.',
];

const SAM2_CALLS = [
  'features = encoder.run(None, {"pixel_values": pixels})  # [1, 3, S, S], prepared',
  'scores, masks, score, mask = decoder.run(None, {',
  '    **{f"image_embeddings.{i}": feature for i, feature in enumerate(features)},',
  '    "input_points": points,  # float32 [1, objects, points, 2], in pixels of the S × S square',
  '    "input_labels": labels,  # int64 [1, objects, points]: 1 object, 0 background',
  '    "input_boxes": boxes,  # float32 [1, objects, 4], or [1, 0, 4] for none',
  '})',
];

const SAM2_NOTES = [
  'An image at a time. For boxes alone `input_points` is [1, 1, 0, 2] and `input_labels` [1, objects, 0], as transformers.js fills them in.',
  '`pred_masks` are the three candidates for one click; after a box or several clicks take `single_pred_mask`, which transformers.js gives from `model.forward(inputs)`.',
  'There are no `object_score_logits`; masks do not depend on them.',
];

/** Why a model cannot go out as ONNX files; null where it can. */
export function onnxRefusal(config: SamConfig): FailureRecord | null {
  if (hasTransformersJs(config)) return null;
  return {
    code: 'export/no-onnx',
    what: 'An HQ-SAM’s mask decoder reads more of the image than the layout of transformers.js passes on.',
    where: 'model',
    cure: 'Export it as merged, where that is exact.',
  };
}
