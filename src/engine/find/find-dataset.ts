import type { FindSettings } from '../../config/find.ts';
import { objectClasses } from '../../data/classes.ts';
import { type Dataset, isLabelled, loadSample } from '../../data/dataset.ts';
import { runsOfValues } from '../../data/labels/runs.ts';
import type { RgbImage, Scale } from '../../data/types.ts';
import { ClassMeans, type KnownObject } from './classes.ts';
import { type Finder, type FindHooks, type FindRequest, floorsOf, withinImage } from './finder.ts';
import type { FoundFile, FoundImage } from './found-file.ts';
import { type FoundObject, selectObjects } from './select.ts';

/** All objects of one image. */
export async function findObjects(
  finder: Finder,
  image: RgbImage,
  settings: FindSettings,
  scale: Scale,
  hooks: FindHooks & Pick<FindRequest, 'classes' | 'likeness'> = {},
): Promise<FoundObject[]> {
  const { classes = null, likeness = null } = hooks;
  const request = { sampling: settings, scale, floors: floorsOf(settings), classes, likeness };
  return selectObjects(await finder.propose(image, request, hooks), image, settings);
}

export interface FindDatasetHooks {
  /** Images that are done, those of an earlier session among them, and a share of the one that is searched. */
  readonly onProgress?: (done: number, total: number) => void;
  /** An image that cannot be read, and why. */
  readonly onRefused?: (name: string, message: string) => void;
  readonly classes?: FindRequest['classes'];
  readonly likeness?: FindRequest['likeness'];
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
      // Of a dataset that was deleted meanwhile no image can be read.
      await file.expectThere();
      hooks.onRefused?.(name, `${loaded.refusal.reason} ${loaded.refusal.cure}`);
      continue;
    }
    const { signal, classes = null, likeness = null } = hooks;
    const decoded = loaded.value.image;
    const objects = await findObjects(finder, decoded, settings, scale, {
      classes,
      likeness,
      onProgress: withinImage(i, samples.length, hooks.onProgress),
      ...(signal && { signal }),
    });
    const found = { name, width: decoded.width, height: decoded.height, objects };
    await file.add(found);
    all.push(found);
  }
  hooks.onProgress?.(samples.length, samples.length);
  return all;
}

/** So many samples at most, evenly over a dataset, whose images are often sorted. */
export function evenly<T>(samples: readonly T[], most: number): readonly T[] {
  const step = Math.max(1, samples.length / most);
  return samples.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
}

/** Labelled images that classes are learnt from at most; more hardly move the means. */
const LEARNT_IMAGES = 40;

/**
 * Learns what tells the classes of a dataset from its labelled images; null where they have not two classes.
 * @param most images that are looked at.
 */
export async function learnClasses(
  finder: Finder,
  { samples, scale = 'whole' }: Dataset,
  onProgress: (done: number, total: number) => void = () => undefined,
  most = LEARNT_IMAGES,
): Promise<ClassMeans | null> {
  const chosen = evenly(samples.filter(isLabelled), most);
  const known: KnownObject[] = [];
  for (const [i, sample] of chosen.entries()) {
    onProgress(i, chosen.length);
    const loaded = await loadSample(sample);
    // One that cannot be read was named when the dataset was opened.
    if (!loaded.ok || !loaded.value.labelling) continue;
    const { image, objects, labelling } = loaded.value;
    const values = objectClasses(objects, labelling.classMap);
    const runs = runsOfValues(objects.map, objects.regions.length);
    const own = objects.regions.flatMap(({ box }, at) => {
      const [mask, classValue = 0] = [runs[at], values[at]];
      return mask && classValue > 0 ? [{ runs: mask, box, classValue }] : [];
    });
    known.push(...(await finder.describe(image, own, scale)));
  }
  onProgress(chosen.length, chosen.length);
  return ClassMeans.of(known);
}
