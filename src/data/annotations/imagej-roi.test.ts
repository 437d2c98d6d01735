import { describe, expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';
import { writeZip } from '../zip.ts';

const IMAGE = blankPng(40, 30);
type Corner = readonly [x: number, y: number];

interface Region {
  readonly type: number;
  readonly subtype?: number;
  readonly version?: number;
  readonly options?: number;
  readonly strokeWidth?: number;
  /** top, left, bottom, right. */
  readonly box?: readonly [number, number, number, number];
  readonly floats?: readonly number[];
  readonly ratio?: number;
  readonly points?: readonly Corner[];
  readonly path?: readonly number[];
}

/** A region as ij.io.RoiEncoder lays it out. */
function roi({
  type,
  subtype = 0,
  version = 227,
  options = 0,
  strokeWidth = 0,
  box = [0, 0, 0, 0],
  ...more
}: Region): Uint8Array {
  const { floats = [], ratio, points = [], path = [] } = more;
  const isExact = (options & 128) !== 0 && points.length > 0;
  const view = new DataView(new ArrayBuffer(64 + (isExact ? 12 : 4) * points.length + 4 * path.length));
  [0x49, 0x6f, 0x75, 0x74].forEach((byte, i) => {
    view.setUint8(i, byte);
  });
  view.setInt16(4, version);
  view.setUint8(6, type);
  box.forEach((value, i) => {
    view.setInt16(8 + 2 * i, value);
  });
  view.setUint16(16, points.length);
  floats.forEach((value, i) => {
    view.setFloat32(18 + 4 * i, value);
  });
  view.setInt16(34, strokeWidth);
  view.setInt32(36, path.length);
  view.setInt16(48, subtype);
  view.setInt16(50, options);
  if (ratio !== undefined) view.setFloat32(52, ratio);
  points.forEach(([x, y], i) => {
    view.setInt16(64 + 2 * i, Math.round(x) - box[1]);
    view.setInt16(64 + 2 * (points.length + i), Math.round(y) - box[0]);
    if (isExact) {
      view.setFloat32(64 + 4 * points.length + 4 * i, x);
      view.setFloat32(64 + 8 * points.length + 4 * i, y);
    }
  });
  path.forEach((value, i) => {
    view.setFloat32(64 + 4 * i, value);
  });
  return new Uint8Array(view.buffer);
}

async function read(...regions: readonly Uint8Array[]) {
  const zip = await writeZip(Object.fromEntries(regions.map((bytes, i) => [`${i}.roi`, bytes])));
  const { images, remarks } = await understoodDrop({ 'set/a.png': IMAGE, 'set/a.zip': zip });
  return { image: images['set/a.png'], remarks };
}

const square: readonly Corner[] = [
  [5, 4],
  [15, 4],
  [15, 10],
  [5, 10],
];
const SQUARE = roi({ type: 0, box: [4, 5, 10, 15], points: square });

describe('ImageJ regions', () => {
  it('reads polygons, freehand and traced outlines, in whole and in parts of pixels', async () => {
    for (const type of [0, 7, 8]) {
      expect((await read(roi({ type, box: [4, 5, 10, 15], points: square }))).image?.objects).toEqual([
        ['foreground', 60, [5, 4, 15, 10]],
      ]);
    }
    const exact = square.map(([x, y]): Corner => [x + 0.75, y + 0.75]);
    expect(
      (await read(roi({ type: 0, options: 128, box: [4, 5, 10, 15], points: exact }))).image?.objects,
    ).toEqual([['foreground', 60, [6, 5, 16, 11]]]);
  });

  it('reads rectangles and ovals, upright and turned', async () => {
    const area = async (region: Region) =>
      (await read(SQUARE, roi(region))).image?.objects.find(([, , [x]]) => x !== 5)?.[1];
    expect(await area({ type: 1, box: [12, 20, 17, 28] })).toBe(40);
    expect(await area({ type: 1, options: 128, floats: [19.6, 11.6, 8, 5] })).toBe(40);
    expect(await area({ type: 2, box: [12, 20, 22, 30] })).toBe(80);
    const turned = await area({ type: 7, subtype: 3, floats: [20, 12, 30, 22], ratio: 0.5 });
    expect(Math.abs((turned ?? 0) / ((Math.PI * 200) / 8) - 1)).toBeLessThan(0.05);
    expect(await area({ type: 7, subtype: 5, floats: [20, 15, 30, 15], ratio: 6 })).toBe(60);
  });

  it('reads paths of several rings, with holes and curves', async () => {
    const ring = (x: number, side: number) => [
      0,
      x,
      x,
      1,
      x + side,
      x,
      1,
      x + side,
      x + side,
      1,
      x,
      x + side,
      4,
    ];
    expect((await read(roi({ type: 1, path: [...ring(2, 20), ...ring(7, 10)] }))).image?.objects).toEqual([
      ['foreground', 300, [2, 2, 22, 22]],
    ]);
    // A quadratic curve over a base of 20 that rises to half of its control point's 20.
    const arch = [0, 5, 25, 2, 15, 5, 25, 25, 4];
    const { image } = await read(roi({ type: 1, path: arch }));
    expect(Math.abs((image?.objects[0]?.[1] ?? 0) / ((2 / 3) * 20 * 10) - 1)).toBeLessThan(0.03);
  });

  it('draws lines of a width, and says of what has no area that it has none', async () => {
    const line = { type: 3, floats: [5, 10, 25, 10] };
    expect((await read(roi({ ...line, strokeWidth: 4 }))).image?.objects[0]?.[2]).toEqual([3, 8, 27, 12]);
    const { image, remarks } = await read(
      roi(line),
      roi({ type: 10, points: [[3, 3]] }),
      roi({ type: 9 }),
      SQUARE,
    );
    expect(image?.objects.length).toBe(1);
    expect(remarks.map((text) => text.replace(/.*: /, ''))).toEqual([
      'a line without a width has no area.',
      'a point has no area.',
      'a angle has no area.',
    ]);
  });

  it('finds the image by the name of the zip, of the region, or as the only one', async () => {
    const zip = await writeZip({ '0001-0002.roi': SQUARE });
    for (const path of ['set/a.zip', 'set/RoiSet_a.zip', 'set/a_rois.zip', 'rois/a.zip', 'set/RoiSet.zip']) {
      const { images } = await understoodDrop({ 'set/a.png': IMAGE, [path]: zip });
      expect([path, images['set/a.png']?.objects.length]).toEqual([path, 1]);
    }
    expect(
      (await understoodDrop({ 'set/a.png': IMAGE, 'set/a.roi': SQUARE })).images['set/a.png']?.objects.length,
    ).toBe(1);
    for (const path of ['set/a_RoiSet.zip', 'set/a-roi-set.zip', 'set/a RoiSet.zip', 'set/a_roi.zip']) {
      const { images } = await understoodDrop({ 'set/a.png': IMAGE, 'set/b.png': IMAGE, [path]: zip });
      expect([path, images['set/a.png']?.objects.length]).toEqual([path, 1]);
    }
    const lost = await understoodDrop({ 'set/a.png': IMAGE, 'set/b.png': IMAGE, 'set/c.zip': zip });
    expect(lost.remarks.filter((text) => text.startsWith('refused'))).toEqual([
      expect.stringMatching(/data\/annotation-image-missing set\/c.zip/),
    ]);
  });

  it('refuses damaged regions', async () => {
    const bad = [
      SQUARE.subarray(0, 70),
      SQUARE.subarray(0, 20),
      new Uint8Array(100),
      roi({ type: 99 }),
      roi({ type: 1, path: [0, 1, 1, 9] }),
      roi({ type: 1, path: [0, 1] }),
      roi({ type: 0, points: square }).fill(255, 36, 40),
    ];
    for (const bytes of bad) {
      const { image, remarks } = await read(bytes);
      expect(image).toBe(null);
      expect(remarks).toEqual([
        expect.stringMatching(/^refused data\/annotation-damaged .*region is damaged/),
      ]);
    }
    expect((await read(roi({ type: 1, options: 128, floats: [Number.NaN, 1, 1, 1] }))).remarks[0]).toMatch(
      /no numbers/,
    );
  });
});
