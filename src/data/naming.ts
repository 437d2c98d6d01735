/** What a file is in a dataset. */
export type FileRole = 'images' | 'masks' | 'instances' | 'labels';

/** Folder names, lower case, by the role of what lies in them. */
const ROLE_FOLDERS: Readonly<Record<string, FileRole>> = {
  images: 'images',
  image: 'images',
  imgs: 'images',
  img: 'images',
  masks: 'masks',
  mask: 'masks',
  annotations: 'masks',
  gt: 'masks',
  groundtruth: 'masks',
  ground_truth: 'masks',
  'ground-truth': 'masks',
  segmentations: 'masks',
  instances: 'instances',
  instance: 'instances',
  labels: 'labels',
  label: 'labels',
};

/** The role that a folder's name gives to its files, if any. */
export const roleOfFolder = (folder: string): FileRole | undefined => ROLE_FOLDERS[folder.toLowerCase()];

const MASK_WORDS = 'masks|mask|gt|groundtruth|ground_truth|labels|label|lbl|segmentation|seg|annotation|anno';
const INSTANCE_WORDS = 'instances|instance|inst';
const IMAGE_WORDS = 'images|image|img|rgb|photo|pic|orig|original';
const SEPARATOR = '[ _.-]+';

const patterns = {
  maskSuffix: new RegExp(`^(.+?)${SEPARATOR}(?:${MASK_WORDS})$`, 'i'),
  maskPrefix: new RegExp(`^(?:${MASK_WORDS})${SEPARATOR}(.+)$`, 'i'),
  instanceSuffix: new RegExp(`^(.+?)${SEPARATOR}(?:${INSTANCE_WORDS})$`, 'i'),
  instancePrefix: new RegExp(`^(?:${INSTANCE_WORDS})${SEPARATOR}(.+)$`, 'i'),
  imageSuffix: new RegExp(`^(.+?)${SEPARATOR}(?:${IMAGE_WORDS})$`, 'i'),
  imagePrefix: new RegExp(`^(?:${IMAGE_WORDS})${SEPARATOR}(.+)$`, 'i'),
};

/** A stem without the word that says its role. */
export interface MarkedStem {
  readonly role: 'masks' | 'instances';
  readonly rest: string;
}

/** The stem of `a_mask`, `mask-a`, `a.gt`, `a_instances` …, or undefined when no word of a role is at either end. */
export function markedStem(stem: string): MarkedStem | undefined {
  const instance = patterns.instanceSuffix.exec(stem) ?? patterns.instancePrefix.exec(stem);
  if (instance?.[1]) return { role: 'instances', rest: instance[1] };
  const mask = patterns.maskSuffix.exec(stem) ?? patterns.maskPrefix.exec(stem);
  return mask?.[1] ? { role: 'masks', rest: mask[1] } : undefined;
}

/** The stem of `a_image`, `img-a` …, or undefined when no word for an image is at either end. */
export function unmarkedImageStem(stem: string): string | undefined {
  const image = patterns.imageSuffix.exec(stem) ?? patterns.imagePrefix.exec(stem);
  return image?.[1];
}
