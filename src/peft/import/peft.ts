import * as v from 'valibot';
import { Failure } from '../../config/failure.ts';
import { PreprocessingSchema } from '../../config/model-choices.ts';
import { mapHfNames, withoutWrappers } from '../../sam/checkpoint/names.ts';
import { parsePeftConfig } from '../../sam/checkpoint/peft-config.ts';
import type { HostTensor, TensorFile } from '../../sam/checkpoint/tensor-file.ts';
import { isUnmerged } from '../../sam/checkpoint/unmerged.ts';
import type { ForeignLayer, ForeignReader, ForeignUse, LowRank, LowRankPair } from './foreign-lora.ts';
import { type PairNames, readPairTensors } from './pairs.ts';

/** Of the metadata of `adapter_model.safetensors`: how an adapter of ours is used, which PEFT has no place for. */
export const USE_METADATA = 'mopeft';
const PAIR_TENSOR = /^(.+)\.lora_([AB])(?:\.([^.]+))?\.weight$/;
/** SAM's linear layers in the image encoder, with Hugging Face's or SAM's own names of blocks. */
const LAYER =
  /^(?:(?:model|sam)\.)*(?:(?:vision|image)_encoder\.)?(?:layers|blocks)\.(\d+)\.(?:attn|mlp)\.(qkv|q|k|v|proj|lin1|lin2)$/;
/** What PEFT puts into the names of a module that it trained whole, in the state of a model. */
const SAVED = /\.modules_to_save\.[^.]+\./;
const TRAINED = /\.(lora_\w+|modules_to_save)\./;
const DECODER = /^(?:(?:model|sam)\.)*(mask_decoder\.)/;
const MERGE = 'Merge it into its model with merge_and_unload() in Python and open the result as a model.';

/** `adapter_model.safetensors` (or `.bin`) and `adapter_config.json` of the Hugging Face package PEFT. */
export const peft: ForeignReader = {
  label: 'PEFT LoRA',
  recognises: (names) => names.some((name) => /\.lora_[AB]\./.test(name)),
  read: async (file, config) => {
    const { name } = file;
    if (!config) throw noConfig('LoRA', 'its scale', name);
    const settings = parsePeftConfig(config);
    const { pairs: named, decoderPairs, decoder } = sortTensors(file);
    const read = async ({ module, ...pair }: ModulePair): Promise<LowRank> => {
      const found = await readPairTensors(file, pair, (rank) => settings.scaleOf(module, rank));
      const [rank = 0] = found.a.shape;
      if (settings.isRank(rank)) return found;
      throw new Failure({
        code: 'adapter/rank',
        what: `The rank of ${module} is ${rank}, and ${config.name} says ${settings.rank}.`,
        where: name,
        cure: 'Use the adapter_config.json that was saved with these weights.',
      });
    };
    const pairs = [];
    for (const { block, layer, ...pair } of named.sort((x, y) => x.block - y.block))
      pairs.push({ block, layer, ...(await read(pair)) });
    const decoderChanges = new Map<string, LowRank>();
    for (const [layer, pair] of decoderLayers(decoderPairs, file))
      decoderChanges.set(layer, await read(pair));
    const { baseName, remarks } = settings;
    return {
      name,
      label: peft.label,
      pairs,
      scales: [],
      hasBlockNumbers: true,
      baseName,
      decoder: await readDecoder(file, decoder),
      decoderChanges,
      use: useOf(file),
      remarks,
    };
  },
};

const SCALE_TENSOR = /^(.+)\.ia3_l(?:\.([^.]+))?$/;

