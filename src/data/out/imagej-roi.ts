import { boxOf } from '../labels/runs.ts';
import { writeZip } from '../zip.ts';
import type { LabelledImage, LabelledObject, LabelSet } from './label-set.ts';
import {
  ClassNumbers,
  type ImagePath,
  type OutFile,
  type OutFormat,
  type OutRemarks,
  type OutWriter,
  remarkOnIgnored,
} from './out-format.ts';
import { outlinedParts, type Ring } from './outlines.ts';

/** ImageJ's regions: a zip of the ROI manager for each image. */
export const imagejRoi: OutFormat = {
  id: 'imagej-roi',
  label: 'ImageJ ROI zip',
  help: 'A zip for each image that the ROI manager of ImageJ and Fiji opens; classes are groups, and a property of each region.',
  files: ['a.zip'],
  imageFolder: '',
  open: (set, remarks) => new RoiWriter(set, remarks),
};

class RoiWriter implements OutWriter {
  private readonly classes: ClassNumbers;

  constructor(
    set: LabelSet,
    private readonly remarks: OutRemarks,
  ) {
    this.classes = new ClassNumbers(set);
  }

  async add(image: LabelledImage, { stem }: ImagePath): Promise<OutFile[]> {
    remarkOnIgnored(image, this.remarks);
    // A zip of nothing is none to ImageJ.
    if (image.objects.length === 0) return [];
    const digits = String(image.objects.length).length;
    const rois = image.objects.map((object, i) => {
      const name = String(i + 1).padStart(digits, '0');
      return [`${name}.roi`, roiOf(object, name, this.classes.of(object), image.width)] as const;
    });
    return [{ path: `${stem}.zip`, bytes: await writeZip(Object.fromEntries(rois)) }];
  }

  finish(): [] {
    return [];
  }
}

// Offsets, types and bits of ij.io.RoiDecoder of ImageJ 1.54. All numbers are big-endian.
const VERSION = 228;
const TRACED = 8;
const RECTANGLE = 1;
const HEADER = 64;
const HEADER2 = 64;
/** Coordinates up to which those of 16 bits are safe in all versions. */
const MOST_SHORT = 32_767;

/** A region: a traced outline, or a path of several where there are parts or holes. */
function roiOf(object: LabelledObject, name: string, group: number, width: number): Uint8Array {
  const rings = outlinedParts(object.runs, width).flatMap(({ outer, holes }) => [outer, ...holes]);
  const [x0, y0, x1, y1] = boxOf(object.runs, width) ?? [0, 0, 0, 0];
  const [only = []] = rings;
  const isTraced = rings.length === 1 && only.length <= 2 * 65_535 && Math.max(x1, y1) <= MOST_SHORT;
  const path = isTraced ? [] : pathOf(rings);
  const properties = propertiesOf(object);
  const bodyBytes = isTraced ? 2 * only.length : 4 * path.length;
  const nameAt = HEADER + bodyBytes + HEADER2;
  const propertiesAt = nameAt + 2 * name.length;
  const bytes = new Uint8Array(propertiesAt + 2 * properties.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x49, 0x6f, 0x75, 0x74]);
  view.setInt16(4, VERSION);
  view.setUint8(6, isTraced ? TRACED : RECTANGLE);
  [y0, x0, y1, x1].forEach((value, i) => {
    view.setInt16(8 + 2 * i, value);
  });
  if (isTraced) {
    const count = only.length / 2;
    view.setUint16(16, count);
    for (let i = 0; i < count; i++) {
      view.setInt16(HEADER + 2 * i, (only[2 * i] as number) - x0);
      view.setInt16(HEADER + 2 * (count + i), (only[2 * i + 1] as number) - y0);
    }
  } else {
    view.setInt32(36, path.length);
    path.forEach((value, i) => {
      view.setFloat32(HEADER + 4 * i, value);
    });
  }
  const second = HEADER + bodyBytes;
  view.setInt32(60, second);
  view.setInt32(second + 16, nameAt);
  view.setInt32(second + 20, name.length);
  view.setUint8(second + 30, Math.min(group, 255));
  view.setInt32(second + 40, properties.length === 0 ? 0 : propertiesAt);
  view.setInt32(second + 44, properties.length);
  putText(view, nameAt, name);
  putText(view, propertiesAt, properties);
  return bytes;
}

/** Move to (0), line to (1) and close (4), as `java.awt.geom` numbers them. */
function pathOf(rings: readonly Ring[]): number[] {
  const path: number[] = [];
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i += 2) {
      path.push(i === 0 ? 0 : 1, ring[i] as number, ring[i + 1] as number);
    }
    path.push(4);
  }
  return path;
}

/** As ImageJ writes what `Roi.setProperty` sets: a line for each. */
function propertiesOf({ className, score, origin }: LabelledObject): string {
  const all = { class: className, score, origin };
  return Object.entries(all)
    .map(([key, value]) => (value === undefined ? '' : `${key}: ${String(value).replace(/[\r\n]+/g, ' ')}\n`))
    .join('');
}

function putText(view: DataView, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) view.setUint16(at + 2 * i, text.charCodeAt(i));
}
