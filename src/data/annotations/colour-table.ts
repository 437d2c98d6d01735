/** Tables of class names and colours beside masks, in the forms that tools and public sets write. */
import { isImageName, nameParts } from '../file-names.ts';
import { packed, type TableClass } from '../reading/class-table.ts';
import type { AnnotationFormat } from './annotation-format.ts';
import { parseCsv } from './csv.ts';

/** CVAT and VOC: `name:r,g,b:parts:actions`. */
const LABELMAP_LINE = /^([^#:][^:]*):(\d{1,3}),(\d{1,3}),(\d{1,3}):[^:]*:[^:]*$/;
/** CamVid: `64 128 64 Animal`, with a number before it or not. */
const COLOUR_FIRST = /^(?:\d+[\s,;:]+)?(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})[\s,;:]+(["'_\p{L}].*)$/u;
/** `road, 128, 64, 128` without a header. */
const NAME_FIRST =
  /^(?:\d+[\s,;:]+)?(["'_\p{L}].*?)[\s,;:=]+[([]?(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})[)\]]?$/u;

/** Longest table, in characters: names and colours of thousands of classes. */
const LONGEST = 2 ** 18;

/** A table of classes by colour: `labelmap.txt` (CVAT, VOC), `label_colors.txt` (CamVid), `class_dict.csv` (DeepGlobe). */
export const colourTable: AnnotationFormat = {
  id: 'colour-table',
  name: 'table of colours',
  extensions: ['txt', 'csv'],
  recognises: (source) => source.bytes.length <= LONGEST && classesOf(source.text).length > 0,
  read: ({ text, path }) => ({ images: [], classTable: { file: path, classes: classesOf(text) } }),
};

/** The classes of a table; none where the text is no table. */
function classesOf(text: string): readonly TableClass[] {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const [first = '', ...others] = lines;
  if (LABELMAP_LINE.test(first)) {
    return lines.flatMap((line) => {
      const match = LABELMAP_LINE.exec(line);
      return match ? (classOf(match[1], match.slice(2)) ?? []) : [];
    });
  }
  if (isHeader(first)) return byColumns(lines) ?? all(others, ofLine);
  const classes = all(lines, ofLine);
  // One line of a name and three numbers may be anything.
  return classes.length > 1 || COLOUR_FIRST.test(first) ? classes : [];
}

function ofLine(line: string): TableClass | undefined {
  const colourFirst = COLOUR_FIRST.exec(line);
  if (colourFirst) return classOf(colourFirst[4], colourFirst.slice(1, 4));
  const nameFirst = NAME_FIRST.exec(line);
  return nameFirst ? classOf(nameFirst[1], nameFirst.slice(2)) : undefined;
}

const CHANNELS = [/^r(ed)?$/i, /^g(reen)?$/i, /^b(lue)?$/i];
const NAMES = [/name/i, /class|label|categor|title/i];

const isHeader = (line: string) => {
  const words = line.split(/[^\p{L}\d]+/u);
  return CHANNELS.every((channel) => words.some((word) => channel.test(word)));
};

/** The classes of a CSV by its header; undefined where this has not all columns. */
function byColumns(lines: readonly string[]): readonly TableClass[] | undefined {
  const [header = [], ...rows] = parseCsv(lines.join('\n')).map((row) => row.map((field) => field.trim()));
  const channels = CHANNELS.map((channel) => header.findIndex((title) => channel.test(title)));
  const named = NAMES.map((name) => header.findIndex((title) => name.test(title))).find((at) => at >= 0);
  const name = named ?? header.findIndex((_, at) => !channels.includes(at));
  if (name < 0 || channels.some((at) => at < 0)) return undefined;
  return all(rows, (row) =>
    classOf(
      row[name],
      channels.map((at) => row[at] ?? ''),
    ),
  );
}

/** The classes of all lines, or none where one is no class: most texts end with their first line. */
function all<L>(lines: readonly L[], of: (line: L) => TableClass | undefined): readonly TableClass[] {
  const classes: TableClass[] = [];
  for (const line of lines) {
    const own = of(line);
    if (!own) return [];
    classes.push(own);
  }
  return classes;
}

function classOf(text: string | undefined, channels: readonly string[]): TableClass | undefined {
  const name = (text ?? '').trim().replace(/^(["'])(.*)\1$/, '$2');
  const values = channels.map((channel) => (/^\d{1,3}$/.test(channel) ? Number(channel) : 256));
  const [r = 256, g = 256, b = 256] = values;
  if (name === '' || isImageName(nameParts(name)) || Math.max(r, g, b) > 255) return undefined;
  return { name, colour: packed([r, g, b]) };
}
