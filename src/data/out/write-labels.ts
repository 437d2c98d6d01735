import { asFileName, nameParts } from '../file-names.ts';
import { readBytes } from '../lazy-file.ts';
import { valueOrThrow } from '../outcome.ts';
import { splitOfFolders } from '../pairing/folders.ts';
import type { LabelledImage, LabelledObject, LabelSet } from './label-set.ts';
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
  const paths = new ImagePaths({ withImages, remarks });
  let hasFolders = false;
  for await (const given of images) {
    const image = withoutEmpty(given, remarks);
    const at = paths.take(image);
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

/** Whether an object has a pixel. */
export const hasPixels = ({ runs }: Pick<LabelledObject, 'runs'>): boolean => runs.length > 0;

/** An image without objects that have no pixel, of which no format can say where they are. */
function withoutEmpty(image: LabelledImage, remarks: OutRemarks): LabelledImage {
  const objects = image.objects.filter(hasPixels);
  const left = image.objects.length - objects.length;
  if (left === 0) return image;
  remarks.add(
    'out/empty-object',
    image.name,
    left,
    (count) => `${count === 1 ? 'An empty mask is' : `${count} empty masks are`} left out.`,
    'Delete masks without a pixel, or make them again.',
  );
  return { ...image, objects };
}

/** Gives each image a path below a folder, with a stem that no other has. */
class ImagePaths {
  private readonly taken = new Set<string>();

  constructor(private readonly options: Pick<WriteOptions, 'withImages' | 'remarks'>) {}

  take({ name, split }: LabelledImage): ImagePath {
    const { withImages = false, remarks } = this.options;
    const parts = nameParts(name);
    const own = parts.folders.filter((folder) => folder !== '..');
    const stem = parts.stem || 'image';
    const extension = parts.file.slice(parts.stem.length);
    // Images that lay in train_images/ are called without that folder.
    const isElsewhere = withImages && split !== undefined && splitOfFolders(own) !== split;
    const folders = isElsewhere ? [split, ...own] : own;
    const inside = withImages ? [...folders.map(portableFolder), portable(stem)] : [...folders, stem];
    let free = inside.join('/');
    for (let n = 2; this.taken.has(asFileName(free)); n++) free = `${inside.join('/')} (${n})`;
    this.taken.add(asFileName(free));
    remarks.add(
      'out/renamed',
      name,
      free === [...folders, stem].join('/') ? 0 : 1,
      (count) =>
        `${count === 1 ? 'This image has' : `${count} images have`} another name there, because not every system can have two such files, or a file of that name.`,
      'Give images names without < > : " | ? *, which differ by more than their case.',
    );
    return { path: `${free}${extension}`, stem: free };
  }
}

/** Names of devices, which Windows lets no file have, whatever its extension. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;

/** A part of a path as every system can unpack it. */
const portable = (part: string): string =>
  part.replace(/[\p{Cc}<>:"|?*]/gu, '_').replace(DEVICE, (name) => `${name}_`);

const portableFolder = (folder: string): string => portable(folder).replace(/[. ]$/, '_');
