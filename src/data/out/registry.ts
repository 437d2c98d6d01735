import { coco, cocoPolygons } from './coco.ts';
import { geojson } from './geojson.ts';
import { imagejRoi } from './imagej-roi.ts';
import { labelme } from './labelme.ts';
import { pngBinary, pngClasses, pngInstances, tiffInstances } from './masks.ts';
import { measurements } from './measurements.ts';
import type { OutFormat } from './out-format.ts';
import { voc } from './voc.ts';
import { yolo } from './yolo.ts';

/** The formats in which labels go out, as they are offered. */
export const outFormats: readonly OutFormat[] = [
  coco,
  cocoPolygons,
  yolo,
  labelme,
  voc,
  pngInstances,
  tiffInstances,
  pngClasses,
  pngBinary,
  imagejRoi,
  geojson,
  measurements,
];
