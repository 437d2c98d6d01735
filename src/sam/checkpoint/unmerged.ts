/** PEFT's whole models whose LoRA was not merged: `base_layer`, `lora_A` and `lora_B` of a layer side by side. */
import { Failure } from '../../config/failure.ts';
import { type Shape, show, sizeOf } from '../../graph/shape.ts';
import type { Owners } from './find-model.ts';
import { withoutWrappers } from './names.ts';
import type { PeftConfig } from './peft-config.ts';
import type { HostTensor, TensorFile } from './tensor-file.ts';

const PART = /^(.+)\.lora_([AB])(?:\.([^.]+))?\.weight$/;
/** A module that was trained whole, beside what it was before. */
const TRAINED = /^(.+)\.modules_to_save\.([^.]+)\.(.+)$/;

/** A layer's change: `scale` · B A is added to its weights. */
interface Change {
  /** [rank, input], of a convolution [rank, input, height, width] */
  readonly a: string;
  /** [output, rank], of a convolution [output, rank, 1, 1] */
  readonly b: string;
  readonly scale: number;
}

/** Whether LoRA stands beside the layers that it changes. */
export function isUnmerged(names: Iterable<string>): boolean {
  const all = new Set(names);
  for (const name of all) {
    const [, path] = PART.exec(name) ?? [];
    if (path !== undefined && all.has(`${path}.base_layer.weight`)) return true;
  }
  return false;
}

export interface Merged {
  /** The files as those of the merged model; what is not understood is still among them. */
  readonly owners: Owners;
  /** Layers with LoRA. */
  readonly layers: number;
  /** Ascending, each once. */
  readonly scales: readonly number[];
}

/**
 * The files with LoRA merged into the layers (W + scale · B A, exact but for f32's rounding) and with trained copies of modules
 * in place of the first ones. Shapes are checked here, values are read when they are asked for.
 * @throws Failure `adapter/several`, `adapter/rank`, `checkpoint/shape`, `checkpoint/missing`.
 */
export function mergeUnmerged(owners: Owners, config: PeftConfig, label: string): Merged {
  const pairs = new Map<string, { a?: string; b?: string }>();
  const merged = new Map(owners);
  const adapters = new Set<string>();
  for (const name of owners.keys()) {
    const [, path, side, adapter = 'default'] = PART.exec(name) ?? [];
    if (path !== undefined && owners.has(`${path}.base_layer.weight`)) {
      adapters.add(adapter);
      pairs.set(path, { ...pairs.get(path), [side === 'A' ? 'a' : 'b']: name });
      merged.delete(name);
    }
    const [, module, copy, rest] = TRAINED.exec(name) ?? [];
    const first = `${module}.original_module.${rest}`;
    const owner = owners.get(name);
    if (copy !== undefined && owner && owners.has(first)) {
      adapters.add(copy);
      merged.delete(name);
      merged.set(first, { ...headOf(owner, first, name), read: () => owner.read(name) });
    }
  }
  if (adapters.size > 1) {
    throw new Failure({
      code: 'adapter/several',
      what: `It holds several PEFT adapters (${[...adapters].join(', ')}).`,
      where: label,
      cure: 'Save it with the one that is meant, after delete_adapter(name) of the others.',
    });
  }
  const scales = new Set<number>();
  for (const [path, { a, b }] of pairs) {
    const base = `${path}.base_layer.weight`;
    const owner = owners.get(base);
    if (!owner) throw new RangeError(`${base} was there`);
    const rank = checkedRank(owners, { base, a, b }, label);
    if (!config.isRank(rank)) {
      throw new Failure({
        code: 'adapter/rank',
        what: `The rank of ${path} is ${rank}, and its adapter_config.json says ${config.rank}.`,
        where: label,
        cure: 'Use the adapter_config.json that was saved with these weights.',
      });
    }
    const scale = config.scaleOf(withoutWrappers(path), rank);
    scales.add(scale);
    const change = { a: a ?? '', b: b ?? '', scale };
    merged.set(base, { ...headOf(owner, base, base), read: () => readMerged(owners, base, change, label) });
  }
  return { owners: merged, layers: pairs.size, scales: [...scales].sort((x, y) => x - y) };
}

