import { Failure } from '../../config/failure.ts';
import { axis, type Shape, sameShape } from '../../graph/shape.ts';
import { mergeAdapter, mergeRefusal } from '../../peft/merge.ts';
import { interpolateRelPos } from '../../sam/checkpoint/block-tensors.ts';
import { samTensorShapes } from '../../sam/checkpoint/expected-shapes.ts';
import { SafetensorsFile } from '../../sam/checkpoint/safetensors-write.ts';
import { modelCard } from './card.ts';
import { type ExportForm, type ExportSource, jsonFile, textFile } from './export-form.ts';
import { hfConfig, hfPreprocessor, hfRefusal, hfTensorNames } from './hf-model.ts';

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
    const weights = await mergedWeights(source, hfTensorNames(config), { format: 'pt' });
    yield { path: 'model.safetensors', bytes: weights };
    yield jsonFile('config.json', hfConfig(config));
    yield jsonFile('preprocessor_config.json', hfPreprocessor(config, source.adapter.preprocessing));
    const type = HF_TYPES[config.decoder.kind];
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
  label: 'Merged weights of segment_anything',
  help: 'The same weights under the original names, for segment_anything and programs made from it.',
  refusal: ({ adapter, checkpoint: { config } }) => mergeRefusal(adapter, config),
  async *write(source) {
    const { config } = source.checkpoint;
    const names = new Map([...samTensorShapes(config).keys()].map((name) => [name, name]));
    const { preprocessing } = source.adapter;
    const metadata = {
      format: 'pt',
      // The size of the images is told by no shape of a TinyViT.
      config: JSON.stringify({ ...hfConfig(config), image_size: config.imageSize }),
      preprocessor_config: JSON.stringify(hfPreprocessor(config, preprocessing)),
    };
    yield { path: 'model.safetensors', bytes: await mergedWeights(source, names, metadata) };
    const use = config.encoder.kind === 'tiny-vit' ? MOBILE_SAM_USE : SEGMENT_ANYTHING_USE;
    yield textFile('README.md', modelCard(source, { library: null, use }));
  },
};

const HF_TYPES = { sam: 'Sam', hq: 'SamHQ', sam2: 'Sam2' } as const;

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

/** The weights' file of the base model with the adapter in it. @param names of each of SAM's tensors in the file. */
async function mergedWeights(
  { adapter, checkpoint: { config, read }, dataset }: ExportSource,
  names: ReadonlyMap<string, string>,
  metadata: Readonly<Record<string, string>>,
): Promise<Uint8Array<ArrayBuffer>> {
  const changed = await mergeAdapter(adapter, config, read, dataset);
  const shapes = samTensorShapes(config);
  const nameOf = (name: string) => names.get(name) ?? name;
  const own: [string, Shape][] = [...shapes].map(([name, shape]) => [nameOf(name), shape]);
  const file = new SafetensorsFile(new Map(own), metadata);
  for (const [name, shape] of shapes) {
    const tensor = changed.get(name) ?? (await read(name));
    // A table of relative position may be of another image size; it gets the model's own length, as SAM does when it is used.
    const fitting = sameShape(tensor.shape, shape) ? tensor : interpolateRelPos(tensor, axis(shape, 0));
    file.set(nameOf(name), fitting.data);
  }
  return file.bytes;
}
