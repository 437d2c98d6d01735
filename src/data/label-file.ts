/**
 * The file of an image's labels and undo steps: `MPEL`, the length of a JSON header (u32, little endian), the header,
 * and the runs that the header counts, as variable-length numbers: for each run the pixels since the one before, and its
 * length. Equal runs are there once.
 */
import * as v from 'valibot';
import type { Failure } from '../config/failure.ts';
import { areRuns } from './labels/runs.ts';
import {
  type ImageLabels,
  type LabelHistory,
  type LabelObject,
  type LabelPrompts,
  MOST_OBJECTS,
  type ObjectOrigin,
  type Runs,
} from './labels/types.ts';
import { refuse } from './outcome.ts';

/** The version that is written. */
const VERSION = 1;
const MAGIC = 'MPEL';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const side = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(0xffff_ffff));

const origin = v.variant('kind', [
  v.object({ kind: v.picklist(['imported', 'drawn']) }),
  v.object({ kind: v.picklist(['clicked', 'corrected']), model: v.string() }),
  v.object({
    kind: v.literal('found'),
    model: v.string(),
    score: v.exactOptional(v.number()),
  }),
]);

const object = v.object({
  id: v.string(),
  class: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** Index of its runs. */
  runs: count,
  origin,
  created: v.number(),
  locked: v.optional(v.literal(true)),
  hidden: v.optional(v.literal(true)),
  name: v.optional(v.string()),
});
const coordinate = v.pipe(v.number(), v.finite());
const prompts = v.object({
  id: count,
  points: v.array(v.object({ x: coordinate, y: coordinate, positive: v.boolean() })),
  box: v.nullable(v.object({ x0: coordinate, y0: coordinate, x1: coordinate, y1: coordinate })),
  region: v.nullable(v.tuple([count, count, count, count])),
});
const place = v.nullable(v.tuple([count, object]));

const HeaderSchema = v.object({
  version: v.literal(VERSION),
  revision: count,
  status: v.picklist(['unlabelled', 'in-work', 'done']),
  width: side,
  height: side,
  ignored: count,
  objects: v.pipe(v.array(object), v.maxLength(MOST_OBJECTS)),
  history: v.object({
    index: count,
    entries: v.array(
      v.object({
        title: v.string(),
        objects: v.array(v.tuple([place, place])),
        prompts: v.optional(v.tuple([prompts, prompts])),
        ignored: v.optional(v.tuple([count, count])),
      }),
    ),
  }),
  /** How many runs each of the lists has that follow. */
  runs: v.array(count),
});
type Header = v.InferOutput<typeof HeaderSchema>;
type ObjectJson = v.InferOutput<typeof object>;

export interface StoredLabels {
  readonly labels: ImageLabels;
  readonly history: LabelHistory;
}

/** The bytes of the file. */
export function encodeLabels({ labels, history }: StoredLabels): Uint8Array {
  const lists: Runs[] = [];
  const places = new Map<Runs, number>();
  const placeOf = (runs: Runs): number => {
    const known = places.get(runs);
    if (known !== undefined) return known;
    places.set(runs, lists.length);
    return lists.push(runs) - 1;
  };
  const objectJson = ({ classValue, runs, locked, hidden, ...rest }: LabelObject): ObjectJson => ({
    ...rest,
    class: classValue,
    runs: placeOf(runs),
    ...(locked && { locked }),
    ...(hidden && { hidden }),
  });
  const header: Header = {
    version: VERSION,
    revision: labels.revision,
    status: labels.status,
    width: labels.width,
    height: labels.height,
    ignored: placeOf(labels.ignored),
    objects: labels.objects.map(objectJson),
    history: {
      index: history.index,
      entries: history.entries.map(({ title, objects, prompts: asked, ignored }) => ({
        title,
        objects: objects.map(({ before, after }) => [
          before && [before.index, objectJson(before.object)],
          after && [after.index, objectJson(after.object)],
        ]),
        ...(asked && { prompts: [promptsJson(asked.before), promptsJson(asked.after)] }),
        ...(ignored && { ignored: [placeOf(ignored.before), placeOf(ignored.after)] }),
      })),
    },
    runs: [],
  };
  header.runs = lists.map((runs) => runs.length >> 1);
  const json = new TextEncoder().encode(JSON.stringify(header));
  const payload = lists.map(packRuns);
  const out = new Uint8Array(8 + json.length + payload.reduce((sum, { length }) => sum + length, 0));
  out.set(new TextEncoder().encode(MAGIC));
  new DataView(out.buffer).setUint32(4, json.length, true);
  out.set(json, 8);
  let at = 8 + json.length;
  for (const packed of payload) {
    out.set(packed, at);
    at += packed.length;
  }
  return out;
}

