/** The files of a dataset's samples: where they lie under its folder, and what its manifest says of them. */
import type { DatasetSample } from './dataset.ts';
import { nameParts } from './file-names.ts';
import { type FileStore, storeName } from './file-store.ts';
import { labelledReading } from './label-maps.ts';
import { originOfText, originText, scoreOf } from './labels/origins.ts';
import type { ObjectOrigin } from './labels/types.ts';
import { type LazyFile, readBytes } from './lazy-file.ts';
import type { Manifest } from './manifest.ts';
import { valueOrThrow } from './outcome.ts';

/** The files of a sample and the folders in which they are stored. */
const FILES = ['image', 'mask', 'instances', 'labels'] as const;
const FOLDERS = {
  image: 'images',
  mask: 'masks',
  instances: 'instances',
  labels: 'labels',
  objectMasks: 'objects',
} as const;

/** A stored file: its path under the dataset's folder, and its bytes. */
export type StoredFile = Manifest['files'][number]['image'];
/** What a manifest says of the files of a sample. */
export type StoredFiles = Manifest['files'][number];
type StoredOrigin = NonNullable<StoredFiles['origins']>[number];

/** Stores the files of a sample as they are, and what the manifest says of them. @param folder of the dataset. */
export async function storeSample(
  store: FileStore,
  folder: string,
  sample: DatasetSample,
): Promise<StoredFiles> {
  const copy = async (role: keyof typeof FOLDERS, from: LazyFile, number?: number) => {
    const bytes = valueOrThrow(await readBytes(from));
    const path = storedPath(role, sample.name, nameParts(from.path).extension, number);
    await store.write(`${folder}/${path}`, bytes);
    return { path, size: bytes.length };
  };
  const objectMasks: StoredFile[] = [];
  for (const [index, from] of (sample.objectMasks ?? []).entries())
    objectMasks.push(await copy('objectMasks', from, index + 1));
  return {
    image: await copy('image', sample.image),
    ...(sample.mask ? { mask: await copy('mask', sample.mask) } : {}),
    ...(sample.instances ? { instances: await copy('instances', sample.instances) } : {}),
    ...(sample.labels ? { labels: await copy('labels', sample.labels) } : {}),
    ...(objectMasks.length > 0 ? { objectMasks } : {}),
    ...(sample.split ? { split: sample.split } : {}),
    ...(sample.channels ? { channels: [...sample.channels] } : {}),
    ...(sample.origins && {
      origins: [...sample.origins].map(([value, origin]): StoredOrigin => {
        const score = scoreOf(origin);
        return score === undefined ? [value, originText(origin)] : [value, originText(origin), score];
      }),
    }),
  };
}

/** A stored sample, whose files are read when they are needed. @param folder of the dataset. */
export function storedSample(
  store: FileStore,
  folder: string,
  name: string,
  files: StoredFiles,
): DatasetSample {
  const lazy = (file: StoredFile): LazyFile => ({
    path: file.path,
    size: file.size,
    bytes: () => store.read(`${folder}/${file.path}`),
  });
  const { labelled } = files;
  if (labelled) {
    const { masks } = labelled;
    return {
      name,
      image: lazy(files.image),
      ...(masks && {
        instances: lazy(masks.instances),
        labels: lazy(masks.classes),
        reading: labelledReading(masks.samples),
      }),
      ...(files.split ? { split: files.split } : {}),
      ...(files.channels ? { channels: files.channels } : {}),
    };
  }
  return {
    name,
    image: lazy(files.image),
    ...(files.mask ? { mask: lazy(files.mask) } : {}),
    ...(files.instances ? { instances: lazy(files.instances) } : {}),
    ...(files.labels ? { labels: lazy(files.labels) } : {}),
    ...(files.objectMasks ? { objectMasks: files.objectMasks.map(lazy) } : {}),
    ...(files.split ? { split: files.split } : {}),
    ...(files.channels ? { channels: files.channels } : {}),
    ...(files.origins && { origins: originsOf(files.origins) }),
  };
}

function originsOf(stored: NonNullable<StoredFiles['origins']>): ReadonlyMap<number, ObjectOrigin> {
  return new Map(
    stored.flatMap(([value, text, score]) => {
      const origin = originOfText(text, score);
      return origin ? [[value, origin] as const] : [];
    }),
  );
}

/** All files of a sample. */
export const filesOf = (files: StoredFiles): readonly StoredFile[] =>
  [
    ...FILES.map((role) => files[role]),
    ...(files.objectMasks ?? []),
    files.labelled?.masks?.instances,
    files.labelled?.masks?.classes,
  ].filter((file) => file !== undefined);

/** Bytes of all files of a sample. */
export const bytesOf = (files: StoredFiles): number =>
  filesOf(files).reduce((sum, { size }) => sum + size, 0);

/**
 * The image keeps its name; masks take the image's with their own extension (stems are unique in a dataset), and
 * masks of one object each their number behind it.
 */
function storedPath(role: keyof typeof FOLDERS, name: string, extension: string, number?: number): string {
  const { folders, file, stem } = nameParts(name);
  const own = number === undefined ? stem : `${stem} ${number}`;
  const last = role === 'image' ? file : `${own}${extension && `.${extension}`}`;
  return [FOLDERS[role], ...folders, last].map(storeName).join('/');
}
