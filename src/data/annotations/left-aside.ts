/** Files of public sets that say in another way what the masks beside them hold, and are left aside for these. */
import { nameParts } from '../file-names.ts';
import { notice } from '../outcome.ts';
import type { Refusal } from '../types.ts';
import type { AnnotationSource } from './annotation-format.ts';

interface LeftAside {
  readonly name: RegExp;
  /** What stands for it in the path of a mask, the one that is used first. */
  readonly masks: readonly string[];
  /** @param mask the file that is used. */
  readonly what: (mask: string) => string;
  readonly cure: string;
}

const SETS: readonly LeftAside[] = [
  {
    name: /_polygons\.json$/i,
    masks: ['instanceIds', 'labelIds', 'instanceTrainIds', 'labelTrainIds'].map((kind) => `_${kind}.png`),
    what: (mask) =>
      `These outlines of Cityscapes are left aside: the mask beside them, ${mask}, holds the same.`,
    cure: 'Nothing is missing.',
  },
  {
    name: /(?<=^|\/)labels\/([^/]+_(?:pre|post)_disaster)\.json$/i,
    masks: ['targets/$1_target.png'],
    what: (mask) => `These outlines of xBD are left aside: the mask of the image, ${mask}, holds the same.`,
    cure: 'Nothing is missing.',
  },
  {
    name: /(?<=ADE_[^/]+_\d{8})_atr\.txt$/i,
    masks: ['_seg.png'],
    what: (mask) =>
      `It names the objects of ${mask}, whose classes are read by their numbers; the names are left aside.`,
    cure: 'Name the classes that you need by their numbers in dataset.json, as "classNames": {"2978": "wall"}.',
  },
];

/** What is said of such a file, where there is a mask beside it. */
export function leftAside(source: AnnotationSource): Refusal | undefined {
  for (const { name, masks, what, cure } of SETS) {
    if (!name.test(source.path)) continue;
    const mask = masks.map((end) => source.path.replace(name, end)).find((path) => source.file(path));
    if (mask !== undefined)
      return notice('data/annotation-aside', source.path, what(nameParts(mask).file), cure);
  }
  return undefined;
}
