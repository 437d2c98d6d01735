import { refuse } from '../outcome.ts';
import {
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  NO_AREA,
  ObjectFaults,
} from './annotation-format.ts';
import { polygon, rectangle, type Shape, turnedRectangle } from './shape.ts';

/** ImageJ: a file for each region, alone or in the zip of the ROI manager, which has the name of its image. */
export const imagejRoi: AnnotationFormat = {
  id: 'imagej-roi',
  name: 'ImageJ ROI',
  extensions: ['roi'],
  recognises: () => true,
  read: readRoi,
};

const CURE = 'Outline it with a polygon or freehand selection in ImageJ.';

function readRoi({ path, bytes, folder }: AnnotationSource): AnnotationContent {
  const shape = roiShape(bytes, path);
  const faults = new ObjectFaults();
  if (typeof shape === 'string') faults.add(shape, path.replace(/.*\//, ''), CURE);
  const zip = folder.replace(/\.zip$/i, '');
  const bare = zip.replace(/[ _.-]*roi[ _-]?set$|[ _.-]+rois?$|(?<=\/|^)roi[ _-]?set[ _.-]*/i, '');
  const isZipped = /\.zip$/i.test(folder);
  const above = folder.includes('/') ? folder.replace(/\/[^/]*$/, '') : '';
  return {
    images: [
      {
        reference: {
          stems: [...(isZipped ? [] : [path.replace(/\.roi$/i, '')]), zip, bare],
          onlyImageOf: above,
        },
        objects:
          typeof shape === 'string'
            ? []
            : [{ shape, ...classOf(bytes), ...(isBox(bytes) ? { isBox: true } : {}) }],
        isUnusable: typeof shape === 'string',
        ...(isZipped ? { shownAs: folder } : {}),
      },
    ],
    remarks: faults.remarks(path, false),
  };
}

// Offsets, types and bits of ij.io.RoiDecoder of ImageJ 1.54. All numbers are big-endian.
const VERSION = 4;
const TYPE = 6;
const TOP = 8;
const COUNT = 16;
const FLOATS = 18;
const STROKE_WIDTH = 34;
const COMPOSITE_COUNT = 36;
const SUBTYPE = 48;
const OPTIONS = 50;
const RATIO = 52;
const HEADER2 = 60;
const COORDINATES = 64;
// Within the second header.
const PROPERTIES = 40;
const PROPERTIES_LENGTH = 44;
const SUBPIXEL = 128;
const TYPES = [
  'polygon',
  'rectangle',
  'oval',
  'line',
  'freeline',
  'polyline',
  'selection of nothing',
  'freehand',
  'traced',
  'angle',
  'point',
] as const;
const ELLIPSE = 3;
const ROTATED_RECTANGLE = 5;

const isBox = (bytes: Uint8Array) => bytes[TYPE] === 1 && viewOf(bytes).getInt32(COMPOSITE_COUNT) === 0;

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A property "class: name" of the region, which is how the studio writes classes; ImageJ itself has none. */
function classOf(bytes: Uint8Array): { className?: string } {
  const view = viewOf(bytes);
  const header2 = view.getInt32(HEADER2);
  if (header2 < COORDINATES || header2 + PROPERTIES_LENGTH + 4 > view.byteLength) return {};
  const at = view.getInt32(header2 + PROPERTIES);
  const length = view.getInt32(header2 + PROPERTIES_LENGTH);
  if (at < COORDINATES || length <= 0 || at + 2 * length > view.byteLength) return {};
  const text = new TextDecoder('utf-16be').decode(bytes.subarray(at, at + 2 * length));
  const className = /^class\s*[:=]\s*(.*\S)/im.exec(text)?.[1];
  return className === undefined ? {} : { className };
}

/** Numbers of 16 bits are taken as ImageJ takes them: under -5000 they are unsigned. */
function short(view: DataView, at: number): number {
  const value = view.getInt16(at);
  return value < -5000 ? value + 65_536 : value;
}

/**
 * The shape of a region, or why it is none.
 * @throws Failure naming `file` when it is damaged.
 */
function roiShape(bytes: Uint8Array, file: string): Shape | string {
  const isRoi = String.fromCharCode(...bytes.subarray(0, 4)) === 'Iout';
  if (!isRoi || bytes.length < COORDINATES)
    throw damagedRoi(file, isRoi ? 'it ends early' : 'it does not begin with Iout');
  const view = viewOf(bytes);
  const type = TYPES[view.getUint8(TYPE)];
  if (type === undefined) throw damagedRoi(file, `its type is ${view.getUint8(TYPE)}`);
  const version = view.getInt16(VERSION);
  const isSubpixel = (view.getInt16(OPTIONS) & SUBPIXEL) !== 0;
  const composite = view.getInt32(COMPOSITE_COUNT);
  if (composite !== 0) {
    if (composite < 0 || COORDINATES + 4 * composite > bytes.length) throw damagedRoi(file, 'it ends early');
    return compositeShape(view, composite, file);
  }
  const floats = (count: number) => Array.from({ length: count }, (_, i) => view.getFloat32(FLOATS + 4 * i));
  const [top = 0, left = 0, bottom = 0, right = 0] = [0, 2, 4, 6].map((at) => short(view, TOP + at));
  switch (type) {
    case 'rectangle':
    case 'oval': {
      const isExact = isSubpixel && version >= 223;
      const [x = 0, y = 0, width = 0, height = 0] = isExact
        ? floats(4)
        : [left, top, right - left, bottom - top];
      if (![x, y, width, height].every(isCoordinate)) return 'its coordinates are no numbers';
      if (type === 'rectangle') return rectangle(x, y, x + width, y + height);
      return {
        kind: 'ellipse',
        x: x + width / 2,
        y: y + height / 2,
        radiusX: width / 2,
        radiusY: height / 2,
        angle: 0,
      };
    }
    case 'polygon':
    case 'freehand':
    case 'traced': {
      const subtype = view.getInt16(SUBTYPE);
      if (type === 'freehand' && (subtype === ELLIPSE || subtype === ROTATED_RECTANGLE)) {
        return alongAxis([...floats(4), view.getFloat32(RATIO)], subtype);
      }
      const points = coordinates(view, { left, top, isSubpixel: isSubpixel && version >= 222, file });
      if (typeof points === 'string') return points;
      return points.length < 6 ? `it has ${points.length / 2} points, fewer than 3` : polygon(points);
    }
    case 'line':
    case 'freeline':
    case 'polyline': {
      const width = view.getInt16(STROKE_WIDTH);
      if (width < 2) return `a ${type} without a width ${NO_AREA}`;
      const points =
        type === 'line'
          ? Float64Array.from(floats(4))
          : coordinates(view, { left, top, isSubpixel: isSubpixel && version >= 222, file });
      if (typeof points === 'string' || !points.every(isCoordinate)) return 'its coordinates are no numbers';
      return { kind: 'stroke', points, width };
    }
    case 'selection of nothing':
    case 'angle':
    case 'point':
      return `a ${type} ${NO_AREA}`;
  }
}

/** An ellipse by the ends of its long axis and the ratio of its axes, or a rectangle by its middle line and width. */
function alongAxis(values: readonly number[], subtype: number): Shape | string {
  if (!values.every(isCoordinate)) return 'its coordinates are no numbers';
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0, last = 0] = values;
  const length = Math.hypot(x1 - x0, y1 - y0);
  const angle = Math.atan2(y1 - y0, x1 - x0);
  if (subtype === ELLIPSE) {
    const radius = length / 2;
    return {
      kind: 'ellipse',
      x: (x0 + x1) / 2,
      y: (y0 + y1) / 2,
      radiusX: radius,
      radiusY: radius * last,
      angle,
    };
  }
  return turnedRectangle({ x: x0, y: y0 - last / 2, width: length, height: last }, angle, { x: x0, y: y0 });
}

function coordinates(
  view: DataView,
  { left, top, isSubpixel, file }: { left: number; top: number; isSubpixel: boolean; file: string },
): Float64Array | string {
  const count = view.getUint16(COUNT);
  const start = COORDINATES + (isSubpixel ? 4 * count : 0);
  const bytes = isSubpixel ? 4 : 2;
  if (start + 2 * bytes * count > view.byteLength) throw damagedRoi(file, 'it ends early');
  const points = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) {
    const [x, y] = [start + bytes * i, start + bytes * (count + i)];
    points[2 * i] = isSubpixel ? view.getFloat32(x) : left + short(view, x);
    points[2 * i + 1] = isSubpixel ? view.getFloat32(y) : top + short(view, y);
  }
  return points.every(isCoordinate) ? points : 'its coordinates are no numbers';
}

