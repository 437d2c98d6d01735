import { type DatasetSample, isLabelled } from '../dataset.ts';
import { nameParts } from '../file-names.ts';
import { notice } from '../outcome.ts';
import type { Refusal } from '../types.ts';
import { listed } from './image-remarks.ts';
import type { Annotations } from './read-annotations.ts';

/**
 * What must be said where annotations and the pairing of files meet: masks that annotations replace, and annotated
 * images that the pairing takes for something else.
 * @param samples of all datasets, as they were paired.
 */
export function remarksOnUse(samples: readonly DatasetSample[], { masks }: Annotations): Refusal[] {
  const remarks: Refusal[] = [];
  const replaced = samples.filter((sample) => masks.has(sample.image.path) && isLabelled(sample));
  const [first] = replaced;
  const drawn = first && masks.get(first.image.path);
  if (first && drawn) {
    const by = nameParts(drawn.instances.path).folders.join('/');
    const count =
      replaced.length === 1 ? 'The mask of an image is' : `The masks of ${replaced.length} images are`;
    remarks.push(
      notice(
        'data/annotation-replaces-mask',
        (first.instances ?? first.labels ?? first.mask ?? first.objectMasks?.[0] ?? first.image).path,
        `${count} not used, because an annotation file says where the objects are: ${by} for ${first.image.path}.`,
        'Drop the images and masks without the annotation file to use the masks.',
      ),
    );
  }
  const used = new Set(samples.map(({ image }) => image.path));
  const unused = [...masks.keys()].filter((path) => !used.has(path));
  if (unused[0] !== undefined) {
    remarks.push(
      notice(
        'data/annotation-not-used',
        unused[0],
        `Annotations were read for files that are not used as images: ${listed(unused)}.`,
        'Drop these images with their annotation file alone.',
      ),
    );
  }
  return remarks;
}
