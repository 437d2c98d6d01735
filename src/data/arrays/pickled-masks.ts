/** Masks in a dictionary that was saved as an array of Python objects, as Cellpose's `_seg.npy` is. */
import { OutOfBytes, unpickleParts } from '../../pickle/machine.ts';
import { Dict, Stretch, type Value } from '../../pickle/values.ts';
import { damaged, truncated } from '../decode/size-check.ts';
import type { FileParts } from '../lazy-file.ts';
import { limits } from '../limits.ts';
import { refuse } from '../outcome.ts';
import { elementType } from './element-type.ts';
import { shapeText } from './layout.ts';
import { notNumbers } from './not-numbers.ts';
import { extentOf } from './npy-header.ts';
import { latinBytes, numpyDialect, PickledArray } from './numpy-pickle.ts';
import type { StoredArray } from './stored-array.ts';

/**
 * The array `masks` of the dictionary that is pickled at `start`. All else, images and flows of hundreds of megabytes, is passed
 * over unread.
 * @throws Failure naming the file.
 */
export async function pickledMasks(file: FileParts, start: number): Promise<StoredArray> {
  const content = dictionaryOf(await unpickled(file, start));
  const masks = content?.entries.get('masks');
  if (!content || masks === undefined) throw noMasks(content, file.name);
  if (!(masks instanceof PickledArray) || masks.shape.length < 2) throw notSegmented(masks, file.name);
  return storedArray(masks, file);
}

async function unpickled(file: FileParts, start: number): Promise<Value> {
  try {
    return (await unpickleParts(file, start, numpyDialect)).value;
  } catch (thrown) {
    if (thrown instanceof OutOfBytes) throw truncated(file.name, 'NumPy');
    throw thrown;
  }
}

/** An array of one dictionary, or that itself. */
function dictionaryOf(value: Value): Dict | undefined {
  const only =
    value instanceof PickledArray && Array.isArray(value.data) && value.data.length === 1
      ? value.data[0]
      : value;
  return only instanceof Dict ? only : undefined;
}

function storedArray({ code, shape, isFortran, data }: PickledArray, file: FileParts): StoredArray {
  const type = elementType(code);
  if (typeof type === 'string') throw notNumbers(type, file.name);
  const extent = extentOf(type, shape);
  const wrong = () =>
    damaged(file.name, 'NumPy', `its masks are ${shapeText(shape)} and have bytes for another shape`);
  if (!(data instanceof Stretch)) {
    if (!(data instanceof Uint8Array) || data.length !== extent) throw wrong();
    return { type, shape, isFortran, read: async (offset, length) => data.subarray(offset, offset + length) };
  }
  if (!data.isText) {
    if (data.length !== extent) throw wrong();
    return { type, shape, isFortran, read: (offset, length) => file.read(data.at + offset, length) };
  }
  // A byte takes two at most.
  if (data.length < extent || data.length > 2 * extent || extent > limits.fileBytes) throw wrong();
  return {
    type,
    shape,
    isFortran,
    read: async (offset, length) => {
      const text = new TextDecoder().decode(await file.read(data.at, data.length));
      const bytes = latinBytes(text, file.name);
      if (bytes.length !== extent) throw wrong();
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** Keys that a sentence names. */
const MOST_NAMED = 8;

function noMasks(content: Dict | undefined, file: string) {
  const keys = content ? [...content.entries.keys()].filter((key) => typeof key === 'string') : [];
  const some = keys.slice(0, MOST_NAMED).join(', ');
  const what = content
    ? `a dictionary ${keys.length === 0 ? 'without names' : `of ${some}${keys.length > MOST_NAMED ? ' …' : ''}`}, without masks`
    : 'Python objects, and no dictionary with masks';
  return refuse(
    'data/array-objects',
    file,
    `It holds ${what}.`,
    'Nothing is missing if it says nothing of objects; else load it in Python and save the masks alone: np.save("masks.npy", masks).',
  );
}

const notSegmented = (masks: Value, file: string) =>
  refuse(
    'data/array-objects',
    file,
    `Its masks are ${masks instanceof PickledArray ? 'an array without rows and columns' : 'no array'}: nothing was segmented in it.`,
    'Segment the image in Cellpose and save it again, or leave the file out.',
  );
