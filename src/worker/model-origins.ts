/** Where models come from: the site's own, the catalogue's, files that were dropped; and the one of the last visit. */
import * as v from 'valibot';
import { Failure, toFailureRecord } from '../config/failure.ts';
import { type FileStore, storeName } from '../data/file-store.ts';
import { readJson } from '../engine/catalogue/fetch-file.ts';
import { folderOf, storedModel, storedSources } from '../engine/catalogue/stored-models.ts';
import { fetchEmbeddedModel, readEmbeddedIndex } from '../engine/embedded.ts';
import { chooseModelFiles, type OpenModelOptions } from '../engine/model.ts';
import { type ByteSource, blobSource } from '../sam/checkpoint/byte-source.ts';
import type { EngineState, ModelOrigin } from './engine-state.ts';
import { keptChoices } from './model-choices.ts';
import type { DroppedFile, ModelInfo } from './protocol.ts';
import type { CallContext } from './serve.ts';

/** Folder of the storage that keeps the dropped model; its list is written last. */
const FOLDER = 'model';
const LIST = `${FOLDER}/model.json`;
/** Which model the next visit starts with. */
const OPENED = 'opened-model.json';
const OpenedSchema = v.object({
  version: v.literal(1),
  source: v.picklist(['embedded', 'catalogue', 'file']),
  id: v.nullable(v.string()),
});
type Opened = v.InferOutput<typeof OpenedSchema>;
/** Bytes that are copied at once. */
const COPIED_BYTES = 32 * 2 ** 20;
const ListSchema = v.object({
  name: v.string(),
  files: v.array(v.object({ name: v.string(), path: v.string() })),
});

/** A call's signal and progress in the words of the engine. */
export function openOptions(call: Pick<CallContext, 'signal' | 'progress'>): OpenModelOptions {
  return {
    signal: call.signal,
    onProgress: (done, total) => call.progress({ done, total, label: 'Reading the model' }),
  };
}

/** @throws Failure `model/unknown` when the site has no such model. */
export async function embeddedOrigin(baseUrl: string, id: string | null): Promise<ModelOrigin> {
  const index = await readEmbeddedIndex(fetch, baseUrl);
  const model = index.models.find((each) => each.id === (id ?? index.default));
  if (!model) {
    throw new Failure({
      code: 'model/unknown',
      what: 'The site has no model of this name.',
      where: id ?? index.default,
      cure: `Choose one of ${index.models.map((each) => each.id).join(', ')}.`,
    });
  }
  return {
    source: 'embedded',
    embeddedId: model.id,
    catalogueId: null,
    name: model.label,
    licence: model.licence,
    files: ({ onProgress, onConfig, signal }) =>
      fetchEmbeddedModel(fetch, baseUrl, model.id, {
        ...(signal && { signal }),
        ...(onProgress && { onProgress }),
        ...(onConfig && { onConfig }),
      }),
  };
}

export function droppedOrigin(files: readonly DroppedFile[]): ModelOrigin {
  return fileOrigin(nameOf(files), async () => files.map(({ path, file }) => blobSource(path, file)));
}

/** A downloaded model; null when it is not stored whole. */
export async function storedOrigin(store: FileStore, id: string): Promise<ModelOrigin | null> {
  const model = await storedModel(store, id);
  if (!model) return null;
  return {
    source: 'catalogue',
    embeddedId: null,
    catalogueId: id,
    name: model.label,
    licence: `${model.licence}, ${model.page}`,
    files: () => storedSources(store, id),
    choices: await keptChoices(store, folderOf(id)),
  };
}

/** The model to start with: the one of the last visit, else the site's default. */
export async function openAtStart(state: EngineState, options: OpenModelOptions): Promise<ModelInfo> {
  try {
    const last = await lastOrigin(state);
    if (last) return await state.openModel(last, options);
  } catch (error) {
    const { what, where } = toFailureRecord(error);
    state.emit({
      type: 'log',
      level: 'warning',
      text: `The model of the last visit could not be opened (${where ? `${where}: ` : ''}${what}); open it again.`,
    });
  }
  return state.openModel(await embeddedOrigin(state.modelBaseUrl, null), options);
}

/** Keeps which model the next visit starts with. */
export async function rememberOpened(
  store: FileStore,
  { source, embeddedId, catalogueId }: Pick<ModelInfo, 'source' | 'embeddedId' | 'catalogueId'>,
): Promise<void> {
  const opened: Opened = { version: 1, source, id: embeddedId ?? catalogueId };
  await store.write(OPENED, new TextEncoder().encode(JSON.stringify(opened)));
}