/** The same package's IA³: `….ia3_l`, [output, 1] for a layer whose output is scaled and [1, input] where its input is. */
export const peftIa3: ForeignReader = {
  label: 'PEFT IA³',
  recognises: (names) => names.some((name) => SCALE_TENSOR.test(name)),
  read: async (file, config) => {
    const { name: where } = file;
    if (!config) throw noConfig('IA³', 'what it changes', where);
    const { baseName } = parsePeftConfig(config, 'IA3');
    const blocks = new Map<number, Partial<Record<'k' | 'v' | 'ff', Float32Array>>>();
    const decoder = new Map<string, string>();
    for (const name of file.tensors.keys()) {
      const [, path] = SCALE_TENSOR.exec(name) ?? [];
      const module = withoutWrappers(path ?? name).replace(SAVED, '.');
      const [, block, layer] = LAYER.exec(module) ?? [];
      if (path === undefined && DECODER.test(module)) {
        decoder.set(module.replace(DECODER, '$1'), name);
        continue;
      }
      const scales = await differencesOf(file, name, path === undefined ? undefined : layer);
      const own = blocks.get(Number(block)) ?? {};
      const twice = Object.keys(scales).find((part) => part in own);
      if (twice) throw several(where, `${block}.${twice} twice`);
      blocks.set(Number(block), { ...own, ...scales });
    }
    return {
      name: where,
      label: peftIa3.label,
      pairs: [],
      scales: [...blocks].sort(([a], [b]) => a - b).map(([block, layers]) => ({ block, layers })),
      hasBlockNumbers: true,
      baseName,
      decoder: await readDecoder(file, decoder),
      decoderChanges: new Map(),
      use: useOf(file),
      remarks: [],
    };
  },
};

/** What a tensor scales, as differences to 1. @throws Failure `adapter/layers` for what this program's IA³ does not scale. */
async function differencesOf(
  file: TensorFile,
  name: string,
  layer: string | undefined,
): Promise<Partial<Record<'k' | 'v' | 'ff', Float32Array>>> {
  const [first, second, ...more] = file.tensors.get(name)?.shape ?? [];
  const isOutput = second === 1 && more.length === 0;
  const isInput = first === 1 && more.length === 0;
  const values = async () => (await file.read(name)).data.map((value) => value - 1);
  if (layer === 'lin2' && isInput) return { ff: await values() };
  if ((layer === 'k' || layer === 'v') && isOutput) return { [layer]: await values() };
  if (layer === 'qkv' && isOutput && (first ?? 0) % 3 === 0) {
    const all = await values();
    const third = all.length / 3;
    if (all.subarray(0, third).every((value) => value === 0))
      return { k: all.slice(third, 2 * third), v: all.slice(2 * third) };
  }
  throw new Failure({
    code: 'adapter/layers',
    what: 'It is IA³ of something else than the keys, the values and the input of mlp.lin2 in SAM’s image encoder.',
    where: `${file.name}, tensor ${name}`,
    cure: MERGE,
  });
}

function noConfig(kind: string, says: string, where: string): Failure {
  return new Failure({
    code: 'adapter/no-config',
    what: `It is a PEFT ${kind} adapter without its adapter_config.json, which says ${says}.`,
    where,
    cure: 'Choose both files, the folder that holds them, or a zip of it.',
  });
}

const UseSchema = v.object({
  maskThreshold: v.pipe(v.number(), v.finite()),
  preprocessing: PreprocessingSchema,
  scale: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1))),
});

