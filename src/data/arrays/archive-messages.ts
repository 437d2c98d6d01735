/** What is said of files of several arrays. */
import { nameParts } from '../file-names.ts';
import { notice, refusal, refuse } from '../outcome.ts';
import type { Refusal } from '../types.ts';
import { formatOf } from './archive-formats.ts';
import { shapeText } from './layout.ts';
import { isOfPixels, type Named } from './member-roles.ts';
import type { Member } from './members.ts';

/** Another file of the drop has the name that an array is given. */
export const sameName = (archive: string, path: string): Refusal =>
  refusal(
    'data/same-name',
    archive,
    `One of its arrays is taken as ${path}, and another file has that name.`,
    'Rename one of the two.',
  );

/** The beginning of a line of Python that saves some of an archive as another one. */
export const loading = (archive: string) => {
  const [format, file] = [formatOf(archive), fileOf(archive)];
  return `${format.loading(file)}; np.savez_compressed("${format.saved(file)}", `;
};

const fileOf = (path: string) => nameParts(path).file;

/** An array as a sentence has it: its name, and its shape or what its elements are. */
export const memberText = ({ name, shape, type }: Member) =>
  `${name} (${typeof type === 'string' ? type : shape.length === 0 ? 'one value' : shapeText(shape)})`;

/** Arrays that are named in a message. */
const NAMED = 8;

function listed(members: readonly Member[]): string {
  const more = members.length > NAMED ? ` and ${members.length - NAMED} more` : '';
  return `${members.slice(0, NAMED).map(memberText).join(', ')}${more}`;
}

/** None of the arrays has rows and columns. */
export function noPixels(members: readonly Member[], archive: string) {
  if (members.length > 0)
    return refuse(
      'data/array-no-image',
      archive,
      `It holds ${listed(members)}: no rows and columns of pixels.`,
      'Nothing is missing if it says nothing of objects; else save a number for each pixel, of the size of the image.',
    );
  return refuse(
    'data/not-an-image',
    archive,
    `By its name this is ${formatOf(archive).what}, and it holds none.`,
    formatOf(archive).cureOfNone,
  );
}

/** The names do not tell images from masks. */
export function unclear(members: readonly Member[], named: readonly Named[], archive: string) {
  const others = members.filter((each) => isOfPixels(each) && !named.some(({ member }) => member === each));
  const image = named.find(({ field }) => field === 'image')?.member ?? others.shift();
  const mask = named.find(({ field }) => field !== 'image')?.member ?? others.shift();
  const kept = [image && `images=${image.code}`, mask && `masks=${mask.code}`];
  return refuse(
    'data/array-names',
    archive,
    `It holds ${listed(members)}, and which of them are images and which masks cannot be told by their names.`,
    `Nothing is missing if they are neither; else name them in Python: ${loading(archive)}${kept.filter(Boolean).join(', ')}).`,
  );
}

/** Of maps of several annotators the first was taken. */
export const firstOfSeveral = (name: string, all: readonly Named[], archive: string): Refusal =>
  notice(
    'data/array-first',
    archive,
    `It holds ${all.length} maps called ${name}, as of as many annotators, and the first is used.`,
    `To use another one, save it alone in Python: ${loading(archive)}masks=${all[1]?.member.code}), and leave this file out.`,
  );

/** Masks of one name that may be of an object or of an annotator each. */
export function ofOneObject(name: string, all: readonly Named[], archive: string) {
  const codes = all.map(({ member }) => member.code).join(', ');
  return refuse(
    'data/array-names',
    archive,
    `It holds ${all.length} masks of one value called ${name}: of an object each, or of an annotator, which cannot be told.`,
    `In Python, make one map of those of objects: ${loading(archive)}instances=np.max([i * m for i, m in enumerate([${codes}], 1)], 0)).`,
  );
}

/** Images of several sizes, which NumPy keeps as pickled objects. */
export function ofObjects(image: Member, mask: Member | undefined, archive: string) {
  const [names, arrays, keys] = mask
    ? ['(x, m)', `zip(${image.code}, ${mask.code})`, 'image=x, mask=m']
    : ['x', image.code, 'image=x'];
  return refuse(
    'data/array-type',
    archive,
    `It holds ${listed(mask ? [image, mask] : [image])}: as Python objects, which are not read.`,
    `Where you trust its source, save each image alone in Python: a = np.load("${fileOf(archive)}", allow_pickle=True); [np.savez_compressed(f"{i}.npz", ${keys}) for i, ${names} in enumerate(${arrays})].`,
  );
}
