import { Failure } from '../../config/failure.ts';
import { axis, type Shape, sameShape } from '../../graph/shape.ts';
import { mergeAdapter, mergeRefusal } from '../../peft/merge.ts';
import { interpolateRelPos } from '../../sam/checkpoint/block-tensors.ts';
import { wholeTensorShapes } from '../../sam/checkpoint/expected-shapes.ts';
import { ownNames } from '../../sam/checkpoint/names.ts';
import { SafetensorsFile } from '../../sam/checkpoint/safetensors-write.ts';
import { encoderOf } from '../../sam/encoder.ts';
import { modelCard } from './card.ts';
import { type ExportForm, type ExportSource, jsonFile, textFile } from './export-form.ts';
import { HF_TYPES, hfConfig, hfCopies, hfPreprocessor, hfRefusal, hfTensorNames } from './hf-model.ts';

/** A tuned model as a plain SamModel of Hugging Face: no program has to know of the adapter. */
export const merged: ExportForm = {
  id: 'merged',
  label: 'Merged model',
  help: 'A plain SAM whose weights hold the adapter, for transformers and everything that opens its models.',
  refusal: ({ adapter, checkpoint: { config } }) => mergeRefusal(adapter, config) ?? hfRefusal(config),
  async *write(source) {
    const { config } = source.checkpoint;
    const refused = merged.refusal(source);
    if (refused) throw new Failure(refused);
    const weights = await mergedWeights(source, hfTensorNames(config), { format: 'pt' }, hfCopies(config));
    yield { path: 'model.safetensors', bytes: weights };
    yield jsonFile('config.json', hfConfig(config));
    yield jsonFile('preprocessor_config.json', hfPreprocessor(config, source.adapter.preprocessing));
    const { name: type } = HF_TYPES[config.decoder.kind];
    const use = [
      `from transformers import ${type}Model, ${type}Processor`,
      '',
      `model = ${type}Model.from_pretrained("FOLDER")`,
      `processor = ${type}Processor.from_pretrained("FOLDER")`,
    ];
    yield textFile('README.md', modelCard(source, { library: 'transformers', use }));
  },
};

/** The same with the names of the original program, and of a model that Hugging Face does not have. */
export const sam: ExportForm = {
  id: 'sam',
  label: 'Merged weights under the original names',
  help: 'The same weights for segment_anything, or sam2, and programs made from it.',
  refusal: ({ adapter, checkpoint: { config } }) => mergeRefusal(adapter, config),
  async *write(source) {
    const { config } = source.checkpoint;
    const names = ownNames([...wholeTensorShapes(config).keys()], encoderOf(config));
    const { preprocessing } = source.adapter;
    const metadata = {
      format: 'pt',
      // The size of the images is told by no shape of some encoders.
      config: JSON.stringify({ ...hfConfig(config), image_size: config.imageSize }),
      preprocessor_config: JSON.stringify(hfPreprocessor(config, preprocessing)),
    };
    yield { path: 'model.safetensors', bytes: await mergedWeights(source, names, metadata) };
    const use = USES.get(config.encoder.kind) ?? SEGMENT_ANYTHING_USE;
    yield textFile('README.md', modelCard(source, { library: null, use }));
  },
};

const SEGMENT_ANYTHING_USE = [
  'from safetensors.torch import load_file',
  'from segment_anything import sam_model_registry',
  '',
  'model = sam_model_registry["vit_b"]()  # the size of the base model',
  'model.load_state_dict(load_file("FOLDER/model.safetensors"))',
];
const MOBILE_SAM_USE = [
  'from mobile_sam import sam_model_registry',
  'from safetensors.torch import load_file',
  '',
  'model = sam_model_registry["vit_t"]()',
  '# Without counters and the classifier of the pretraining, on which no mask depends.',
  'model.load_state_dict(load_file("FOLDER/model.safetensors"), strict=False)',
];

const SAM2_USE = [
  'from safetensors.torch import load_file',
  'from sam2.build_sam import build_sam2',
  '',
  '# The config and the checkpoint of the base model, which keeps its parts for videos.',
  'model = build_sam2("configs/sam2.1/sam2.1_hiera_t.yaml", "sam2.1_hiera_tiny.pt")',
  'model.load_state_dict(load_file("FOLDER/model.safetensors"), strict=False)',
];
/** By the kind of the encoder. */
const USES = new Map([
  ['tiny-vit', MOBILE_SAM_USE],
  ['hiera', SAM2_USE],
]);

/**
 * The weights' file of the base model with the adapter in it.
 * @param names of each of SAM's tensors in the file; those of one name are one there.
 * @param copies names under which a tensor is in the file a second time, with SAM's name of it.
 */
async function mergedWeights(
  { adapter, checkpoint: { config, read }, dataset }: ExportSource,
  names: ReadonlyMap<string, string>,
  metadata: Readonly<Record<string, string>>,
  copies: ReadonlyMap<string, string> = new Map(),
): Promise<Uint8Array<ArrayBuffer>> {
  const changed = await mergeAdapter(adapter, config, read, dataset);
  const shapes = wholeTensorShapes(config);
  const nameOf = (name: string) => names.get(name) ?? name;
  const own = new Map<string, Shape>();
  for (const [name, shape] of shapes) own.set(nameOf(name), stacked(own.get(nameOf(name)), shape));
  for (const [copy, name] of copies) own.set(copy, shapes.get(name) ?? []);
  const file = new SafetensorsFile(own, metadata);
  const written = new Map<string, number>();
  for (const [name, shape] of shapes) {
    const tensor = changed.get(name) ?? (await read(name));
    // A table of relative position may be of another image size; it gets the model's own length, as SAM does when it is used.
    const fitting = sameShape(tensor.shape, shape) ? tensor : interpolateRelPos(tensor, axis(shape, 0));
    const from = written.get(nameOf(name)) ?? 0;
    file.set(nameOf(name), fitting.data, from);
    written.set(nameOf(name), from + fitting.data.length);
    for (const [copy, original] of copies) if (original === name) file.set(copy, fitting.data);
  }
  return file.bytes;
}

/** The shape of tensors one after the other along the first axis. */
function stacked(before: Shape | undefined, shape: Shape): Shape {
  return before ? [axis(before, 0) + axis(shape, 0), ...shape.slice(1)] : shape;
}
