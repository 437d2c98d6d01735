/** A run's files with other dataset keys: a run of a project knows datasets by their ids in it. */
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { Safetensors } from '../../sam/checkpoint/safetensors.ts';
import { writeSafetensors } from '../../sam/checkpoint/safetensors-write.ts';
import { RUN_FILES, type RunFiles } from '../run/run-files.ts';

/** New keys of datasets by the old ones. */
export type KeyChanges = ReadonlyMap<string, string>;

/** Fields that hold a dataset's key, in whichever file. */
const FIELDS: ReadonlySet<string> = new Set(['key', 'dataset', 'datasetId']);
/** Files whose own fields are the keys. */
const BY_KEY: readonly string[] = [RUN_FILES.split, RUN_FILES.testIous];

/**
 * Copies all files of a run.
 * @throws Failure `storage/…`, `run/damaged` for a file that is no JSON, `checkpoint/…` for a checkpoint that cannot be read.
 */
export async function copyWithKeys(from: RunFiles, to: RunFiles, keys: KeyChanges): Promise<void> {
  for (const name of Object.values(RUN_FILES)) {
    const bytes = await from.readIfThere(name);
    if (bytes) await to.store.write(to.path(name), await changed(name, bytes, keys));
  }
}

async function changed(name: string, bytes: Uint8Array, keys: KeyChanges): Promise<Uint8Array> {
  if (name === RUN_FILES.checkpoint) return changedCheckpoint(name, bytes, keys);
  if (name === RUN_FILES.metrics) {
    const rows = decode(bytes).split('\n');
    return encode(rows.map((row) => (row === '' ? row : changedJson(row, keys))).join('\n'));
  }
  if (BY_KEY.includes(name)) {
    const content = Object.entries(JSON.parse(decode(bytes)) as Record<string, unknown>);
    return encode(
      JSON.stringify(Object.fromEntries(content.map(([key, own]) => [keys.get(key) ?? key, own]))),
    );
  }
  return name.endsWith('.json') ? encode(changedJson(decode(bytes), keys)) : bytes;
}

async function changedCheckpoint(name: string, bytes: Uint8Array, keys: KeyChanges): Promise<Uint8Array> {
  const file = await Safetensors.open(bytesSource(name, bytes));
  const { state = '{}' } = file.metadata;
  return writeSafetensors(await file.readAll(), { ...file.metadata, state: changedJson(state, keys) });
}

const changedJson = (text: string, keys: KeyChanges): string =>
  JSON.stringify(JSON.parse(text), (field, value: unknown) =>
    FIELDS.has(field) && typeof value === 'string' ? (keys.get(value) ?? value) : value,
  );

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