async function lastOrigin({ store, modelBaseUrl }: EngineState): Promise<ModelOrigin | null> {
  const opened = v.safeParse(OpenedSchema, await readJson(store, OPENED));
  // Earlier versions kept a dropped model only as long as it was the one to start with.
  const { source, id } = opened.success ? opened.output : { source: 'file', id: null };
  if (source === 'embedded') return embeddedOrigin(modelBaseUrl, id);
  return source === 'catalogue' ? storedOrigin(store, id ?? '') : keptOrigin(store);
}

/** Stores the files of a dropped model for the next visit; where they do not fit, says so and keeps none. */
export async function keepDropped(state: EngineState, files: readonly DroppedFile[]): Promise<void> {
  const { store } = state;
  // Memory that stands in for the storage does not outlive the visit.
  if (state.storageFailure) return;
  try {
    await forgetDropped(store);
    const chosen = await chooseModelFiles(files.map(({ path, file }) => blobSource(path, file)));
    const wanted = new Set(
      [...chosen.weights, chosen.config, chosen.adapterConfig, chosen.preprocessor].map((each) => each?.name),
    );
    const listed: { name: string; path: string }[] = [];
    for (const { path, file } of files.filter((each) => wanted.has(each.path))) {
      const at = `${FOLDER}/${listed.length}-${storeName(path.split('/').pop() ?? path)}`;
      await storeFile(store, at, file);
      listed.push({ name: path, path: at });
    }
    const list = JSON.stringify({ name: nameOf(files), files: listed });
    await store.write(LIST, new TextEncoder().encode(list));
  } catch (error) {
    await forgetDropped(store).catch(() => undefined);
    const { what } = toFailureRecord(error);
    state.emit({
      type: 'log',
      level: 'warning',
      text: `The model is open, but it could not be kept for the next visit: ${what} Drop it again then.`,
    });
  }
}

export async function forgetDropped(store: FileStore): Promise<void> {
  await store.remove(FOLDER);
}

/** The dropped model that is kept, and its bytes; null when there is none. */
export async function keptModel(store: FileStore): Promise<{ name: string; bytes: number } | null> {
  const list = v.safeParse(ListSchema, await readJson(store, LIST));
  return list.success ? { name: list.output.name, bytes: await store.size(FOLDER) } : null;
}

/** The dropped model that is kept; null when there is none. */
export async function keptOrigin(store: FileStore): Promise<ModelOrigin | null> {
  const list = v.safeParse(ListSchema, await readJson(store, LIST));
  if (!list.success) return null;
  const { name, files } = list.output;
  const origin = fileOrigin(name, () => Promise.all(files.map((file) => storedSource(store, file))));
  return { ...origin, choices: await keptChoices(store) };
}

/**
 * A stored file, of which only the parts that are asked for are read. A model is identified by a hash of all its weights, so
 * opening it reads the file once, tensor by tensor, and each tensor goes to the device from there.
 */
async function storedSource(
  store: FileStore,
  { name, path }: { readonly name: string; readonly path: string },
): Promise<ByteSource> {
  const size = await store.size(path);
  return { name, size, read: (offset, length) => store.readRange(path, offset, length) };
}

/** Copies a file to storage in parts, so that it is never in memory whole. */
async function storeFile(store: FileStore, path: string, file: File): Promise<void> {
  for (let offset = 0; offset < file.size; offset += COPIED_BYTES)
    await store.append(path, new Uint8Array(await file.slice(offset, offset + COPIED_BYTES).arrayBuffer()));
}

function fileOrigin(name: string, files: ModelOrigin['files']): ModelOrigin {
  return {
    source: 'file',
    embeddedId: null,
    catalogueId: null,
    name,
    licence: 'From your own file; the licence is the one you got it under.',
    files,
  };
}

const WEIGHTS = /\.(safetensors|pth|pt|bin|ckpt)$/i;

/** The folder of a model, or its file without the ending. */
function nameOf(files: readonly DroppedFile[]): string {
  const weights = files.find(({ path }) => WEIGHTS.test(path)) ?? files[0];
  const parts = (weights?.path ?? 'model').split('/');
  const file = (parts.pop() ?? 'model').replace(WEIGHTS, '');
  return parts.pop() ?? file;
}
