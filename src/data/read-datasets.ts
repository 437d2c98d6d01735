import {
  type Annotations,
  classNamesOf,
  classTablesOf,
  readAnnotations,
} from './annotations/read-annotations.ts';
import { remarksOnUse } from './annotations/remarks-on-use.ts';
import { isArchiveName } from './arrays/archive-formats.ts';
import { openArchives } from './arrays/archives.ts';
import type { Dataset, DatasetSample } from './dataset.ts';
import { runsOfSamples } from './dataset-runs.ts';
import { isJunk, isZipName, nameParts } from './file-names.ts';
import { type LazyFile, type MaskFields, readBytes } from './lazy-file.ts';
import { limits } from './limits.ts';
import { namelessImages } from './nameless-images.ts';
import { refusal, toRefusal } from './outcome.ts';
import { notRead, pairFiles } from './pair.ts';
import { adeImages, adeMasks } from './pairing/ade20k.ts';
import { peekInto } from './pairing/appearance.ts';
import { labelsOfClasses } from './pairing/class-masks.ts';
import type { PairedSample } from './pairing/datasets.ts';
import { unstack } from './pairing/stacks.ts';
import {
  type DatasetSettings,
  type FolderSettings,
  folderOf,
  isSettings,
  readSettings,
  settingsFor,
  withSettings,
} from './reading/settings.ts';
import type { ReadProgress, Refusal } from './types.ts';
import { readZip } from './zip.ts';

/** A file as a drop, a folder listing or a zip gives it. */
export interface InputFile {
  readonly path: string;
  /** Bytes, when known without reading. */
  readonly size?: number;
  bytes(): Promise<Uint8Array>;
  /** The bytes [offset, offset + length), where they can be read alone; fewer where the file ends. */
  read?(offset: number, length: number): Promise<Uint8Array>;
}

export interface ReadOptions {
  /** Name of a dataset that lies at the top of what was dropped. */
  readonly topName?: string;
  readonly onProgress?: (progress: ReadProgress) => void;
}

export interface ReadResult {
  readonly datasets: readonly Dataset[];
  readonly refusals: readonly Refusal[];
}

/**
 * Files as datasets by annotation files (see {@link readAnnotations}) and by names and folders (see {@link pairFiles}).
 * All that is dropped together is one drop, and a zip counts as a folder of its name. Only zips, annotation files, the
 * headers of images that these name, and a few images where names do not decide are read: what else images and masks
 * hold is found out by `inspectDataset` or when a sample is loaded.
 */
export async function readDatasets(
  files: AsyncIterable<InputFile> | Iterable<InputFile>,
  options: ReadOptions = {},
): Promise<ReadResult> {
  const { topName } = options;
  const found = new Map<string, LazyFile>();
  const refusals: Refusal[] = [];
  const stores = new Set<string>();
  const archives: LazyFile[] = [];
  let done = 0;
  try {
    for await (const file of files) {
      const parts = nameParts(file.path);
      if (isJunk(parts)) continue;
      await addFile(
        {
          path: parts.path,
          size: file.size ?? 0,
          bytes: () => file.bytes(),
          ...(file.read ? { read: file.read } : {}),
        },
        { found, refusals, stores, archives, nested: { bytes: 0, entries: 0 } },
      );
      done++;
      options.onProgress?.({ done, total: done, file: parts.path });
    }
  } catch (thrown) {
    refusals.push(toRefusal(thrown, topName ?? 'the dropped files'));
  }
  refusals.push(...[...stores].map(notRead));
  refusals.push(...(await openArchives(archives, found, options.onProgress)));
  const annotations = await readAnnotations(found, options.onProgress);
  const settings = await takeSettings(found, annotations, refusals);
  for (const image of annotations.images) found.set(image.path, image);
  const left = [...found.values()].filter(({ path }) => !annotations.used.has(path));
  const isAnnotated = ({ path }: LazyFile) => annotations.masks.has(path);
  const unstacked = await unstack(left.filter((file) => !isAnnotated(file)));
  for (const file of unstacked.files) found.set(file.path, file);
  const pairing = await pairFiles([...left.filter(isAnnotated), ...unstacked.files], {
    peek: peekInto(found),
    known: await namelessImages(left),
    masks: new Set(unstacked.files.flatMap(({ path, fields }) => (fields ? [path] : []))),
    sets: [...annotations.sets, adeImages(found)],
    together: [...settings].flatMap(([folder, { together }]) => (together ? [folder] : [])),
    ...(topName === undefined ? {} : { topName }),
  });
  const paired = new Map(
    pairing.datasets.map((each) => [each, each.samples.map((sample) => withFiles(sample, found))]),
  );
  refusals.push(...remarksOnUse([...paired.values()].flat(), annotations));
  const datasets = [...paired].map(([{ name, classNames: ofFolders }, samples]): Dataset => {
    const own = withSplits(
      samples.map((sample) => withAnnotations(sample, annotations)),
      annotations,
    );
    const classNames = classNamesOf(own, annotations) ?? ofFolders;
    const classTables = classTablesOf(own, annotations);
    const runs = runsOfSamples(own, annotations.runs);
    return settled(
      {
        name,
        samples: own,
        ...(classNames ? { classNames } : {}),
        ...(classTables.length > 0 ? { classTables } : {}),
        ...(runs ? { runs } : {}),
      },
      settings,
    );
  });
  return {
    datasets,
    refusals: [...refusals, ...annotations.refusals, ...unstacked.remarks, ...pairing.refusals],
  };
}

