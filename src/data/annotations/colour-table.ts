/** Tables of class names and colours beside masks, in the forms that tools and public sets write. */
import { isImageName, nameParts } from '../file-names.ts';
import type { TableClass } from '../reading/class-table.ts';
import type { AnnotationFormat } from './annotation-format.ts';
import { colourOf } from './colour-value.ts';
import { parseCsv, TABLES } from './csv.ts';

/** CVAT and VOC: `name:r,g,b:parts:actions`. */
const LABELMAP_LINE = /^([^#:][^:]*):(\d{1,3}),(\d{1,3}),(\d{1,3}):[^:]*:[^:]*$/;
/** CamVid: `64 128 64 Animal`, with a number before it or not. */
const COLOUR_FIRST = /^(?:\d+[\s,;:]+)?(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})[\s,;:]+(["'_\p{L}].*)$/u;
/** `road, 128, 64, 128` without a header. */
const NAME_FIRST =
  /^(?:\d+[\s,;:]+)?(["'_\p{L}].*?)[\s,;:=]+[([]?(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})[)\]]?$/u;
/** `leaf,#0f8a21` or `#0f8a21 leaf`. */
const HEX_LINE = /^(?:\d+[\s,;:]+)?(?:(["'_\p{L}].*?)[\s,;:=]+)?(#[0-9a-f]{6})(?:[\s,;:]+(["'_\p{L}].*))?$/iu;

/** Longest table, in characters: names and colours of thousands of classes. */
const LONGEST = 2 ** 18;

/** A table of classes by colour: `labelmap.txt` (CVAT, VOC), `label_colors.txt` (CamVid), `class_dict.csv` (DeepGlobe). */
export const colourTable: AnnotationFormat = {
  id: 'colour-table',
  name: 'table of colours',
  extensions: ['txt', ...TABLES],
  recognises: (source) => source.bytes.length <= LONGEST && classesOf(source.text).length > 0,
  read: ({ text, path }) => ({ images: [], classTable: { file: path, classes: classesOf(text) } }),
};

/** The classes of a table; none where the text is no table. */
function classesOf(text: string): readonly TableClass[] {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && (!line.startsWith('#') || HEX_LINE.test(line)));
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
  const hex = HEX_LINE.exec(line);
  if (hex) return classOf(hex[1] ?? hex[3], [hex[2] ?? '']);
  const colourFirst = COLOUR_FIRST.exec(line);
  if (colourFirst) return classOf(colourFirst[4], colourFirst.slice(1, 4));
  const nameFirst = NAME_FIRST.exec(line);
  return nameFirst ? classOf(nameFirst[1], nameFirst.slice(2)) : undefined;
}

const COLOUR = /colou?rs?$|^rgb$|^hex$/i;
const CHANNELS = [/^r(ed)?$/i, /^g(reen)?$/i, /^b(lue)?$/i];
const NAMES = [/name/i, /class|label|categor|title/i];

const isHeader = (line: string) => {
  const words = line.split(/[^\p{L}\d]+/u);
  if (CHANNELS.every((channel) => words.some((word) => channel.test(word)))) return true;
  return words.some((word) => COLOUR.test(word)) && !/[\d#]/.test(line);
};

/** The classes of a CSV by its header, which has a column for each channel or one for the colour; undefined where it has neither. */
function byColumns(lines: readonly string[]): readonly TableClass[] | undefined {
  const [header = [], ...rows] = parseCsv(lines.join('\n')).map((row) => row.map((field) => field.trim()));
  const channels = CHANNELS.map((channel) => header.findIndex((title) => channel.test(title)));
  const columns = channels.some((at) => at < 0)
    ? [header.findIndex((title) => COLOUR.test(title))]
    : channels;
  const isName = (at: number) => !columns.includes(at);
  const named = NAMES.map((name) => header.findIndex((title, at) => isName(at) && name.test(title))).find(
    (at) => at >= 0,
  );
  const name = named ?? header.findIndex((_, at) => isName(at));
  if (name < 0 || columns.some((at) => at < 0)) return undefined;
  return all(rows, (row) =>
    classOf(
      row[name],
      columns.map((at) => row[at] ?? ''),
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

/** @param channels of the colour, or the colour as one text. */
function classOf(text: string | undefined, channels: readonly string[]): TableClass | undefined {
  const name = (text ?? '').trim().replace(/^(["'])(.*)\1$/, '$2');
  const colour = colourOf(channels.join(' '));
  return name === '' || isImageName(nameParts(name)) || colour === undefined ? undefined : { name, colour };
}
