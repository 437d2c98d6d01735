/** A file that a person opens by itself, as one image; where it is none, what it is. */
import { Failure, type FailureRecord } from '../config/failure.ts';
import { plural } from '../config/words.ts';
import { decodeImage } from './decode/image.ts';
import { type InputFile, readDatasets } from './read-datasets.ts';
import type { Refusal, RgbImage } from './types.ts';

/** What to do with what is no single image, where it was opened as one. */
export interface ReadElsewhere {
  readonly model: string;
  readonly dataset: string;
  /** Of masks and outlines that need their image. */
  readonly masks: string;
}

/** @throws Failure `segment/not-one-image` at what is read as something else elsewhere, or that of the decoder. */
export async function openSingleImage(file: InputFile, elsewhere: ReadElsewhere): Promise<RgbImage> {
  const decoded = await decodeImage(await file.bytes(), file.path);
  if (decoded.ok) return decoded.value.image;
  throw new Failure(await asWhatItIs(file, decoded.refusal, elsewhere));
}

/** Why a file is no single image, as the reader of whole drops understands it. */
async function asWhatItIs(
  file: InputFile,
  refusal: Refusal,
  elsewhere: ReadElsewhere,
): Promise<FailureRecord> {
  const otherwise = (what: string, cure: string): FailureRecord => ({
    code: 'segment/not-one-image',
    what,
    where: file.path,
    cure,
  });
  if (/\.(safetensors|pth|pt|ckpt)$/i.test(file.path))
    return otherwise('By its name this is a model or an adapter, not an image.', elsewhere.model);
  const { datasets, refusals } = await readDatasets([file]);
  const images = datasets.flatMap(({ samples }) => samples.map(({ image }) => image.path));
  if (images.some((path) => path !== file.path))
    return otherwise(
      `This file is a dataset of ${plural(images.length, 'image')}, not an image by itself.`,
      elsewhere.dataset,
    );
  if (refusals.some(({ code }) => WITHOUT_IMAGE.has(code)))
    return otherwise('This file holds masks or outlines of an image, not the image itself.', elsewhere.masks);
  // Of formats that are not read, the reader of drops knows more.
  const said = refusals.find(({ severity }) => severity === 'refused') ?? refusal;
  const { code, reason, cure } = LITTLE_SAID.has(refusal.code) && images.length === 0 ? said : refusal;
  return { code, what: reason, where: file.path, cure };
}

/** What the decoder says of files that are no images to it. */
const LITTLE_SAID: ReadonlySet<string> = new Set(['data/not-an-image', 'data/array-type']);

/** What is said of masks and annotations that came without an image. */
const WITHOUT_IMAGE: ReadonlySet<string> = new Set([
  'data/mask-without-image',
  'data/annotation-image-missing',
]);
