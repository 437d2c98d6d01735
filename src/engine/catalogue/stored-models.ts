/** Downloaded models in storage: a folder each, whose manifest is written last. */
import * as v from 'valibot';
import { Failure } from '../../config/failure.ts';
import { SAM_DEFAULTS } from '../../config/sam.ts';
import type { FileStore } from '../../data/file-store.ts';
import type { ByteSource } from '../../sam/checkpoint/byte-source.ts';
import { type CatalogueModel, CatalogueModelSchema, fileUrl, HUB } from './catalogue.ts';
import { type DownloadOptions, type DownloadParts, fetchedBytes, fetchFile, readJson } from './fetch-file.ts';

/** Folder of the storage; below it one folder per model, named by its id. */
const MODELS_FOLDER = 'models';
const MANIFEST = 'model.json';
const CONFIG = 'config.json';
const PREPROCESSOR = 'preprocessor_config.json';
/** What no shape tells, and every published SAM has. */
const PUBLISHED_DECODER = { mask_decoder_config: { num_attention_heads: SAM_DEFAULTS.decoder.numHeads } };
/** SAM's own preprocessing in the form of the file: of values from 0 to 255. */
const SAM_PREPROCESSOR = {
  do_rescale: false,
  image_mean: [123.675, 116.28, 103.53],
  image_std: [58.395, 57.12, 57.375],
};

/** What is written beside a downloaded model. docs/formats.md describes it. */
const ManifestSchema = v.object({
  format: v.literal('mopeft-stored-model'),
  version: v.literal(1),
  ...v.pick(CatalogueModelSchema, ['id', 'label', 'family', 'licence', 'page', 'repository', 'revision'])
    .entries,
  files: v.array(
    v.object({
      name: v.string(),
      bytes: v.number(),
      sha256: v.string(),
      /** Whether the checksum was known before, so that the file is proven to be the model's. */
      isChecked: v.boolean(),
    }),
  ),
  /** Milliseconds since the epoch. */
  created: v.number(),
});

export type StoredModel = v.InferOutput<typeof ManifestSchema>;

/** Where a model lies in storage. */
export const folderOf = (id: string): string => `${MODELS_FOLDER}/${id}`;

/**
 * Downloads what is missing of a model and writes its manifest last. One that is stored already is left as it is.
 * Nothing else may download or free the same model meanwhile; see the locks of the worker and the command line.
 * @param hub see {@link fileUrl}.
 * @throws Failure `download/…`, `storage/…`; the signal's reason when it is aborted. What was downloaded is then kept.
 */
export async function downloadModel(
  model: CatalogueModel,
  parts: DownloadParts,
  { hub = HUB, onProgress, ...options }: DownloadOptions & { readonly hub?: string } = {},
): Promise<StoredModel> {
  const { store } = parts;
  const there = await storedModel(store, model.id);
  if (there) return there;
  const folder = folderOf(model.id);
  const files: StoredModel['files'] = [];
  for (const file of model.files) {
    const before = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const isLast = file === model.files.at(-1);
    const { bytes, sha256 } = await fetchFile(
      { ...file, url: fileUrl(model, file, hub), path: `${folder}/${file.name}` },
      parts,
      {
        ...options,
        onProgress: ({ phase, done, total }) =>
          onProgress?.({
            phase,
            done: phase === 'checking' ? done : before + done,
            // Of all files but the last the record knows how much is still to come.
            total: phase === 'checking' ? total : isLast && total !== null ? before + total : model.bytes,
          }),
      },
    );
    files.push({ name: file.name, bytes, sha256, isChecked: file.sha256 !== undefined });
  }
  await writeJson(store, `${folder}/${CONFIG}`, { ...PUBLISHED_DECODER, ...model.config });
  await writeJson(store, `${folder}/${PREPROCESSOR}`, model.preprocessor ?? SAM_PREPROCESSOR);
  const { id, label, family, licence, page, repository, revision } = model;
  const manifest: StoredModel = {
    format: 'mopeft-stored-model',
    version: 1,
    ...{ id, label, family, licence, page, repository, revision },
    files,
    created: parts.now(),
  };
  await writeJson(store, `${folder}/${MANIFEST}`, manifest);
  return manifest;
}

/** A model that is stored whole; null when it is not. */
export async function storedModel(store: FileStore, id: string): Promise<StoredModel | null> {
  const manifest = v.safeParse(ManifestSchema, await readJson(store, `${folderOf(id)}/${MANIFEST}`));
  return manifest.success && manifest.output.id === id ? manifest.output : null;
}

/** Every model that is stored whole, in the order of ids. */
export async function storedModels(store: FileStore): Promise<StoredModel[]> {
  const entries = await store.list(MODELS_FOLDER);
  const models = await Promise.all(entries.map(({ name }) => storedModel(store, name)));
  return models.filter((model) => model !== null);
}

/** Bytes that a model takes in storage, whole or in part; 0 when nothing is there. */
export async function storedBytes(
  store: FileStore,
  { id, files }: Pick<CatalogueModel, 'id' | 'files'>,
): Promise<number> {
  const sizes = await Promise.all(files.map(({ name }) => fetchedBytes(store, `${folderOf(id)}/${name}`)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/**
 * The files of a stored model, of which only the parts that are asked for are read.
 * @throws Failure `model/not-stored`, `model/damaged`.
 */
export async function storedSources(store: FileStore, id: string): Promise<ByteSource[]> {
  const model = await storedModel(store, id);
  if (!model) {
    throw new Failure({
      code: 'model/not-stored',
      what: 'This model is not stored on this device.',
      where: id,
      cure: 'Download it again.',
    });
  }
  const folder = folderOf(id);
  for (const { name, bytes } of model.files) {
    const found = await store.size(`${folder}/${name}`);
    if (found !== bytes) {
      throw new Failure({
        code: 'model/damaged',
        what: `The stored file has ${found.toLocaleString('en')} bytes and should have ${bytes.toLocaleString('en')}.`,
        where: `${id}/${name}`,
        cure: 'Free the model and download it again.',
      });
    }
  }
  const names = [...model.files.map(({ name }) => name), CONFIG, PREPROCESSOR];
  const sources = names.map(async (name): Promise<ByteSource> => {
    const path = `${folder}/${name}`;
    const size = await store.size(path);
    return { name: `${id}/${name}`, size, read: (offset, length) => store.readRange(path, offset, length) };
  });
  return (await Promise.all(sources)).filter(({ size }) => size > 0);
}

/** Removes a model, whole or in part. */
export async function freeModel(store: FileStore, id: string): Promise<void> {
  // First the manifest: a removal that is cut off must not leave a model that seems whole.
  await store.remove(`${folderOf(id)}/${MANIFEST}`);
  await store.remove(folderOf(id));
}

async function writeJson(store: FileStore, path: string, value: unknown): Promise<void> {
  await store.write(path, new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`));
}
