import { Failure, type FailureRecord } from '../../config/failure.ts';
import { axis } from '../../graph/shape.ts';
import { gateFormById } from '../../peft/gates/registry.ts';
import type { ForeignUse } from '../../peft/import/foreign-lora.ts';
import { USE_METADATA } from '../../peft/import/peft.ts';
import { datasetIndex } from '../../peft/merge.ts';
import { type Module, modulesOf } from '../../peft/modules.ts';
import { SafetensorsFile } from '../../sam/checkpoint/safetensors-write.ts';
import type { HostTensor } from '../../sam/checkpoint/tensor-file.ts';
import { sitesOf } from '../../sam/encoder.ts';
import { scaleOfAdapter } from '../run/adapter-files.ts';
import { modelCard } from './card.ts';
import { type ExportForm, type ExportSource, jsonFile, textFile } from './export-form.ts';
import { hfRefusal, hfTensorNames } from './hf-model.ts';
import { onnxRefusal } from './onnx/onnx.ts';

/** What PEFT puts before the names of the base model's modules. */
const PREFIX = 'base_model.model.';

/** LoRA and IA³ as the package PEFT of Hugging Face holds them, on a SamModel of transformers. */
export const peft: ExportForm = {
  id: 'peft',
  label: 'PEFT adapter',
  help: 'The adapter alone in the form of Hugging Face PEFT, to be put on a SamModel of transformers.',
  refusal,
  async *write(source) {
    const refused = refusal(source);
    if (refused) throw new Failure(refused);
    const { adapter, base, checkpoint } = source;
    const layers = peftLayers(source);
    const tensors = new Map<string, HostTensor>();
    for (const { path, layer } of layers)
      for (const [name, tensor] of Object.entries(layer.tensors))
        tensors.set(`${PREFIX}${path}.${name}`, tensor);
    const hfNames = hfTensorNames(checkpoint.config);
    for (const [name, tensor] of adapter.tensors)
      if (name.startsWith('mask_decoder.')) tensors.set(`${PREFIX}${hfNames.get(name) ?? name}`, tensor);
    const { maskThreshold, preprocessing } = adapter;
    const scale = scaleOfAdapter(adapter);
    const use: ForeignUse = { maskThreshold, preprocessing, ...(scale !== 'whole' && { scale }) };
    const file = new SafetensorsFile(new Map([...tensors].map(([name, { shape }]) => [name, shape])), {
      format: 'pt',
      [USE_METADATA]: JSON.stringify(use),
    });
    for (const [name, { data }] of tensors) file.set(name, data);
    yield { path: 'adapter_model.safetensors', bytes: file.bytes };
    yield jsonFile('adapter_config.json', peftConfig(source, layers));
    const lines = [
      'from peft import PeftModel',
      'from transformers import SamModel',
      '',
      `base = SamModel.from_pretrained(${JSON.stringify(base.repository ?? base.name)}).float()`,
      'model = PeftModel.from_pretrained(base, "FOLDER")',
    ];
    const notes = source.fixedGates ? [source.fixedGates.said] : [];
    yield textFile('README.md', modelCard(source, { library: 'peft', use: lines, notes }));
  },
};

function refusal({
  adapter: { mopeft, tensors },
  checkpoint: { config },
  fixedGates,
}: Pick<ExportSource, 'adapter' | 'checkpoint' | 'fixedGates'>): FailureRecord | null {
  const methods = [...new Set(modulesOf(mopeft).map(({ method }) => method))];
  const strangers = methods.filter(({ peft }) => !peft).map(({ label }) => label);
  if (methods.length === 0)
    return notExpressible(
      'It has no module: the mask decoder alone was trained, or the run kept the base model.',
      'Export it as merged, a whole SamModel.',
    );
  if (strangers.length > 0)
    return notExpressible(
      `PEFT does not have ${strangers.join(' and ')} as this program computes ${strangers.length > 1 ? 'them' : 'it'}.`,
      'Export it as merged, where that is exact, or as onnx.',
    );
  if (methods.length > 1)
    return notExpressible(
      `PEFT holds ${methods.map(({ label }) => label).join(' and ')} in adapters of their own and cannot mix them.`,
      'Export it as merged, or train one of them alone.',
    );
  if (tensors.has('tokens.dataset'))
    return notExpressible(
      'A token of its own for each dataset stands beside the prompt, where SamModel has none.',
      'Train without the token.',
    );
  const refused = hfRefusal(config);
  if (refused) return refused;
  if (config.encoder.kind !== 'vit')
    return notExpressible(
      'It changes another image encoder than a SamModel’s, and no program here reads such adapters.',
      `Export it as merged, where that is exact${onnxRefusal(config) ? '' : ', or as onnx'}.`,
    );
  const form = gateFormById(mopeft.gate);
  if (form.constant || fixedGates) return null;
  return notExpressible(
    `Its gates (${form.label}) differ from image to image, and PEFT's adapters are the same for all.`,
    'Export it by mopeft export with --data, a dataset whose mean gates it shall have, or train with gates none, budget, hard or task.',
  );
}

