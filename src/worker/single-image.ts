/** A file that a person opens by itself, as one image; where it is none, what it is and where it is read. */
import { Failure, type FailureRecord } from '../config/failure.ts';
import { plural } from '../config/words.ts';
import { decodeImage } from '../data/decode/image.ts';
import { readDatasets } from '../data/read-datasets.ts';
import type { Refusal, RgbImage } from '../data/types.ts';
import { inputFile } from './input-file.ts';

/** @throws Failure `segment/not-one-image` at what the page reads as something else, or that of the decoder. */
export async function openSingleImage(file: File): Promise<RgbImage> {
  const decoded = await decodeImage(new Uint8Array(await file.arrayBuffer()), file.name);
  if (decoded.ok) return decoded.value.image;
  throw new Failure(await asWhatItIs(file, decoded.refusal));
}

/** Why a file is no single image, as the reader of whole drops understands it. */
async function asWhatItIs(file: File, refusal: Refusal): Promise<FailureRecord> {
  const otherwise = (what: string, cure: string): FailureRecord => ({
    code: 'segment/not-one-image',
    what,
    where: file.name,
    cure,
  });
  if (/\.(safetensors|pth|pt|ckpt)$/i.test(file.name))
    return otherwise('By its name this is a model or an adapter, not an image.', 'Drop it on the page.');
  const { datasets, refusals } = await readDatasets([inputFile({ path: file.name, file })]);
  const images = datasets.flatMap(({ samples }) => samples.map(({ image }) => image.path));
  if (images.some((path) => path !== file.name))
    return otherwise(
      `This file is a dataset of ${plural(images.length, 'image')}, not an image by itself.`,
      'Drop it on the Data page, and open its images from there.',
    );
  if (refusals.some(({ code }) => WITHOUT_IMAGE.has(code)))
    return otherwise(
      'This file holds masks or outlines of an image, not the image itself.',
      'Drop it on the Data page together with its image.',
    );
  // Of formats that are not read, the reader of drops knows more.
  const said = refusals.find(({ severity }) => severity === 'refused') ?? refusal;
  const { code, reason, cure } = refusal.code === 'data/not-an-image' && images.length === 0 ? said : refusal;
  return { code, what: reason, where: file.name, cure };
}

/** What is said of masks and annotations that came without an image. */
const WITHOUT_IMAGE: ReadonlySet<string> = new Set([
  'data/mask-without-image',
  'data/annotation-image-missing',
]);
