import { nameParts } from '../file-names.ts';
import { readBytes } from '../lazy-file.ts';
import { valueOrThrow } from '../outcome.ts';
import type { LabelledImage, LabelSet } from './label-set.ts';
import { type ImagePath, type OutFile, type OutFormat, type OutRemarks, textFile } from './out-format.ts';

export interface WriteOptions {
  readonly format: OutFormat;
  readonly set: LabelSet;
  /** Whether images that have their file go out with their labels. */
  readonly withImages?: boolean;
  /** Takes what the format could not hold. */
  readonly remarks: OutRemarks;
}

/**
 * The files of labelled images, each as soon as it is made: those of one image after the other, then those of the whole.
 * @throws Failure naming an image that cannot be read, or is too much for the format.
 */
export async function* writeLabels(
  images: Iterable<LabelledImage> | AsyncIterable<LabelledImage>,
  { format, set, withImages = false, remarks }: WriteOptions,
): AsyncGenerator<OutFile> {
  const writer = format.open(set, remarks);
  const paths = new ImagePaths();
  let hasFolders = false;
  for await (const image of images) {
    const at = paths.take(image.name);
    hasFolders ||= at.path.includes('/');
    if (withImages && image.file) {
      const path = [format.imageFolder, at.path].filter(Boolean).join('/');
      yield { path, bytes: valueOrThrow(await readBytes(image.file)) };
    }
    yield* await writer.add(image, at);
  }
  yield* writer.finish();
  const settings = { ...writer.settings?.(), ...(hasFolders ? { together: true } : {}) };
  if (withImages && Object.keys(settings).length > 0)
    yield textFile('dataset.json', `${JSON.stringify(settings)}\n`);
}

/** Gives each image a path below a folder, with a stem that no other has. */
class ImagePaths {
  private readonly taken = new Set<string>();

  take(name: string): ImagePath {
    const { folders, stem, extension } = nameParts(name);
    const inside = [...folders.filter((folder) => folder !== '..'), stem || 'image'].join('/');
    let free = inside;
    for (let n = 2; this.taken.has(free.toLowerCase()); n++) free = `${inside} (${n})`;
    this.taken.add(free.toLowerCase());
    return { path: extension === '' ? free : `${free}.${extension}`, stem: free };
  }
}
