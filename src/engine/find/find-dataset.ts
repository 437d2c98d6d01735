import type { FindSettings } from '../../config/find.ts';
import { type Dataset, loadSample } from '../../data/dataset.ts';
import type { RgbImage, Scale } from '../../data/types.ts';
import { type Finder, type FindHooks, floorsOf } from './finder.ts';
import type { FoundFile, FoundImage } from './found-file.ts';
import { type FoundObject, selectObjects } from './select.ts';

/** All objects of one image. */
export async function findObjects(
  finder: Finder,
  image: RgbImage,
  settings: FindSettings,
  scale: Scale,
  hooks: FindHooks = {},
): Promise<FoundObject[]> {
  const request = { sampling: settings, scale, floors: floorsOf(settings) };
  return selectObjects(await finder.propose(image, request, hooks), image, settings);
}

export interface FindDatasetHooks {
  /** Images that are done, those of an earlier session among them. */
  readonly onProgress?: (done: number, total: number) => void;
  /** An image that cannot be read, and why. */
  readonly onRefused?: (name: string, message: string) => void;
  readonly onImage?: (image: FoundImage) => void;
  /** Aborting rejects with its reason; what was found so far is kept. */
  readonly signal?: AbortSignal;
}

/**
 * All objects of all images of a dataset, with masks or without; those that the file has are not looked at again.
 * @returns what was found, in the order of the images.
 */
export async function findInDataset(
  finder: Finder,
  dataset: Dataset,
  settings: FindSettings,
  file: FoundFile,
  hooks: FindDatasetHooks = {},
): Promise<FoundImage[]> {
  const { samples, scale = 'whole' } = dataset;
  const all: FoundImage[] = [];
  for (const [i, { name, image, channels }] of samples.entries()) {
    hooks.onProgress?.(i, samples.length);
    hooks.signal?.throwIfAborted();
    const known = file.get(name);
    if (known) {
      all.push(known);
      continue;
    }
    // The image alone: what is known of its objects does not matter.
    const loaded = await loadSample({ name, image, reading: 'per-file', ...(channels && { channels }) });
    if (!loaded.ok) {
      hooks.onRefused?.(name, `${loaded.refusal.reason} ${loaded.refusal.cure}`);
      continue;
    }
    const { signal } = hooks;
    const decoded = loaded.value.image;
    const objects = await findObjects(finder, decoded, settings, scale, signal ? { signal } : {});
    const found = { name, width: decoded.width, height: decoded.height, objects };
    await file.add(found);
    hooks.onImage?.(found);
    all.push(found);
  }
  hooks.onProgress?.(samples.length, samples.length);
  return all;
}