/**
 * Reads the file again.
 * @throws Failure `labels/…` naming `path`.
 */
export function decodeLabels(bytes: Uint8Array, path: string): StoredLabels {
  const isOurs = new TextDecoder('latin1').decode(bytes.subarray(0, 4)) === MAGIC && bytes.length >= 8;
  if (!isOurs) throw damaged(path, 'it does not begin as one');
  const headerLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  if (8 + headerLength > bytes.length) throw damaged(path, 'its header is cut off');
  const header = parseHeader(bytes.subarray(8, 8 + headerLength), path);
  const lists = unpackAll(bytes.subarray(8 + headerLength), header, path);
  const runsAt = (index: number): Runs => {
    const runs = lists[index];
    if (!runs) throw damaged(path, `runs ${index} of ${lists.length} are asked for`);
    return runs;
  };
  const objectOf = ({ id, class: classValue, runs, created, locked, hidden, name, origin }: ObjectJson) => ({
    id,
    classValue,
    runs: runsAt(runs),
    origin: origin satisfies ObjectOrigin,
    created,
    locked: locked ?? false,
    hidden: hidden ?? false,
    ...(name !== undefined && { name }),
  });
  const placed = (json: v.InferOutput<typeof place>) => json && { index: json[0], object: objectOf(json[1]) };
  const { revision, status, width, height, history } = header;
  if (history.index > history.entries.length) throw damaged(path, 'its undo steps end before they begin');
  return {
    labels: {
      status,
      objects: header.objects.map(objectOf),
      revision,
      width,
      height,
      ignored: runsAt(header.ignored),
    },
    history: {
      index: history.index,
      entries: history.entries.map(({ title, objects, prompts: asked, ignored }) => ({
        title,
        objects: objects.map(([before, after]) => ({ before: placed(before), after: placed(after) })),
        ...(asked && { prompts: { before: asked[0], after: asked[1] } }),
        ...(ignored && { ignored: { before: runsAt(ignored[0]), after: runsAt(ignored[1]) } }),
      })),
    },
  };
}

function promptsJson({ id, points, box, region }: LabelPrompts): v.InferOutput<typeof prompts> {
  return { id, points: [...points], box, region: region && [...region] };
}

function parseHeader(bytes: Uint8Array, path: string): Header {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw damaged(path, 'its header is not valid JSON');
  }
  const version = typeof json === 'object' && json !== null && 'version' in json ? json.version : undefined;
  if (typeof version === 'number' && version > VERSION) {
    throw refuse(
      'labels/newer',
      path,
      `These labels were stored by a newer version of the studio (${version}).`,
      'Reload the page to get the newer version.',
    );
  }
  const parsed = v.safeParse(HeaderSchema, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw damaged(path, `${v.getDotPath(issue) ?? 'top'}: ${issue.message}`);
}

/** A 32-bit number takes 5 bytes at most. */
function packRuns(runs: Runs): Uint8Array {
  const out = new Uint8Array(5 * runs.length);
  let at = 0;
  let last = 0;
  const put = (value: number): void => {
    let left = value;
    while (left > 127) {
      out[at++] = (left & 127) | 128;
      left = Math.floor(left / 128);
    }
    out[at++] = left;
  };
  for (let i = 0; i < runs.length; i += 2) {
    const [start, length] = [runs[i] as number, runs[i + 1] as number];
    put(start - last);
    put(length);
    last = start + length;
  }
  return out.subarray(0, at);
}

function unpackAll(bytes: Uint8Array, { runs, width, height }: Header, path: string): Runs[] {
  let at = 0;
  const take = (): number => {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw damaged(path, 'its end is missing');
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw damaged(path, 'a number in it is too large');
  };
  const lists = runs.map((length) => {
    // Each number takes a byte at least; asked before memory is.
    if (2 * length > bytes.length - at) throw damaged(path, 'its end is missing');
    const list = new Uint32Array(2 * length);
    let last = 0;
    for (let i = 0; i < list.length; i += 2) {
      const start = last + take();
      const length = take();
      last = start + length;
      if (last > width * height) throw damaged(path, `pixel ${last} is outside of the image`);
      list[i] = start;
      list[i + 1] = length;
    }
    if (!areRuns(list, width * height)) throw damaged(path, 'runs of pixels in it touch or are empty');
    return list;
  });
  if (at !== bytes.length) throw damaged(path, `${bytes.length - at} bytes too many follow`);
  return lists;
}

function damaged(path: string, detail: string): Failure {
  return refuse(
    'labels/damaged',
    path,
    `The file of this image's labels is damaged (${detail}).`,
    'Label the image anew from the masks that its dataset has; saving replaces the file.',
  );
}
