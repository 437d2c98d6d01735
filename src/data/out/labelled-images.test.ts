import { expect, test } from 'vitest';
import { understoodDrop } from '../../testing/understood-drop.ts';
import { encodeImagePng, encodeMaskPng } from '../encode-png.ts';
import { inspectDataset } from '../inspect.ts';
import { readDatasets } from '../read-datasets.ts';
import { labelledImages, labelSetOf } from './labelled-images.ts';
import { OutRemarks } from './out-format.ts';
import { outFormats } from './registry.ts';
import { writeLabels } from './write-labels.ts';

const SIZE = { width: 12, height: 10 };
const image = encodeImagePng({
  ...SIZE,
  channels: 3,
  data: Uint8Array.from({ length: 360 }, (_, i) => (i * 89) % 251),
});
const labels = encodeMaskPng({
  ...SIZE,
  data: Int32Array.from({ length: 120 }, (_, i) => (i % 12 < 3 ? 1 : i % 12 > 8 ? 3 : i < 12 ? 200 : 0)),
});

/** A dataset of four classes, of which the second has no object. */
async function dropped(settings: object) {
  const files: Record<string, Uint8Array> = {
    'set/images/a.png': image,
    'set/labels/a.png': labels,
    'set/dataset.json': new TextEncoder().encode(JSON.stringify(settings)),
  };
  const { datasets } = await readDatasets(
    Object.entries(files).map(([path, bytes]) => ({ path, size: bytes.length, bytes: async () => bytes })),
  );
  const [dataset] = datasets;
  if (!dataset) throw new Error('no dataset');
  const inspected = await inspectDataset(dataset);
  return { dataset: inspected.dataset, labels: inspected.summary.labels };
}

const NAMED = {
  classNames: { 0: 'nothing', 1: 'cell', 2: 'dead', 3: 'debris', 200: 'unclear' },
  ignore: [200],
};

test('a class without objects keeps its place, so that others keep their numbers', async () => {
  const labelled = await dropped(NAMED);
  expect(labelled.labels).toEqual([1, 3]);
  expect(labelSetOf(labelled).classes).toEqual(['cell', 'dead', 'debris']);
});

test.each(outFormats.filter(({ id }) => ['coco', 'yolo', 'png-classes'].includes(id)))(
  'its numbers are the same as $id',
  async (format) => {
    const labelled = await dropped(NAMED);
    const files: Record<string, Uint8Array> = {};
    const options = { format, set: labelSetOf(labelled), withImages: true, remarks: new OutRemarks() };
    for await (const { path, bytes } of writeLabels(labelledImages(labelled), options)) files[path] = bytes;
    const text = (path: string) => new TextDecoder().decode(files[path]);
    switch (format.id) {
      case 'coco': {
        const { annotations } = JSON.parse(text('annotations.json'));
        const ids = annotations.map(({ category_id }: { category_id: number }) => category_id);
        expect(new Set(ids)).toEqual(new Set([1, 3]));
        break;
      }
      case 'yolo':
        expect(text('labels/a.txt').match(/^\d+/gm)?.sort()).toEqual(['0', '2']);
        break;
      default:
        expect(text('class_names.txt').split('\n').slice(1, 4)).toEqual(['cell', 'dead', 'debris']);
    }
    const { images } = await understoodDrop(files);
    const [found] = Object.values(images);
    expect(found?.objects.map(([name]) => name).sort()).toEqual(['cell', 'debris']);
  },
);
