/** What of datasets and runs is in a project: their files as they are stored, without what can be made again. */
import { type FileStore, storeName } from '../file-store.ts';
import type { LazyFile } from '../lazy-file.ts';
import { type Manifest, parseManifest } from '../manifest.ts';
import { refuse } from '../outcome.ts';
import { filesOf } from '../sample-files.ts';

export const DATASET_FILE = 'dataset.json';

/** A stored dataset or run on its way out. */
export interface ProjectPart {
  /** In the store and in the project alike. */
  readonly folder: string;
  /** Paths in the folder. */
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** Rejects when what was read since the files were listed may not belong together. */
  readonly expectUnchanged?: () => Promise<void>;
}

export const bytesOfPart = ({ files }: ProjectPart): number => files.reduce((sum, { size }) => sum + size, 0);

/** Bytes of files that came in a project, unpacked. */
export const bytesOfFiles = (files: ReadonlyMap<string, LazyFile>): number =>
  [...files.values()].reduce((sum, { size }) => sum + size, 0);

/** Whether a dataset's file that its manifest does not name belongs to it. */
const ACCOMPANIES =
  /^(card\.json|thumbnails\.(bin|json)|edits\/[^/]+|found\/(found\.jsonl|reviewed\.json|left\/[^/]+))$/;

/** The files that a manifest names, each once. */
function namedFiles({ files }: Manifest): Map<string, number> {
  return new Map(files.flatMap(filesOf).map(({ path, size }) => [path, size]));
}

/** The files of a stored dataset. @throws Failure `data/…`, `storage/…`. */
export async function datasetPart(store: FileStore, id: string): Promise<ProjectPart> {
  const folder = `datasets/${storeName(id)}`;
  const description = `${folder}/${DATASET_FILE}`;
  const bytes = await store.read(description);
  const manifest = parseManifest(bytes, description);
  const files = [
    { path: DATASET_FILE, size: bytes.length },
    ...[...namedFiles(manifest)].map(([path, size]) => ({ path, size })),
  ];
  for (const inside of ['', 'edits/', 'found/', 'found/left/']) {
    for (const { name, kind } of await store.list(`${folder}/${inside}`.replace(/\/$/, ''))) {
      const path = inside + name;
      if (kind === 'file' && ACCOMPANIES.test(path))
        files.push({ path, size: await store.size(`${folder}/${path}`) });
    }
  }
  return {
    folder,
    files,
    expectUnchanged: async () => {
      const now = await store.read(description);
      if (now.length === bytes.length && now.every((value, i) => value === bytes[i])) return;
      throw refuse(
        'project/changed',
        manifest.name,
        'This dataset was changed while it was written.',
        'Export the project again.',
      );
    },
  };
}

/** A dataset that came in a project, found whole. */
export interface IncomingDataset {
  readonly manifest: Manifest;
  /** By path in its folder. */
  readonly files: ReadonlyMap<string, LazyFile>;
}

/**
 * Checks a dataset's folder of a project: a description that can be read, and every file that it names. What else lies
 * there is left aside.
 * @param where the folder, for messages.
 * @throws Failure `project/missing-file`, `project/damaged-dataset`, `project/newer-dataset`, `data/…`.
 */
export async function incomingDataset(
  files: ReadonlyMap<string, LazyFile>,
  where: string,
): Promise<IncomingDataset> {
  const description = files.get(DATASET_FILE);
  if (!description) throw missingFile(`${where}/${DATASET_FILE}`);
  const manifest = parseManifest(await description.bytes(), `${where}/${DATASET_FILE}`, EXPORT_AGAIN);
  const names = new Set(manifest.samples.map(({ name }) => name));
  if (names.size < manifest.samples.length) throw damaged(where, 'two images have the same name');
  const kept = new Map([[DATASET_FILE, description]]);
  for (const [path, size] of namedFiles(manifest)) {
    const file = files.get(path);
    if (!file) throw missingFile(`${where}/${path}`);
    if (file.size !== size) throw damaged(`${where}/${path}`, `${file.size} bytes instead of ${size}`);
    kept.set(path, file);
  }
  for (const [path, file] of files) if (ACCOMPANIES.test(path)) kept.set(path, file);
  return { manifest, files: kept };
}

const EXPORT_AGAIN = 'Export the project again; the rest of it can be added.';

export function missingFile(path: string) {
  return refuse(
    'project/missing-file',
    path,
    'This file is named in the project and is not in it.',
    EXPORT_AGAIN,
  );
}

const damaged = (path: string, detail: string) =>
  refuse(
    'project/damaged-dataset',
    path,
    `This dataset of the project is damaged (${detail}).`,
    EXPORT_AGAIN,
  );
