/** Annotation files of tools whose own form is not read here, but that of another export of theirs. */

/** How the form of a tool is told, and what of it is read. */
interface OtherTool {
  readonly name: string;
  /** Fields by which one of its files is told: all of one of these lists. */
  readonly fields: readonly (readonly string[])[];
  readonly cure: string;
}

const COCO = 'Export the annotations as COCO, and drop that with the images.';
const MASKS = 'Convert it to COCO, or save a mask for each image as PNG, and drop that with the images.';

const TOOLS: readonly OtherTool[] = [
  {
    name: 'a project of VIA 3',
    fields: [['project', 'attribute', 'file', 'metadata', 'view']],
    cure: 'Of VIA the exports of version 2 are read: annotations as JSON, CSV or COCO.',
  },
  { name: 'of Hasty', fields: [['export_format_version', 'label_classes', 'images']], cure: COCO },
  {
    name: 'of V7 (Darwin JSON)',
    fields: [
      ['item', 'annotations'],
      ['dataset', 'image', 'annotations'],
    ],
    cure: COCO,
  },
  {
    name: 'of CreateML',
    fields: [['image', 'annotations']],
    cure: 'It holds boxes, which do not say which pixels are the object: outline the objects, and export the set as COCO with segmentations.',
  },
  {
    name: 'of SuperAnnotate',
    fields: [['metadata', 'instances']],
    cure: 'Convert it to COCO with the Python SDK of SuperAnnotate, and drop that with the images.',
  },
  {
    name: 'of Labelbox',
    fields: [
      ['data_row', 'projects'],
      ['Labeled Data', 'Label'],
    ],
    cure: MASKS,
  },
  { name: 'of Datumaro', fields: [['categories', 'items']], cure: COCO },
  { name: 'of Encord', fields: [['label_hash', 'data_units']], cure: COCO },
  { name: 'of Kili', fields: [['externalId', 'labels']], cure: COCO },
  { name: 'of Scale', fields: [['task_id', 'response']], cure: MASKS },
  {
    name: 'a release of Segments.ai',
    fields: [['name', 'description', 'dataset']],
    cure: 'Export it with the Python SDK of Segments.ai as COCO (coco-instance) or as PNG, and drop that with the images.',
  },
  {
    name: 'the outlines of Cityscapes',
    fields: [['imgHeight', 'imgWidth', 'objects']],
    cure: 'Drop the images with their masks (_gtFine_instanceIds.png); where there are outlines alone, make these with cityscapesScripts (csCreateTrainIdInstanceImgs).',
  },
];

/** The tool that a JSON is of, and what to do; undefined for none that is known. A list is told by its first entry. */
export function otherTool(json: unknown): Pick<OtherTool, 'name' | 'cure'> | undefined {
  const one: unknown = Array.isArray(json) ? json[0] : json;
  if (typeof one !== 'object' || one === null) return undefined;
  return TOOLS.find(({ fields }) => fields.some((all) => all.every((field) => Object.hasOwn(one, field))));
}