/** Takes the files of settings out of a drop; a dataset.json of nnU-Net is an annotation file. */
async function takeSettings(
  found: Map<string, LazyFile>,
  { used }: Annotations,
  refusals: Refusal[],
): Promise<FolderSettings> {
  const settings = new Map<string, DatasetSettings>();
  for (const file of [...found.values()].filter(({ path }) => isSettings(path) && !used.has(path))) {
    found.delete(file.path);
    const read = await readSettings(file);
    if (read.ok) settings.set(folderOf(file.path), read.value);
    else refusals.push(read.refusal);
  }
  return settings;
}

function settled(dataset: Dataset, all: FolderSettings): Dataset {
  const images = dataset.samples.map(({ image }) => image.path);
  const settings = settingsFor(images, all);
  return settings ? withSettings(dataset, settings) : dataset;
}

/** A sample with the masks that were annotated, which count before those that lie beside the image. */
function withAnnotations(sample: DatasetSample, { masks }: Annotations): DatasetSample {
  const drawn = masks.get(sample.image.path);
  const { name, image, split } = sample;
  return drawn ? { name, image, ...drawn, ...(split ? { split } : {}) } : sample;
}

/** Samples with the splits that files say, where their folders say none and these are several. */
function withSplits(samples: readonly DatasetSample[], { splits }: Annotations): readonly DatasetSample[] {
  const said = new Set(samples.flatMap(({ image }) => splits.get(image.path) ?? []));
  if (said.size < 2 || samples.some(({ split }) => split)) return samples;
  return samples.map((sample) => {
    const split = splits.get(sample.image.path);
    return split ? { ...sample, split } : sample;
  });
}

interface Drop {
  readonly found: Map<string, LazyFile>;
  readonly refusals: Refusal[];
  /** Folders that hold arrays in many files. */
  readonly stores: Set<string>;
  /** Archives of arrays, which are opened when all other files are known. */
  readonly archives: LazyFile[];
  /** The zips within one zip so far: their bytes and their entries, all together. */
  readonly nested: { bytes: number; entries: number };
}

/** A folder of arrays, or a zip of one, and what of a path lies above it. */
const STORE = /^.*?\.(zarr|n5)(\.zip)?(?=\/)/i;

/** Adds a file or, of a zip, what is in it. */
async function addFile(file: LazyFile, drop: Drop, depth = 0): Promise<void> {
  const store = STORE.exec(file.path)?.[0];
  if (store !== undefined) {
    drop.stores.add(store);
    return;
  }
  if (isArchiveName(nameParts(file.path))) {
    drop.archives.push(file);
    return;
  }
  if (!isZipName(nameParts(file.path))) {
    if (!drop.found.has(file.path)) drop.found.set(file.path, file);
    return;
  }
  const { nested } = drop;
  if (depth > 0) nested.bytes += file.size;
  const reason = whyNotOpened(nested, depth);
  if (reason) {
    const cure = 'Unpack the outer zip and drop the zips that are inside.';
    drop.refusals.push(refusal('data/zip-in-zip', file.path, reason, cure));
    return;
  }
  const bytes = await readBytes(file, limits.zipFileBytes);
  const content = bytes.ok ? await readZip(bytes.value, file.path) : { files: [], refusals: [bytes.refusal] };
  drop.refusals.push(...content.refusals);
  if (depth > 0) nested.entries += content.files.length;
  for (const entry of content.files)
    await addFile({ ...entry, path: `${file.path}/${entry.path}` }, drop, depth + 1);
}

function whyNotOpened({ bytes, entries }: Drop['nested'], depth: number): string | undefined {
  if (depth > limits.zipDepth)
    return `This zip lies in ${depth} others; at most ${limits.zipDepth} are opened.`;
  if (bytes > limits.nestedZipBytes) {
    return `The zips within a zip take more than ${Math.round(limits.nestedZipBytes / 2 ** 20)} MiB together.`;
  }
  if (entries > limits.zipEntries)
    return `The zips within a zip hold more than ${limits.zipEntries} files together.`;
  return undefined;
}

function withFiles(sample: PairedSample, found: ReadonlyMap<string, LazyFile>): DatasetSample {
  const file = (path: string): LazyFile => {
    const lazy = found.get(path);
    if (!lazy) throw new Error(`${path} was paired but is not among the files`);
    return lazy;
  };
  const { name, image, mask, instances, labels, objectMasks = [], classMasks, split } = sample;
  const masks = [mask, instances, labels, ...objectMasks].flatMap((path) => (path ? [file(path)] : []));
  const fields: MaskFields | undefined = masks.find((own) => own.fields)?.fields ?? adeMasks(masks);
  if (fields) {
    const { instances: objects, labels: classes } = fields;
    return {
      name,
      image: file(image),
      ...(objects ? { instances: objects } : {}),
      ...(classes ? { labels: classes } : {}),
      ...(split ? { split } : {}),
    };
  }
  return {
    name,
    image: file(image),
    ...(mask ? { mask: file(mask) } : {}),
    ...(instances ? { instances: file(instances) } : {}),
    ...(labels ? { labels: file(labels) } : {}),
    ...(classMasks
      ? { labels: labelsOfClasses(classMasks.map(({ label, path }) => ({ label, file: file(path) }))) }
      : {}),
    ...(objectMasks.length > 0 ? { objectMasks: objectMasks.map(file) } : {}),
    ...(split ? { split } : {}),
  };
}
