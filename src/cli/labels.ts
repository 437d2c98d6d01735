import { Failure } from '../config/failure.ts';
import { plural } from '../config/words.ts';
import { isLabelled } from '../data/dataset.ts';
import { asFileName } from '../data/file-names.ts';
import { type InspectedDataset, inspectDataset } from '../data/inspect.ts';
import type { PixelSize } from '../data/out/label-set.ts';
import { labelledImages, labelSetOf } from '../data/out/labelled-images.ts';
import { type OutFile, type OutFormat, OutRemarks } from '../data/out/out-format.ts';
import { outFormats } from '../data/out/registry.ts';
import { writeLabels } from '../data/out/write-labels.ts';
import { withoutRepeats } from '../data/outcome.ts';
import { readDatasets } from '../data/read-datasets.ts';
import type { Refusal } from '../data/types.ts';
import { uniqueKeys } from '../engine/datasets.ts';
import { choiceFlag, readArguments, requiredFlag, wrongArguments } from './arguments.ts';
import { droppedFiles } from './input-files.ts';
import { READING_FLAGS, READING_USAGE, readingChanges } from './reading-flags.ts';
import { expectFree, writeFiles } from './write-files.ts';

const FORMATS = outFormats.map(({ id, help }) => `    ${id.padEnd(15)} ${help}`).join('\n');

const USAGE = `  npm run mopeft -- labels --data PATH… --format FORMAT --out DIR|FILE.zip [--images] [--pixel-size 0.5µm]
  Writes the labels of any files, folders and zips that are understood in another format. Of several datasets each has a
  folder of its name. Images without labels are left out.
  --images adds the images themselves. --pixel-size is the side of a pixel, for the table of measurements.
  Formats:
${FORMATS}
${READING_USAGE}`;

/** `mopeft labels`: labels in the format that another tool reads. Needs no GPU. */
export async function labels(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(
    args,
    {
      data: { type: 'string', multiple: true },
      format: { type: 'string' },
      out: { type: 'string' },
      images: { type: 'boolean' },
      'pixel-size': { type: 'string' },
      ...READING_FLAGS,
    },
    USAGE,
  );
  const paths = [...(values.data ?? []), ...positionals];
  if (paths.length === 0) throw wrongArguments('--data is missing', 'Add --data', USAGE);
  const format = formatOf(requiredFlag(values.format, 'format', USAGE));
  const out = requiredFlag(values.out, 'out', USAGE);
  const pixelSize = pixelSizeOf(values['pixel-size']);
  await expectFree(out, 'Name a new folder, or a new file that ends in .zip.');
  const { files, topName } = await droppedFiles(paths);
  const read = await readDatasets(files, { topName });
  const said: Refusal[] = [...read.refusals];
  const inspected: InspectedDataset[] = [];
  for (const dataset of read.datasets) {
    const one = await inspectDataset(dataset, { changes: readingChanges(values, USAGE) });
    said.push(...one.refusals);
    if (one.dataset.samples.some(isLabelled)) inspected.push(one);
  }
  if (inspected.length === 0) throw nothingLabelled(said);
  const remarks = new OutRemarks();
  const written = outputOf(inspected, { format, remarks, withImages: values.images ?? false, pixelSize });
  const count = await writeFiles(written, out);
  for (const { file, reason, cure } of withoutRepeats([...said, ...remarks.list()]))
    console.error(`${file}: ${reason} ${cure}`);
  for (const { dataset, summary } of inspected) {
    const left = summary.unlabelled > 0 ? `, ${summary.unlabelled} without labels left out` : '';
    console.log(
      `${dataset.name}: ${plural(summary.labelled, 'image')}, ${plural(summary.objects, 'object')}${left}`,
    );
  }
  console.log(`${out}: ${plural(count, 'file')} as ${format.label}`);
  return 0;
}

interface OutputOptions {
  readonly format: OutFormat;
  readonly remarks: OutRemarks;
  readonly withImages: boolean;
  readonly pixelSize: PixelSize | undefined;
}

/** The files of all datasets, each in a folder of its name where there are several. */
async function* outputOf(
  all: readonly InspectedDataset[],
  { format, remarks, withImages, pixelSize }: OutputOptions,
): AsyncGenerator<OutFile> {
  const names = all.map(({ dataset }) => dataset.name.replace(/[\\/:]+/g, '_'));
  const folders = uniqueKeys(names, asFileName);
  for (const [i, { dataset, summary }] of all.entries()) {
    const labelled = { dataset, labels: summary.labels };
    const set = labelSetOf(labelled, pixelSize);
    for await (const { path, bytes } of writeLabels(labelledImages(labelled), {
      format,
      set,
      withImages,
      remarks,
    }))
      yield { path: all.length > 1 ? `${folders[i]}/${path}` : path, bytes };
  }
}

function formatOf(id: string): OutFormat {
  const ids = outFormats.map((each) => each.id);
  const known = choiceFlag(id, 'format', ids, USAGE);
  const format = outFormats.find((each) => each.id === known);
  if (!format) throw new RangeError(`there is no format ${known}`);
  return format;
}

/** A number and its unit, as "0.5µm". */
function pixelSizeOf(text: string | undefined): PixelSize | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(\p{L}{1,10})$/u.exec(text.trim());
  const [, size = '', unit = ''] = match ?? [];
  if (Number(size) > 0) return { size: Number(size), unit: unit.replace('um', 'µm') };
  throw wrongArguments(
    `--pixel-size is "${text}", which is not a length with its unit`,
    'Write --pixel-size as 0.5µm',
    USAGE,
  );
}

function nothingLabelled(said: readonly Refusal[]): Failure {
  const [first] = said;
  return new Failure({
    code: 'data/no-labels',
    what: `There is no image with labels${first ? ` (${first.file}: ${first.reason})` : ''}.`,
    cure: 'Give images together with their masks or annotation files.',
  });
}
