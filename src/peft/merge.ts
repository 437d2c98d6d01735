import { Failure, type FailureRecord } from '../config/failure.ts';
import type { SamConfig } from '../config/sam.ts';
import { axis } from '../graph/shape.ts';
import type { HostTensor } from '../sam/checkpoint/tensor-file.ts';
import { encoderOf, sitesOf } from '../sam/encoder.ts';
import type { StoredBlocks } from '../sam/encoders/encoder.ts';
import type { EncoderSite } from '../sam/site.ts';
import type { Adapter } from './adapter-file.ts';
import type { GateForm } from './gates/gate-form.ts';
import { gateFormById } from './gates/registry.ts';
import type { LayerWeights, NormWeights } from './method.ts';
import { type Module, modulesOf } from './modules.ts';

/** The linear layers of a block with their tensor, and which equal part of its rows they are. */
const LAYERS = {
  q: ['attn.qkv', 0, 3],
  k: ['attn.qkv', 1, 3],
  v: ['attn.qkv', 2, 3],
  proj: ['attn.proj', 0, 1],
  lin1: ['mlp.lin1', 0, 1],
  lin2: ['mlp.lin2', 0, 1],
} as const;

/**
 * The tensors of the base model that an adapter changes, with its modules and its mask decoder in them: a plain SAM that gives the
 * adapter's masks without it, but for rounding.
 * @param read a tensor of the base model by SAM's name.
 * @param dataset which is meant, by name, of an adapter that tells datasets apart.
 * @throws Failure `merge/not-exact` that names what no weight of SAM can hold.
 */
export async function mergeAdapter(
  adapter: Pick<Adapter, 'mopeft' | 'tensors'>,
  sam: SamConfig,
  read: (name: string) => Promise<HostTensor>,
  dataset?: string,
): Promise<Map<string, HostTensor>> {
  const refusal = mergeRefusal(adapter, sam);
  if (refusal) throw new Failure(refusal);
  const { mopeft, tensors } = adapter;
  const form = gateFormById(mopeft.gate);
  const modules = modulesOf(mopeft);
  const asked = datasetIndex(form, mopeft.datasets ?? [], dataset);
  const stored = encoderOf(sam).stored ?? AS_SAM;
  const merged = new Map<string, HostTensor>();
  for (const site of sitesOf(sam)) {
    const own = modules.filter(({ block }) => block === site.index);
    if (own.length === 0) continue;
    const block = await copyBlock(site, stored, read);
    for (const { method, settings } of own) {
      const values = (name: string): Float32Array => {
        const found = tensors.get(`blocks.${site.index}.${name}`);
        if (!found) throw new RangeError(`the adapter has no tensor blocks.${site.index}.${name}`);
        return found.data;
      };
      method.merge?.({
        settings,
        site,
        gate: form.constant?.(method.id, values, asked) ?? null,
        tensor: values,
        layer: (slot) => layerOf(block, site, slot),
        norm: (slot) => normOf(block, site, slot),
      });
    }
    for (const [name, { shape, data }] of block)
      merged.set(stored.nameOf(name), {
        shape,
        data: isQkv(name) ? stored.joinQkv(data, site.heads) : data,
      });
  }
  for (const [name, tensor] of tensors) if (name.startsWith('mask_decoder.')) merged.set(name, tensor);
  return merged;
}

/** Why an adapter cannot be merged exactly, as {@link mergeAdapter} would refuse it; null where it can. */
export function mergeRefusal(
  { mopeft, tensors }: Pick<Adapter, 'mopeft' | 'tensors'>,
  sam: SamConfig,
): FailureRecord | null {
  const modules = modulesOf(mopeft);
  const form = gateFormById(mopeft.gate);
  const beside = [
    ...new Set(modules.filter(({ method }) => !method.merge).map(({ method }) => method.label)),
  ];
  if (beside.length > 0)
    return notExact(
      `${beside.join(' and ')} ${beside.length > 1 ? 'are' : 'is'} beside SAM's layers and no change of their weights.`,
      'Keep the adapter beside its model, or train LoRA, bias and norm, last blocks, SSF or IA³ alone.',
    );
  if (modules.length > 0 && !form.constant)
    return notExact(
      `The gates (${form.label}) differ from image to image, and weights are the same for all.`,
      'Keep the adapter beside its model, or train with another gate form: none, budget, hard or task.',
    );
  const unfilled = form.varies === 'by-dataset' ? changersOfFilling(modules, sitesOf(sam)) : [];
  if (unfilled.length > 0)
    return notExact(
      `With gates by dataset ${unfilled.join(' and ')} ${unfilled.length > 1 ? 'leave' : 'leaves'} what fills up the windows of this TinyViT as it was, and plain weights would change it.`,
      'Keep the adapter beside its model, or train with another gate form: none, budget or hard.',
    );
  if (tensors.has('tokens.dataset'))
    return notExact(
      'A token of its own for each dataset stands beside the prompt, where SAM has none.',
      'Keep the adapter beside its model, or train without the token.',
    );
  return null;
}

