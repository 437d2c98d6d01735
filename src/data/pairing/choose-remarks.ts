/** What is said where masks of several sorts are of the same images, or folders of masks may be classes. */
import { notice, refusal } from '../outcome.ts';
import type { Refusal } from '../types.ts';
import { firstOf, type Kind, nameOfClass } from './kinds.ts';

/** A mask that is left out since its image has one, as `more` other images have. @param alone what becomes of images without one. */
export function alreadyHas(path: string, image: string, used: string, more: number, alone = ''): Refusal {
  const others = more === 0 ? '' : ` So have ${more} more ${more === 1 ? 'image' : 'images'}.`;
  return refusal(
    'data/second-mask',
    path,
    `The image ${image} already has a mask: ${used}.${others}${alone}`,
    'Drop the set again with only the one that is to be used; to mark several objects, give each its own number in one mask.',
  );
}

/**
 * Masks of a sort that are left out beside those that are used.
 * @param standsIn whether they are used in images that have no other.
 */
export function secondMask(kind: Kind, used: Kind, standsIn = false): Refusal {
  const both = [...kind.byImage].filter(([image]) => used.byImage.has(image));
  const [image, claims] = both[0] ?? [firstOf(kind).image, []];
  const path = claims[0]?.file.parts.path ?? firstOf(kind).path;
  const other = used.byImage.get(image)?.[0]?.file.parts.path ?? firstOf(used).path;
  const left = kind.byImage.size - both.length;
  const fate = standsIn ? 'which is used, as those that both have are nearly the same' : 'and no mask';
  const alone =
    left === 0 ? '' : ` ${left === 1 ? '1 image has' : `${left} images have`} only such a one, ${fate}.`;
  return alreadyHas(path, image, other, Math.max(0, both.length - 1), alone);
}

/** Previews and aids that are left out beside masks. */
export function previewLeft(kind: Kind, used: readonly Kind[]): Refusal {
  const { path } = firstOf(kind);
  return refusal(
    'data/preview',
    path,
    `${kind.name} has ${imagesOf(kind)} that look like a preview or an aid, so ${used.map(({ name }) => name).join(', ')} is used instead.`,
    `If ${kind.name} holds the masks, drop the images with that folder alone.`,
  );
}

/** A field of view that is left out beside masks. */
export function fieldOfViewLeft(kind: Kind, used: readonly Kind[]): Refusal {
  const { path } = firstOf(kind);
  return refusal(
    'data/field-of-view',
    path,
    `${kind.name} looks like the field of view, as it covers most of every image alike, so ${used.map(({ name }) => name).join(', ')} is used for the masks.`,
    `If ${kind.name} holds the masks, drop the images with that folder alone.`,
  );
}

/** The file that stands for several sorts. */
function firstPath([first]: readonly Kind[]): string {
  return first ? firstOf(first).path : '';
}

const namesOf = (kinds: readonly Kind[]) => kinds.map(({ name }) => name).join(' and ');

/** Folders of masks of different images that are classes. */
export const takenApart = (kinds: readonly Kind[]): Refusal =>
  notice(
    'data/masks-as-classes',
    firstPath(kinds),
    `${namesOf(kinds)} hold masks of different images, and each was taken as a class.`,
    'If they are of one kind, put all masks into one folder.',
  );

/** Folders of masks of different images that are one. */
export const takenAlike = (kinds: readonly Kind[]): Refusal =>
  notice(
    'data/masks-alike',
    firstPath(kinds),
    `${namesOf(kinds)} hold masks of different images, and were read as of one kind.`,
    `If each is a class, put them into folders of one folder: ${kinds.map((kind) => `masks/${nameOfClass(kind, kinds)}/`).join(', ')}.`,
  );

/** Sorts of masks of the same images that are classes. */
export const takenAsClasses = (kinds: readonly Kind[]): Refusal =>
  notice(
    'data/masks-as-classes',
    firstPath(kinds),
    `${namesOf(kinds)} mark different places in the same images, so each was taken as a class.`,
    'If only one of them holds the masks, drop the images with that one alone.',
  );

const imagesOf = ({ byImage }: Kind) => `${byImage.size} ${byImage.size === 1 ? 'image' : 'images'}`;
