import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { InputFile } from '../data/read-datasets.ts';
import { statOf } from './input-files.ts';

const WEIGHTS = /\.(safetensors|bin|pth?|ckpt)$/i;
const JSON_FILE = /\.json$/i;
/** What a run, or PEFT, calls the JSON of an adapter. */
const ADAPTER_JSON = /^adapter[^/]*\.json$/i;
const OWN_FILE = /^adapter\.(safetensors|json)$/i;

/**
 * The files that may be an adapter: a zip; a file of weights and the adapter's JSON beside it; or those directly in a folder,
 * but only `adapter.safetensors` and its JSON where that is there, as in the folder of a run.
 * @throws Failure `cli/no-file`.
 */
export async function adapterInputs(path: string): Promise<InputFile[]> {
  const cure = 'Give the folder of a run, or the file, folder or zip of an adapter.';
  const info = await statOf(path, cure);
  const folder = info.isDirectory() ? path : dirname(path);
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  return chosenNames(names, info.isDirectory() ? null : basename(path)).map((name) => {
    const at = join(folder, name);
    return { path: at, bytes: async () => new Uint8Array(await readFile(at)) };
  });
}

/** @param file null for the folder as a whole. */
function chosenNames(names: readonly string[], file: string | null): string[] {
  if (file !== null) {
    const beside = WEIGHTS.test(file) ? names.filter((name) => ADAPTER_JSON.test(name)) : [];
    return [file, ...beside];
  }
  const own = names.filter((name) => OWN_FILE.test(name));
  if (own.some((name) => WEIGHTS.test(name))) return own;
  return names.filter((name) => WEIGHTS.test(name) || JSON_FILE.test(name));
}
