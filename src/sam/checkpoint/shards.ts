import * as v from 'valibot';
import { Failure } from '../../config/failure.ts';
import type { ByteSource } from './byte-source.ts';
import type { TensorFile } from './tensor-file.ts';

/** A Hugging Face `*.index.json`: which file of a model in parts holds which tensor. */
export interface ShardIndex {
  /** The index's own path. */
  readonly name: string;
  /** File name without folder, by tensor. */
  readonly owners: ReadonlyMap<string, string>;
}

const IndexSchema = v.object({ weight_map: v.record(v.string(), v.string()) });

/** @throws Failure `checkpoint/index` for a file that is no index. */
export function parseShardIndex({
  name,
  text,
}: {
  readonly name: string;
  readonly text: string;
}): ShardIndex {
  const parsed = v.safeParse(IndexSchema, parseJson(text));
  if (!parsed.success) {
    throw new Failure({
      code: 'checkpoint/index',
      what: 'The index has no weight_map that names a file for every tensor.',
      where: name,
      cure: 'Download it again together with the weights.',
    });
  }
  return { name, owners: new Map(Object.entries(parsed.output.weight_map)) };
}

/** The index that the files follow: one of whose shards some are there, best all of them. Null without one. */
export function chooseIndex(indices: readonly ShardIndex[], files: readonly ByteSource[]): ShardIndex | null {
  const names = new Set(files.map(({ name }) => name));
  const shards = ({ name, owners }: ShardIndex) =>
    [...owners.values()].map((shard) => folderOf(name) + shard);
  const followed = indices.filter((index) => shards(index).some((shard) => names.has(shard)));
  return followed.find((index) => shards(index).every((shard) => names.has(shard))) ?? followed[0] ?? null;
}

/**
 * The files that an index names, in the order of their names, whatever else lies beside it.
 * @throws Failure `checkpoint/shard-missing` that names those that are not there.
 */
export function shardsOf({ name, owners }: ShardIndex, files: readonly ByteSource[]): ByteSource[] {
  const folder = folderOf(name);
  const wanted = [...new Set(owners.values())].sort();
  const found = new Map(files.map((file) => [file.name, file]));
  const missing = wanted.filter((shard) => !found.has(folder + shard));
  const [first, ...others] = missing;
  if (first !== undefined) {
    throw new Failure({
      code: 'checkpoint/shard-missing',
      what: `The index names ${wanted.length} files of weights, and ${[first, ...others].join(', ')} ${others.length > 0 ? 'are' : 'is'} not among the files.`,
      where: name,
      cure: 'Download what is missing and open all files together, or the whole folder.',
    });
  }
  return wanted.flatMap((shard) => found.get(folder + shard) ?? []);
}

const NUMBERED = /-(\d{5})-of-(\d{5})(?=\.\w+$)/;

/** Without an index the names of shards say how many there are. @throws Failure `checkpoint/shard-missing` where some are not among the files. */
export function expectAllShards(files: readonly ByteSource[]): void {
  const found = new Set(files.map(({ name }) => name));
  for (const { name } of files) {
    const [part, number, total] = NUMBERED.exec(name) ?? [];
    if (part === undefined) continue;
    const siblings = Array.from({ length: Number(total) }, (_, i) =>
      name.replace(part, `-${String(i + 1).padStart(5, '0')}-of-${total}`),
    );
    const missing = siblings.filter((sibling) => !found.has(sibling)).map(baseName);
    if (missing.length === 0) continue;
    throw new Failure({
      code: 'checkpoint/shard-missing',
      what: `It is part ${Number(number)} of a model in ${Number(total)} files, and ${missing.length > 3 ? `${missing.length} others` : missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} not among the files.`,
      where: name,
      cure: 'Open the whole folder, or all files of the model together with their .index.json.',
    });
  }
}

/** @throws Failure `checkpoint/shard-tensor` for a tensor that the index promises and its file does not hold. */
export function checkShards({ name, owners }: ShardIndex, files: readonly TensorFile[]): void {
  const byName = new Map(files.map((file) => [baseName(file.name), file]));
  for (const [tensor, shard] of owners) {
    if (byName.get(shard)?.tensors.has(tensor)) continue;
    throw new Failure({
      code: 'checkpoint/shard-tensor',
      what: `${name} promises it in ${shard}, which does not hold it.`,
      where: `tensor ${tensor}`,
      cure: 'The files are of different versions of the model; download all of them again.',
    });
  }
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);
const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
