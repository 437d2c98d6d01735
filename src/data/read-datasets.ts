import { type Annotations, classNamesOf, readAnnotations } from './annotations/read-annotations.ts';
import type { Dataset, DatasetSample } from './dataset.ts';
import { isJunk, isZipName, nameParts } from './file-names.ts';
import { type LazyFile, readBytes } from './lazy-file.ts';
import { limits } from './limits.ts';
import { toRefusal } from './outcome.ts';
import { pairFiles } from './pair.ts';
import type { ReadProgress, Refusal, SampleFiles } from './types.ts';
import { readZip } from './zip.ts';

/** A file as a drop, a folder listing or a zip gives it. */
export interface InputFile {
  readonly path: string;
  /** Bytes, when known without reading. */
  readonly size?: number;
  bytes(): Promise<Uint8Array>;
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
 * Files as datasets by annotation files (see {@link readAnnotations}) and by their names (see {@link pairFiles}); a zip
 * counts as a folder of its name. Only zips, annotation files and the headers of images that these name are read: what
 * images and masks hold is found out by `inspectDataset` or when a sample is loaded.
 */
export async function readDatasets(
  files: AsyncIterable<InputFile> | Iterable<InputFile>,
  options: ReadOptions = {},
): Promise<ReadResult> {
  const found = new Map<string, LazyFile>();
  const refusals: Refusal[] = [];
  let done = 0;
  const add = (file: LazyFile) => {
    if (!found.has(file.path)) found.set(file.path, file);
  };
  try {
    for await (const file of files) {
      const parts = nameParts(file.path);
      if (isJunk(parts)) continue;
      if (isZipName(parts)) {
        const lazy = { path: parts.path, size: file.size ?? 0, bytes: () => file.bytes() };
        const zip = await readBytes(lazy, limits.zipFileBytes);
        const content = zip.ok
          ? await readZip(zip.value, parts.path)
          : { files: [], refusals: [zip.refusal] };
        refusals.push(...content.refusals);
        for (const entry of content.files) add({ ...entry, path: `${parts.path}/${entry.path}` });
      } else {
        add({ path: parts.path, size: file.size ?? 0, bytes: () => file.bytes() });
      }
      done++;
      options.onProgress?.({ done, total: done, file: parts.path });
    }
  } catch (thrown) {
    refusals.push(toRefusal(thrown, options.topName ?? 'the dropped files'));
  }
  const annotations = await readAnnotations(found, options.onProgress);
  for (const image of annotations.images) found.set(image.path, image);
  const pairing = pairFiles(
    [...found.values()].filter(({ path }) => !annotations.used.has(path)),
    options.topName === undefined ? {} : { topName: options.topName },
  );
  const datasets = pairing.datasets.map(({ name, samples }): Dataset => {
    const own = samples.map((sample) => withAnnotations(withFiles(sample, found), annotations));
    const classNames = classNamesOf(own, annotations);
    return { name, samples: own, ...(classNames ? { classNames } : {}) };
  });
  return { datasets, refusals: [...refusals, ...annotations.refusals, ...pairing.refusals] };
}

/** A sample with the masks that were annotated, which count before those that lie beside the image. */
function withAnnotations(sample: DatasetSample, { masks }: Annotations): DatasetSample {
  const drawn = masks.get(sample.image.path);
  const { name, image, split } = sample;
  return drawn ? { name, image, ...drawn, ...(split ? { split } : {}) } : sample;
}

function withFiles(sample: SampleFiles, found: ReadonlyMap<string, LazyFile>): DatasetSample {
  const file = (path: string): LazyFile => {
    const lazy = found.get(path);
    if (!lazy) throw new Error(`${path} was paired but is not among the files`);
    return lazy;
  };
  return {
    name: sample.name,
    image: file(sample.image),
    ...(sample.mask ? { mask: file(sample.mask) } : {}),
    ...(sample.instances ? { instances: file(sample.instances) } : {}),
    ...(sample.labels ? { labels: file(sample.labels) } : {}),
  };
}
