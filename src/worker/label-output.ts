import { Failure } from '../config/failure.ts';
import { isLabelled } from '../data/dataset.ts';
import type { LabelledImage, LabelSet } from '../data/out/label-set.ts';
import { labelledImages, labelSetOf } from '../data/out/labelled-images.ts';
import { type OutFile, type OutFormat, OutRemarks } from '../data/out/out-format.ts';
import { outFormats } from '../data/out/registry.ts';
import { hasPixels, writeLabels } from '../data/out/write-labels.ts';
import { zipStream } from '../data/zip.ts';
import type { DatasetRepository } from './dataset-repository.ts';
import type { KeptMaskRepository } from './kept-mask-repository.ts';
import type { LabelSource, LabelsRequest, OutFormatInfo, WrittenLabels } from './protocol.ts';
import { failureOf } from './result.ts';
import type { CallContext } from './serve.ts';

/** The formats as the page shows them. */
export const formatInfos = (): OutFormatInfo[] =>
  outFormats.map((format) => {
    const { id, label, help } = format;
    return { id, label, help, onlyFile: onlyFileOf(format) };
  });

/** The file of a format that has one for all images. */
function onlyFileOf({ files }: OutFormat): string | null {
  const [only = ''] = files;
  return files.length === 1 && !/(^|\/)a\./.test(only) ? only : null;
}

interface LabelRepositories {
  readonly datasets: DatasetRepository;
  readonly kept: KeptMaskRepository;
}

/**
 * Writes labels: each image is read, written and let go before the next.
 * @throws Failure `out/nothing`, `out/no-format`, `data/…`.
 */
export async function writeLabelFile(
  { source, format: id, withImages, pixelSize, to }: LabelsRequest,
  repositories: LabelRepositories,
  { signal, progress }: Pick<CallContext, 'signal' | 'progress'>,
): Promise<WrittenLabels> {
  const format = outFormats.find((each) => each.id === id);
  if (!format) {
    const cure = 'Reload the page to get the formats of this version.';
    throw new Failure({ code: 'out/no-format', what: 'There is no such format.', where: id, cure });
  }
  const { set, images } = await opened(source, repositories, (done, total, name) => {
    signal.throwIfAborted();
    progress({ done, total, label: `Writing ${name}` });
  });
  const counts = { images: 0, objects: 0 };
  const counted = async function* () {
    for await (const image of images) {
      counts.images++;
      counts.objects += image.objects.filter(hasPixels).length;
      yield image;
    }
  };
  const remarks = new OutRemarks();
  const options = { format, set: { ...set, ...(pixelSize && { pixelSize }) }, withImages, remarks };
  const files = writeLabels(counted(), options);
  const isOne = !withImages && onlyFileOf(format) !== null;
  const bytes = isOne ? plainStream(files) : zipStream(files);
  let file: Blob | null = null;
  if (to) await bytes.pipeTo(await to.createWritable(), { signal });
  // The browser keeps what it reads of a response where it has room, on the disk for instance.
  else file = await new Response(bytes).blob();
  return { ...counts, file, remarks: remarks.list().map(failureOf) };
}

/** The bytes of files one after the other. */
function plainStream(files: AsyncGenerator<OutFile>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    pull: async (controller) => {
      const next = await files.next();
      if (next.done) controller.close();
      else controller.enqueue(new Uint8Array(next.value.bytes));
    },
  });
}

interface Opened {
  readonly set: LabelSet;
  readonly images: AsyncIterable<LabelledImage> | Iterable<LabelledImage>;
}

async function opened(
  source: LabelSource,
  { datasets, kept }: LabelRepositories,
  onImage: (done: number, total: number, name: string) => void,
): Promise<Opened> {
  if (source.kind === 'kept') {
    const images = await kept.labelled();
    return { set: { name: 'masks', classes: [] }, images };
  }
  const { dataset, stored } = await datasets.open(source.datasetId);
  if (!dataset.samples.some(isLabelled)) throw nothing(dataset.name);
  const labelled = {
    dataset,
    labels: stored.summary.labels,
    colours: stored.classColours,
    labelsOf: (name: string) => datasets.disk.labelsOf(stored.id, name),
  };
  return { set: labelSetOf(labelled), images: labelledImages(labelled, onImage) };
}

const nothing = (name: string) =>
  new Failure({
    code: 'out/nothing',
    what: 'No image of this dataset is done.',
    where: name,
    cure: 'Label an image and mark it as done, or import the dataset with its masks.',
  });