/** Numbers that follow each kind of piece of a path: move, line, quadratic and cubic curve, close. */
const PIECES = [2, 2, 4, 6, 0] as const;
/** Straight lines that a curve becomes. */
const CURVE_STEPS = 12;

/** A path of several rings, holes among them. */
function compositeShape(view: DataView, count: number, file: string): Shape | string {
  const rings: number[][] = [];
  let ring: number[] = [];
  for (let at = 0; at < count; ) {
    const kind = view.getFloat32(COORDINATES + 4 * at++);
    const length = PIECES[kind];
    if (length === undefined || at + length > count) throw damagedRoi(file, 'its path is damaged');
    const numbers = Array.from({ length }, (_, i) => view.getFloat32(COORDINATES + 4 * (at + i)));
    at += length;
    if (!numbers.every(isCoordinate)) return 'its coordinates are no numbers';
    if (kind === 0) {
      ring = numbers;
      rings.push(ring);
    } else if (kind !== 4) {
      for (const value of curve(ring.slice(-2), numbers)) ring.push(value);
    }
  }
  const whole = rings.filter(({ length }) => length >= 6);
  return whole.length > 0
    ? { kind: 'polygon', rings: whole.map((each) => Float64Array.from(each)) }
    : 'its path has no ring';
}

/** Points of a Bézier curve of degree 1, 2 or 3 after its start, by de Casteljau. */
function curve(start: readonly number[], numbers: readonly number[]): number[] {
  const steps = numbers.length === 2 ? 1 : CURVE_STEPS;
  const out: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const t = step / steps;
    let points = [...start, ...numbers];
    while (points.length > 2) {
      const from = points;
      points = from.slice(2).map((value, i) => (1 - t) * (from[i] ?? 0) + t * value);
    }
    out.push(...points);
  }
  return out;
}

const isCoordinate = (value: number) => Math.abs(value) <= 1e7;

function damagedRoi(file: string, detail: string) {
  return refuse(
    'data/annotation-damaged',
    file,
    `This ImageJ region is damaged (${detail}).`,
    'Save it again in the ROI manager of ImageJ.',
  );
}