/** What our own export keeps in the metadata; null in files of other programs. */
function useOf({ metadata }: TensorFile): ForeignUse | null {
  try {
    const parsed = v.safeParse(UseSchema, JSON.parse(metadata[USE_METADATA] ?? 'null'));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

/** @param module its layer's name in the base model. */
type ModulePair = PairNames & { readonly module: string };
type NamedPair = ModulePair & Pick<LowRankPair, 'block' | 'layer'>;

/** The file's tensors by what they are. @throws Failure `adapter/layers`, `adapter/several`. */
function sortTensors(file: TensorFile): {
  pairs: NamedPair[];
  decoderPairs: ModulePair[];
  decoder: Map<string, string>;
} {
  const pairs = new Map<string, NamedPair>();
  const decoderPairs = new Map<string, ModulePair>();
  const decoder = new Map<string, string>();
  const adapters = new Set<string>();
  const isWhole = isUnmerged(file.tensors.keys());
  for (const name of file.tensors.keys()) {
    // Of a whole model only what was trained is the adapter.
    if (isWhole && !TRAINED.test(name)) continue;
    const [, path, part, adapter] = PAIR_TENSOR.exec(name) ?? [];
    const module = withoutWrappers(path ?? name).replace(SAVED, '.');
    const [, block, layer] = LAYER.exec(module) ?? [];
    const side = part === 'A' ? { a: name } : { b: name };
    if (path !== undefined && block !== undefined && layer !== undefined) {
      if (adapter !== undefined) adapters.add(adapter);
      const key = `${Number(block)} ${layer}`;
      const before = pairs.get(key);
      if (before?.[part === 'A' ? 'a' : 'b'] !== undefined)
        throw several(file.name, `${block}.${layer} twice`);
      pairs.set(key, { ...before, block: Number(block), layer: layer as ForeignLayer, module, ...side });
    } else if (path !== undefined && DECODER.test(module)) {
      if (adapter !== undefined) adapters.add(adapter);
      const own = module.replace(DECODER, '$1');
      decoderPairs.set(own, { ...decoderPairs.get(own), module: own, ...side });
    } else if (path === undefined && DECODER.test(module)) {
      decoder.set(module.replace(DECODER, '$1'), name);
    } else throw unknownLayer(file.name, name);
  }
  const [first, second] = adapters;
  if (second !== undefined) throw several(file.name, `${first}, ${second}`);
  if (pairs.size + decoderPairs.size === 0) throw unknownLayer(file.name, [...decoder.values()][0] ?? '');
  return { pairs: [...pairs.values()], decoderPairs: [...decoderPairs.values()], decoder };
}

function several(where: string, which: string): Failure {
  return new Failure({
    code: 'adapter/several',
    what: `It holds several PEFT adapters (${which}).`,
    where,
    cure: 'Save each by itself with save_pretrained(folder, selected_adapters=[name]).',
  });
}

function unknownLayer(file: string, tensor: string): Failure {
  const what =
    'It is a PEFT adapter of something else than the linear layers of SAM’s image encoder and mask decoder.';
  return new Failure({ code: 'adapter/layers', what, where: `${file}, tensor ${tensor}`, cure: MERGE });
}

/** Inner layers of a head, whose numbers mean others in Hugging Face's naming than in SAM's. */
const INNER = /^(.*\.(?:output_hypernetworks_mlps\.\d+|iou_prediction_head)\.layers)\.(\d+)$/;

/**
 * Changes of the decoder by their layers; inner layers of heads by SAM's numbers.
 * @throws Failure `adapter/layers` for an inner layer of a head where no other name says whose numbers these are.
 */
function decoderLayers(
  pairs: readonly ModulePair[],
  { name: file, tensors }: TensorFile,
): Map<string, ModulePair> {
  const names = [...tensors.keys()];
  const isHf = names.some((name) => /\bvision_encoder\.|\.proj_(in|out)\./.test(name));
  const isOriginal = names.some((name) => /\bimage_encoder\./.test(name));
  const layers = new Map<string, ModulePair>();
  for (const pair of pairs) {
    const [, head, number] = INNER.exec(pair.module) ?? [];
    if (head === undefined) layers.set(pair.module, pair);
    else if (isHf === isOriginal) throw unclearHead(file, pair.a ?? pair.b ?? head);
    else layers.set(`${head}.${Number(number) + (isHf ? 1 : 0)}`, pair);
  }
  return layers;
}

function unclearHead(file: string, tensor: string): Failure {
  return new Failure({
    code: 'adapter/layers',
    what: 'It changes an inner layer of a head of the mask decoder, and no other name says whether layers are counted as in SAM or as in Hugging Face.',
    where: `${file}, tensor ${tensor}`,
    cure: MERGE,
  });
}

/** A mask decoder saved whole (`modules_to_save`), by SAM's names. */
async function readDecoder(
  file: TensorFile,
  names: ReadonlyMap<string, string>,
): Promise<Map<string, HostTensor>> {
  const own = [...names.keys()];
  const isHf = own.some((name) => name.includes('.proj_in.'));
  const original = isHf ? mapHfNames(own) : new Map(own.map((name) => [name, name]));
  const tensors = new Map<string, HostTensor>();
  for (const [name, saved] of original) tensors.set(name, await file.read(names.get(saved) ?? saved));
  return tensors;
}