/** What a file says of itself, with one tensor under a name. */
function headOf(file: TensorFile, name: string, own: string): Omit<TensorFile, 'read'> {
  const { format, metadata, leftOut, tensors } = file;
  const info = tensors.get(own);
  return { name: file.name, format, metadata, leftOut, tensors: new Map(info ? [[name, info]] : []) };
}

/** @throws Failure `checkpoint/missing`, `checkpoint/shape`. */
function checkedRank(
  owners: Owners,
  { base, a, b }: { readonly base: string; readonly a: string | undefined; readonly b: string | undefined },
  label: string,
): number {
  const shapeOf = (name: string): Shape => owners.get(name)?.tensors.get(name)?.shape ?? [];
  if (a === undefined || b === undefined) {
    throw new Failure({
      code: 'checkpoint/missing',
      what: `The tensor ${a ?? b} has no partner: LoRA needs an A and a B.`,
      where: label,
      cure: 'The file was saved or copied only in part; save the model again.',
    });
  }
  const [shapeW, shapeA, shapeB] = [shapeOf(base), shapeOf(a), shapeOf(b)];
  const [[output = 0, ...input], [rank = 0, ...inputA], [outputB = 0, rankB = 0, ...rest]] = [
    shapeW,
    shapeA,
    shapeB,
  ];
  // A convolution by groups has one input channel for each, and its LoRA is no product of two matrices.
  const isGrouped = input.length > 1 && input[0] === 1;
  const fits =
    !isGrouped &&
    rank > 0 &&
    rankB === rank &&
    outputB === output &&
    rest.every((side) => side === 1) &&
    JSON.stringify(inputA) === JSON.stringify(input);
  if (fits) return rank;
  throw new Failure({
    code: 'checkpoint/shape',
    what: `${a} is ${show(shapeA)} and ${b} is ${show(shapeB)}, which cannot be merged into weights of ${show(shapeW)}.`,
    where: label,
    cure: 'Save the model again after merge_and_unload(), which merges them in PEFT.',
  });
}

async function readMerged(owners: Owners, base: string, change: Change, label: string): Promise<HostTensor> {
  const read = (name: string): Promise<HostTensor> => {
    const owner = owners.get(name);
    if (!owner) throw new RangeError(`no file holds ${name}`);
    return owner.read(name);
  };
  return merge(
    await read(base),
    await read(change.a),
    await read(change.b),
    change.scale,
    `${label}, tensor ${base}`,
  );
}

/**
 * W + scale · B A. @param a [rank, …input] @param b [output, rank, …]
 * @throws Failure `adapter/scale` where the sum is infinite.
 */
export function merge(
  { shape, data }: HostTensor,
  a: HostTensor,
  b: HostTensor,
  scale: number,
  where: string,
): HostTensor {
  const rank = a.shape[0] ?? 0;
  const width = sizeOf(a.shape) / rank;
  const sum = new Float32Array(data.length);
  const row = new Float64Array(width);
  for (let output = 0; output < data.length / width; output++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = b.data[output * rank + r] ?? 0;
      for (let i = 0; i < width; i++) row[i] = (row[i] ?? 0) + factor * (a.data[r * width + i] ?? 0);
    }
    for (let i = 0; i < width; i++) {
      const at = output * width + i;
      sum[at] = (data[at] ?? 0) + scale * (row[i] ?? 0);
    }
  }
  if (sum.every(Number.isFinite)) return { shape, data: sum };
  throw new Failure({
    code: 'adapter/scale',
    what: `Its LoRA with the scale ${scale} makes infinite weights.`,
    where,
    cure: 'Check lora_alpha in its adapter_config.json.',
  });
}