function notExpressible(what: string, cure: string): FailureRecord {
  return {
    code: 'export/no-peft',
    what: `This adapter has no form in PEFT: ${what}`,
    where: 'adapter',
    cure,
  };
}

interface PlacedLayer {
  /** The module's name in a SamModel. */
  readonly path: string;
  readonly layer: ReturnType<NonNullable<Module['method']['peft']>['layers']>[number];
}

function peftLayers({ adapter, checkpoint, dataset, fixedGates }: ExportSource): PlacedLayer[] {
  const { mopeft, tensors } = adapter;
  const form = gateFormById(mopeft.gate);
  const asked = datasetIndex(form, mopeft.datasets ?? [], dataset);
  const sites = sitesOf(checkpoint.config);
  return modulesOf(mopeft).flatMap(({ method, settings, block }) => {
    const site = sites[block];
    if (!site) throw new RangeError(`the model has no block ${block}`);
    const tensor = (name: string): Float32Array => {
      const found = tensors.get(`blocks.${block}.${name}`);
      if (!found) throw new RangeError(`the adapter has no tensor blocks.${block}.${name}`);
      return found.data;
    };
    const gate = fixedGates
      ? (fixedGates.layers[block]?.[method.id] ?? 1)
      : (form.constant?.(method.id, tensor, asked) ?? null);
    const layers = method.peft?.layers({ settings, site, gate, tensor }) ?? [];
    return layers.map((layer) => ({ path: `vision_encoder.layers.${block}.${layer.layer}`, layer }));
  });
}

/** `adapter_config.json`. */
function peftConfig(
  { adapter, base }: ExportSource,
  layers: readonly PlacedLayer[],
): Record<string, unknown> {
  const [type] = modulesOf(adapter.mopeft).flatMap(({ method }) => method.peft?.type ?? []);
  const paths = layers.map(({ path }) => path);
  const shared = {
    peft_type: type,
    auto_mapping: { base_model_class: 'SamModel', parent_library: 'transformers.models.sam.modeling_sam' },
    base_model_name_or_path: base.repository ?? base.name,
    inference_mode: true,
    target_modules: paths,
    modules_to_save: adapter.mopeft.trainDecoder ? ['mask_decoder'] : null,
  };
  if (type === 'IA3') {
    const inputs = paths.filter((path) => path.endsWith('.mlp.lin2'));
    return { ...shared, feedforward_modules: inputs, fan_in_fan_out: false, init_ia3_weights: true };
  }
  const ranks = layers.map(({ path, layer }): [string, number] => [
    path,
    axis(layer.tensors['lora_A.weight']?.shape ?? [], 0),
  ]);
  const rank = Math.max(...ranks.map(([, own]) => own));
  const others = Object.fromEntries(ranks.filter(([, own]) => own !== rank));
  return {
    ...shared,
    bias: 'none',
    fan_in_fan_out: false,
    init_lora_weights: true,
    r: rank,
    // The scale alpha / r is 1 everywhere: factors are in B.
    lora_alpha: rank,
    lora_dropout: 0,
    rank_pattern: others,
    alpha_pattern: others,
    use_dora: false,
    use_rslora: false,
  };
}
