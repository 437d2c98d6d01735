/** A tuned model as AnyLabeling and X-AnyLabeling load one of their own ("load custom model"). */
import { dump } from 'js-yaml';
import { Failure, type FailureRecord } from '../../../config/failure.ts';
import { familyOf, gridOf, type PreprocessingRecord, type SamConfig } from '../../../config/sam.ts';
import { modelCard } from '../card.ts';
import { type ExportForm, type ExportSource, textFile } from '../export-form.ts';
import { lowerGraph } from './lower.ts';
import { onnxRefusal } from './onnx.ts';
import { OnnxModel } from './onnx-model.ts';
import { segmentAnythingDecoder } from './segment-anything.ts';
import { needed, type TunedGraphs, tunedGraphs } from './tuned-graphs.ts';

/** The side of the model's square, and the window of it that is filled with an image: both are built into these tools. */
const SIDE = 1024;
const WINDOW = { width: 1024, height: 684 };

export const anylabeling: ExportForm = {
  id: 'anylabeling',
  label: 'AnyLabeling',
  help: 'A custom model for AnyLabeling and X-AnyLabeling on the desktop; what cannot be merged is in its graphs.',
  refusal: ({ adapter, checkpoint: { config } }) => refusal(config, adapter.preprocessing),
  async *write(source) {
    const { adapter, checkpoint } = source;
    const { config } = checkpoint;
    const refused = refusal(config, adapter.preprocessing);
    if (refused) throw new Failure(refused);
    const graphs = await tunedGraphs(source);
    yield { path: 'encoder.onnx', bytes: rawImageEncoder(config, adapter.preprocessing, graphs) };
    yield { path: 'decoder.onnx', bytes: segmentAnythingDecoder(config, adapter, graphs) };
    yield textFile('config.yaml', modelConfig(source));
    const notes = [
      'In AnyLabeling or X-AnyLabeling choose *Load Custom Model* among the models of auto-labelling, and this folder’s `config.yaml`.',
      `These programs show the model the whole image in a window of ${WINDOW.width} × ${WINDOW.height} pixels with a black border, so masks are a little other than the studio’s, and upright images are seen small.`,
    ];
    yield textFile('README.md', modelCard(source, { library: null, use: [], notes }));
  },
};

function refusal(config: SamConfig, { aspect, normalisation }: PreprocessingRecord): FailureRecord | null {
  const { imageSize, decoder } = config;
  const what =
    decoder.kind !== 'sam'
      ? `The mask decoder of a ${familyOf(config)} reads more of the image than these programs pass on.`
      : imageSize !== SIDE
        ? `The model sees images at ${imageSize} pixels, and these programs have ${SIDE} built in.`
        : aspect === 'stretch' || normalisation.kind === 'min-max'
          ? 'These programs prepare images as SAM does: neither stretched to a square nor by the darkest and brightest value of each.'
          : null;
  if (what === null) return null;
  return {
    code: 'export/no-anylabeling',
    what,
    where: 'model',
    cure: `Label in the studio, or export as ${onnxRefusal(config) ? 'merged, where that is exact' : 'onnx, for programs of your own'}.`,
  };
}

/** The file that these programs open. */
export function modelConfig({ base, run }: Pick<ExportSource, 'base' | 'run'>): string {
  const title = run ? `${run.name} (${base.name}, tuned)` : `${base.name}, tuned`;
  return dump({
    type: 'segment_anything',
    name: `mopeft-${title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/g, '')}`,
    display_name: title,
    encoder_model_path: 'encoder.onnx',
    decoder_model_path: 'decoder.onnx',
    input_size: SIDE,
    max_width: WINDOW.width,
    max_height: WINDOW.height,
  });
}

/**
 * `input_image` [height, width, 3], values from 0 to 255, of which neither side is larger than the model's square S → prepared, padded
 * right and below, encoded: `image_embeddings` [1, D, h, w].
 */
export function rawImageEncoder(
  config: SamConfig,
  { normalisation }: PreprocessingRecord,
  { encode, weight }: TunedGraphs,
): Uint8Array<ArrayBuffer> {
  if (normalisation.kind !== 'mean-std') throw new RangeError('an image is prepared by mean and deviation');
  const { mean, std, range } = normalisation;
  const { imageSize } = config;
  const model = new OnnxModel('raw_image_encoder');
  const given = model.input('input_image', 'float', ['image_height', 'image_width', 3]);
  const scaled = model.node('Mul', [given, model.floats([range / 255])]);
  const prepared = model.node('Div', [model.node('Sub', [scaled, model.floats(mean)]), model.floats(std)]);
  const planes = model.node('Transpose', [prepared], { perm: [2, 0, 1] });
  const missing = model.node('Sub', [model.ints([3, imageSize, imageSize]), model.node('Shape', [planes])]);
  const pads = model.node('Concat', [model.ints([0, 0, 0]), missing], { axis: 0 });
  const image = model.node('Unsqueeze', [model.node('Pad', [planes, pads]), model.ints([0])]);
  const encoded = lowerGraph(model, encode, { given: (name) => (name === 'image' ? image : null), weight });
  const turned = model.node('Transpose', [needed(encoded, 'embedding')], { perm: [0, 3, 1, 2] });
  const grid = gridOf(config);
  model.output('image_embeddings', turned, 'float', [1, config.outputChannels, grid, grid]);
  return model.bytes();
}
