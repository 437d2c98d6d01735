import { textOfCounts } from '../annotations/run-lengths.ts';
import { RunCounter } from '../annotations/shape.ts';
import { areaOf, boxOf } from '../labels/runs.ts';
import type { Runs } from '../labels/types.ts';
import { boxedMask } from './boxed-mask.ts';
import type { LabelledImage, LabelledObject, LabelSet } from './label-set.ts';
import { ClassNumbers, type OutFormat, type OutRemarks, type OutWriter, textFile } from './out-format.ts';
import { joinedRing, outlinedParts } from './outlines.ts';

/** COCO with run lengths, as pycocotools and detection frameworks read it. */
export const coco: OutFormat = {
  id: 'coco',
  label: 'COCO, run lengths',
  help: 'One JSON for all images, exact to the pixel: for pycocotools, Detectron2, MMDetection, FiftyOne.',
  files: ['annotations.json'],
  imageFolder: 'images',
  open: (set) => new CocoWriter(set, runLengths),
};

/** COCO with polygons, for tools that read or edit nothing else. */
export const cocoPolygons: OutFormat = {
  id: 'coco-polygons',
  label: 'COCO, polygons',
  help: 'One JSON for all images, outlines along the edges of pixels: for annotation tools (CVAT, Roboflow, Label Studio).',
  files: ['annotations.json'],
  imageFolder: 'images',
  open: (set, remarks) =>
    new CocoWriter(set, ({ runs }, { name, width }) => {
      const parts = outlinedParts(runs, width);
      remarkOnHoles(
        name,
        parts.some(({ holes }) => holes.length > 0),
        remarks,
      );
      return parts.map(({ outer, holes }) => joinedRing([outer, ...holes]));
    }),
};

function remarkOnHoles(image: string, hasHoles: boolean, remarks: OutRemarks): void {
  remarks.add(
    'out/holes',
    image,
    hasHoles ? 1 : 0,
    (count) =>
      `${count === 1 ? 'An object has' : `${count} objects have`} holes, which polygons of COCO cannot say: each hole is joined to its outline by a line without width, which some programs draw.`,
    'Use COCO with run lengths where the pixels have to be exact everywhere.',
  );
}

/** What "segmentation" says of an object. */
type Segmentation = (object: LabelledObject, image: LabelledImage) => unknown;

class CocoWriter implements OutWriter {
  private readonly classes: ClassNumbers;
  private readonly images: string[] = [];
  private readonly annotations: string[] = [];

  constructor(
    private readonly set: LabelSet,
    private readonly segmentation: Segmentation,
  ) {
    this.classes = new ClassNumbers(set);
  }

  add(image: LabelledImage, { path }: { readonly path: string }): [] {
    const { width, height, objects, ignored } = image;
    const imageId = this.images.length + 1;
    this.images.push(JSON.stringify({ id: imageId, file_name: path, width, height }));
    for (const object of objects) this.annotate(object, image, imageId);
    if (ignored && ignored.length > 0) {
      const [className = 'object'] = this.classes.names;
      this.annotate({ runs: ignored, className }, image, imageId, true);
    }
    return [];
  }

  finish() {
    const categories = this.classes.names.map((name, i) => JSON.stringify({ id: i + 1, name }));
    const list = (items: readonly string[]) => (items.length === 0 ? '[]' : `[\n${items.join(',\n')}\n]`);
    const info = JSON.stringify({ description: this.set.name });
    const parts = [
      `"info": ${info}`,
      `"categories": ${list(categories)}`,
      `"images": ${list(this.images)}`,
      `"annotations": ${list(this.annotations)}`,
    ];
    return [textFile('annotations.json', `{\n${parts.join(',\n')}\n}\n`)];
  }

  private annotate(object: LabelledObject, image: LabelledImage, imageId: number, isCrowd = false): void {
    const [x0, y0, x1, y1] = boxOf(object.runs, image.width) ?? [0, 0, 0, 0];
    const { score, origin } = object;
    this.annotations.push(
      JSON.stringify({
        id: this.annotations.length + 1,
        image_id: imageId,
        category_id: this.classes.of(object),
        // Crowds are run lengths in any COCO.
        segmentation: isCrowd ? runLengths(object, image) : this.segmentation(object, image),
        area: areaOf(object.runs),
        bbox: [x0, y0, x1 - x0, y1 - y0],
        iscrowd: isCrowd ? 1 : 0,
        ...(score === undefined ? {} : { score }),
        ...(origin === undefined ? {} : { attributes: { origin } }),
      }),
    );
  }
}

function runLengths({ runs }: LabelledObject, { width, height }: LabelledImage) {
  return { size: [height, width], counts: textOfCounts(countsByColumns(runs, width, height)) };
}

/** Lengths of background, object, background … pixels, counted down the columns. */
function countsByColumns(runs: Runs, width: number, height: number): Int32Array {
  const { box, bits, width: across, height: down } = boxedMask(runs, width);
  const [left, top] = box;
  const counter = new RunCounter();
  // Background is kept back until an object's pixel follows: of length 0 it would begin no run.
  let background = left * height;
  for (let x = 0; x < across; x++) {
    background += top;
    for (let y = 0; y < down; y++) {
      if (bits[y * across + x]) {
        if (background > 0) counter.add(0, background);
        background = 0;
        counter.add(1);
      } else background++;
    }
    background += height - top - down;
  }
  background += (width - left - across) * height;
  if (background > 0) counter.add(0, background);
  return counter.finish();
}
