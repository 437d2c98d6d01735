import { expect, it } from 'vitest';
import { Random } from '../config/random.ts';
import { decodeLabels, encodeLabels, type StoredLabels } from './label-file.ts';
import { runsOfBitmap } from './labels/runs.ts';
import type { LabelObject } from './labels/types.ts';

const random = Random.fromSeed(1, 'label file');
const [width, height] = [31, 17];
const runs = () => runsOfBitmap(Uint8Array.from({ length: width * height }, () => random.integer(2)));

const cell: LabelObject = {
  id: 'a',
  classValue: 2,
  runs: runs(),
  origin: { kind: 'corrected', model: 'tiny, run 3' },
  created: 12.5,
  locked: true,
  hidden: false,
  name: 'Zelle ü',
};
const drawn: LabelObject = { ...cell, id: 'b', runs: runs(), origin: { kind: 'drawn' }, hidden: true };
const stored: StoredLabels = {
  labels: { status: 'in-work', objects: [cell, drawn], revision: 4, width, height, ignored: runs() },
  history: {
    index: 1,
    entries: [
      {
        title: 'Brush',
        objects: [{ before: null, after: { index: 0, object: cell } }],
        ignored: { before: new Uint32Array(0), after: runs() },
      },
      { title: 'Delete', objects: [{ before: { index: 1, object: drawn }, after: null }] },
      {
        title: 'Click',
        objects: [],
        prompts: {
          before: { id: 0, points: [], box: null, region: null },
          after: {
            id: 3,
            points: [{ x: 4.5, y: 2.25, positive: false }],
            box: { x0: 1, y0: 2, x1: 30.5, y1: 16 },
            region: [0, 0, 31, 17],
          },
        },
      },
      {
        title: 'Click',
        objects: [],
        prompts: {
          before: { id: 0, points: [], box: null, region: null },
          after: { id: 2, points: [{ x: 1.5, y: 2, positive: false }], box: null, region: [0, 1, 9, 8] },
        },
      },
    ],
  },
};

const decode = (bytes: Uint8Array) => decodeLabels(bytes, 'edits/a.png');
/** The file with another header. */
function withHeader(change: (header: Record<string, unknown>) => unknown): Uint8Array {
  const bytes = encodeLabels(stored);
  const length = new DataView(bytes.buffer).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const json = new TextEncoder().encode(JSON.stringify(change(header)));
  const out = new Uint8Array(bytes.length - length + json.length);
  out.set(bytes.subarray(0, 4));
  new DataView(out.buffer).setUint32(4, json.length, true);
  out.set(json, 8);
  out.set(bytes.subarray(8 + length), 8 + json.length);
  return out;
}

it('labels and their undo steps come back as they were', () => {
  expect(decode(encodeLabels(stored))).toEqual(stored);
  // A part of a larger buffer too.
  const bytes = encodeLabels(stored);
  const larger = new Uint8Array(bytes.length + 3);
  larger.set(bytes, 3);
  expect(decode(larger.subarray(3))).toEqual(stored);
});

it('equal runs are stored once', () => {
  const steps = { index: 0, entries: Array.from({ length: 50 }, () => stored.history.entries[0]) };
  const many = encodeLabels({ ...stored, history: steps as StoredLabels['history'] });
  const { objects } = stored.labels;
  const header = new DataView(many.buffer).getUint32(4, true);
  const payload = many.length - 8 - header;
  expect(payload).toBeLessThan(5 * 4 * Math.max(...objects.map((object) => object.runs.length)));
});

it('numbers of 32 bits are kept', () => {
  const labels = {
    ...stored.labels,
    width: 65_535,
    height: 65_537,
    objects: [{ ...cell, runs: Uint32Array.of(4_294_967_294, 1) }],
  };
  expect(decode(encodeLabels({ labels, history: stored.history })).labels).toEqual(labels);
});

it('every file that was cut off is damaged', () => {
  const bytes = encodeLabels(stored);
  for (let length = 0; length < bytes.length; length += 1 + random.integer(9))
    expect(() => decode(bytes.subarray(0, length))).toThrow(/damaged/);
});

it.each([
  ['another file', new TextEncoder().encode('PNG, for example')],
  ['a header that is no JSON', Uint8Array.of(0x4d, 0x50, 0x45, 0x4c, 2, 0, 0, 0, 123, 123)],
  ['bytes that follow', Uint8Array.of(...encodeLabels(stored), 1)],
  ['a header in another shape', withHeader(({ objects: _, ...rest }) => rest)],
  ['runs that are not there', withHeader((header) => ({ ...header, ignored: 99 }))],
  ['a huge number of runs', withHeader((header) => ({ ...header, runs: [2 ** 52] }))],
  ['pixels outside of the image', withHeader((header) => ({ ...header, width: 3 }))],
  [
    'undo steps that are not there',
    withHeader((header) => ({ ...header, history: { index: 3, entries: [] } })),
  ],
  [
    'a number that never ends',
    Uint8Array.of(...withHeader((header) => header).slice(0, -9), ...Array(9).fill(255)),
  ],
])('%s is damaged', (_, bytes) => {
  expect(() => decode(bytes)).toThrow(/damaged/);
});

it('a newer file is said to be one', () => {
  expect(() => decode(withHeader((header) => ({ ...header, version: 2 })))).toThrow(/newer version/);
});
