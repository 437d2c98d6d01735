/** Taking a run's adapter out as files and bringing one in again. */
import { Failure } from '../../config/failure.ts';
import type { InputFile } from '../../data/read-datasets.ts';
import { readZip } from '../../data/zip.ts';
import type { Adapter, AdapterBase } from '../../peft/adapter-file.ts';
import {
  type AdapterPair,
  type NamedBytes,
  ownJson,
  RUN_FILES,
  type RunFiles,
  readPair,
} from './run-files.ts';

/**
 * The best weights of a run, checked against the open model.
 * @throws Failure `run/no-adapter`, `adapter/other-model`, `adapter/…`.
 */
export async function readRunAdapter(files: RunFiles, base: AdapterBase): Promise<Adapter> {
  return readPair(base, await adapterFiles(files));
}

/** `adapter.safetensors` of a run and the `adapter.json` that belongs to it. @throws Failure `run/no-adapter`. */
export async function adapterFiles(files: RunFiles): Promise<AdapterPair> {
  const pair = await files.readAdapterPair();
  if (pair) return pair;
  throw new Failure({
    code: 'run/no-adapter',
    what: 'This run has no trained weights yet.',
    where: files.path(RUN_FILES.adapter),
    cure: 'Let it train until its first check on the validation images.',
  });
}

/**
 * Checks an adapter's files (`adapter.safetensors`, and `adapter.json` for one of before it held its record; in any order or
 * in a zip) and stores them, byte for byte, as a run's.
 * @throws Failure `adapter/…` that names the file; nothing is written then.
 */
export async function storeAdapterFiles(
  inputs: readonly InputFile[],
  base: AdapterBase,
  files: RunFiles,
): Promise<Adapter> {
  const pair = await chooseAdapterFiles(inputs);
  const adapter = await readPair(base, pair);
  await files.store.write(files.path(RUN_FILES.adapter), pair.weights.bytes);
  await files.store.write(files.path(RUN_FILES.adapterJson), pair.json.bytes);
  return adapter;
}

/** Finds the files. @throws Failure `adapter/incomplete`, `adapter/several`, `data/…` for a broken zip. */
async function chooseAdapterFiles(inputs: readonly InputFile[]): Promise<AdapterPair> {
  const found: NamedBytes[] = [];
  for (const { path, bytes } of inputs) {
    if (/\.zip$/i.test(path)) found.push(...(await unzip(path, await bytes())));
    else if (/\.(safetensors|json)$/i.test(path)) found.push({ name: path, bytes: await bytes() });
  }
  const weights = found.filter(({ name }) => /\.safetensors$/i.test(name));
  // A run's folder holds other JSON files too.
  const jsons = found.filter(({ name }) => /\.json$/i.test(name));
  const named = jsons.filter(({ name }) => /(^|\/)adapter[^/]*\.json$/i.test(name));
  const candidates = named.length > 0 ? named : jsons;
  const [weight, otherWeight] = weights;
  const [chosen, otherJson] = candidates;
  const extra = otherWeight ?? otherJson;
  if (extra) {
    throw new Failure({
      code: 'adapter/several',
      what: 'There is more than one adapter among the files.',
      where: extra.name,
      cure: 'Import one adapter at a time: its adapter.safetensors and its adapter.json.',
    });
  }
  const json = chosen ?? (weight && (await ownJson(weight)));
  if (weight && json) return { json, weights: weight };
  const [there] = found;
  throw new Failure({
    code: 'adapter/incomplete',
    what: weight
      ? 'It holds no record, and its adapter.json is missing.'
      : 'There is no adapter.safetensors among the files.',
    ...(there && { where: there.name }),
    cure: 'Choose adapter.safetensors and adapter.json together, or the zip that holds both.',
  });
}

async function unzip(path: string, bytes: Uint8Array): Promise<NamedBytes[]> {
  const { files, refusals } = await readZip(bytes, path);
  const [refused] = refusals;
  if (files.length === 0 && refused) {
    const { code, reason, file, cure } = refused;
    throw new Failure({ code, what: reason, where: file, cure });
  }
  const wanted = files.filter((file) => /\.(safetensors|json)$/i.test(file.path));
  return Promise.all(
    wanted.map(async (file) => ({ name: `${path}/${file.path}`, bytes: await file.bytes() })),
  );
}
