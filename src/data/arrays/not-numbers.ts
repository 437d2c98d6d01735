import { refuse } from '../outcome.ts';

/** The refusal of an array whose elements are no numbers. @param what they are. */
export const notNumbers = (what: string, file: string) =>
  refuse(
    'data/array-type',
    file,
    `The elements of this array are ${what}, not numbers of pixels.`,
    'Nothing is missing if it says nothing of objects; else save an array of whole numbers, one for each pixel: np.save("new.npy", masks.astype("int32")).',
  );
