import { ade20k } from './ade20k.ts';
import type { AnnotationFormat } from './annotation-format.ts';
import { aperioXml } from './aperio-xml.ts';
import { asapXml } from './asap-xml.ts';
import { coco } from './coco.ts';
import { colourJson } from './colour-json.ts';
import { colourTable } from './colour-table.ts';
import { cvatXml } from './cvat-xml.ts';
import { dota } from './dota.ts';
import { geojson } from './geojson.ts';
import { hubmap } from './hubmap.ts';
import { imagejRoi } from './imagej-roi.ts';
import { labelIds } from './label-ids.ts';
import { labelStudio } from './label-studio.ts';
import { labelme } from './labelme.ts';
import { imageLists, labelNames, maskClassesCsv, nnunet } from './mask-classes.ts';
import { napariCsv } from './napari-csv.ts';
import { rleCsv } from './rle-csv.ts';
import { sa1b } from './sa-1b.ts';
import { supervisely } from './supervisely.ts';
import { viaCsv, viaJson } from './via.ts';
import { vocXml } from './voc-xml.ts';
import { yolo } from './yolo.ts';

/** The annotation formats that are read. The first one that recognises a file reads it. */
export const annotationFormats: readonly AnnotationFormat[] = [
  coco,
  sa1b,
  labelme,
  labelStudio,
  supervisely,
  hubmap,
  geojson,
  viaJson,
  nnunet,
  ade20k,
  colourJson,
  labelIds,
  cvatXml,
  asapXml,
  aperioXml,
  vocXml,
  imageLists,
  rleCsv,
  napariCsv,
  dota,
  colourTable,
  labelNames,
  yolo,
  maskClassesCsv,
  viaCsv,
  imagejRoi,
];