/** Labels of the methods that change norm1 in a block whose windows are filled up with its bias. */
function changersOfFilling(modules: readonly Module[], sites: readonly EncoderSite[]): string[] {
  const changers = modules.filter(({ method, settings, block }) => {
    const site = sites[block];
    return (
      site?.fillsWithBias === true &&
      method.tensors(settings, site).some(({ name }) => name.includes('.norm1.'))
    );
  });
  return [...new Set(changers.map(({ method }) => method.label))];
}

function notExact(what: string, cure: string): FailureRecord {
  return {
    code: 'merge/not-exact',
    what: `This adapter cannot become plain weights: ${what}`,
    where: 'adapter',
    cure,
  };
}

/** The index of a dataset that gates by dataset mean; 0 for other gates. @throws Failure `merge/which-dataset`. */
export function datasetIndex(form: GateForm, datasets: readonly string[], asked: string | undefined): number {
  return form.varies === 'by-dataset' ? namedIndex(datasets, asked) : 0;
}

/** The index of a dataset by its name, which may be left out where there is one. @throws Failure `merge/which-dataset`. */
export function namedIndex(datasets: readonly string[], asked: string | undefined): number {
  const index = asked === undefined && datasets.length === 1 ? 0 : datasets.indexOf(asked ?? '');
  if (index >= 0) return index;
  throw new Failure({
    code: 'merge/which-dataset',
    what:
      asked === undefined
        ? 'The adapter tells its datasets apart, and what is exported is for one of them.'
        : `The adapter knows no dataset "${asked}".`,
    where: 'dataset',
    cure: `Say which is meant: ${datasets.join(', ')}.`,
  });
}

type Block = ReadonlyMap<string, HostTensor>;

const AS_SAM: StoredBlocks = {
  nameOf: (name) => name,
  splitQkv: (stored) => stored,
  joinQkv: (split) => split,
};

const isQkv = (name: string): boolean => /\.qkv\.(weight|bias)$/.test(name);

/** Copies of the block's norms and linear layers, by SAM's names and in SAM's order. */
async function copyBlock(
  { name, heads, qkvBias }: EncoderSite,
  stored: StoredBlocks,
  read: (name: string) => Promise<HostTensor>,
): Promise<Block> {
  const layers = ['norm1', 'attn.qkv', 'attn.proj', 'norm2', 'mlp.lin1', 'mlp.lin2'];
  const names = layers
    .flatMap((layer) => [`${layer}.weight`, `${layer}.bias`])
    .filter((own) => qkvBias || own !== 'attn.qkv.bias')
    .map((own) => `${name}.${own}`);
  const found = await Promise.all(
    names.map(async (own): Promise<[string, HostTensor]> => {
      const { shape, data } = await read(stored.nameOf(own));
      return [own, { shape, data: isQkv(own) ? stored.splitQkv(data.slice(), heads) : data.slice() }];
    }),
  );
  return new Map(found);
}

function layerOf(block: Block, { name }: EncoderSite, slot: keyof typeof LAYERS): LayerWeights {
  const [layer, part, parts] = LAYERS[slot];
  const weight = tensorOf(block, `${name}.${layer}.weight`);
  const bias = block.get(`${name}.${layer}.bias`);
  const [outputs, inputs] = [axis(weight.shape, 0) / parts, axis(weight.shape, 1)];
  return {
    inputs,
    outputs,
    weight: weight.data.subarray(part * outputs * inputs, (part + 1) * outputs * inputs),
    bias: bias ? bias.data.subarray(part * outputs, (part + 1) * outputs) : null,
  };
}

function normOf(block: Block, { name }: EncoderSite, slot: 'norm1' | 'norm2'): NormWeights {
  return {
    weight: tensorOf(block, `${name}.${slot}.weight`).data,
    bias: tensorOf(block, `${name}.${slot}.bias`).data,
  };
}

function tensorOf(block: Block, name: string): HostTensor {
  const found = block.get(name);
  if (!found) throw new RangeError(`the block has no tensor ${name}`);
  return found;
}
