import { describe, expect, it } from 'vitest';
import { blankPng } from '../../testing/understood-drop.ts';
import { readDatasets } from '../read-datasets.ts';

const IMAGE = blankPng(20, 10);
const SQUARE = '0 0.1 0.2 0.2 0.2 0.3 0.2 0.3 0.6 0.1 0.6\n';

/** What the splits of the images of each dataset are, and what is said. */
async function splitsOf(files: Readonly<Record<string, Uint8Array | string>>) {
  const dropped = Object.entries(files).map(([path, content]) => {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    return { path, size: bytes.length, bytes: async () => bytes };
  });
  const { datasets, refusals } = await readDatasets(dropped);
  return {
    datasets: datasets.map(
      ({ name, samples }) => `${name}: ${samples.map(({ split }) => split ?? '-').join(' ')}`,
    ),
    said: refusals.map(({ code }) => code),
  };
}

const images = (folder: string, ...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [`${folder}/${name}.png`, IMAGE]));
const labels = (folder: string, ...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [`${folder}/${name}.txt`, SQUARE]));
const coco = (...names: readonly string[]) =>
  JSON.stringify({
    images: names.map((name, id) => ({ id, file_name: `${name}.png`, width: 20, height: 10 })),
    annotations: names.map((_, id) => ({
      id,
      image_id: id,
      category_id: 1,
      segmentation: [[1, 1, 9, 1, 9, 9]],
    })),
    categories: [{ id: 1, name: 'leaf' }],
  });

describe('splits that no folder says', () => {
  it('are those of lists of images, of YOLO and of other sets', async () => {
    const found = await splitsOf({
      ...images('s/images', 'a', 'b', 'c'),
      ...labels('s/labels', 'a', 'b', 'c'),
      's/train.txt': './images/a.png\n./images/b.png\n',
      's/val.txt': 'images/c.png\n',
      's/data.yaml': 'train: train.txt\nval: val.txt\nnames: [leaf]\n',
    });
    expect(found).toEqual({ datasets: ['s: train train val'], said: [] });
  });

  it('are those of the lists for masks before others, and none where two lists differ', async () => {
    const found = await splitsOf({
      ...images('VOC/JPEGImages', 'a', 'b', 'c', 'd'),
      ...images('VOC/SegmentationClass', 'a', 'b', 'c', 'd'),
      'VOC/ImageSets/Segmentation/train.txt': 'a\nd\n',
      'VOC/ImageSets/Segmentation/val.txt': 'b\nd\n',
      'VOC/ImageSets/Segmentation/trainval.txt': 'a\nb\nd\n',
      'VOC/ImageSets/Main/cat_train.txt': 'b  1\nc -1\n',
    });
    expect(found.datasets).toEqual(['VOC: train val train -']);
  });

  it('are those in the names of COCO files', async () => {
    const found = await splitsOf({
      ...images('s/images', 'a', 'b', 'c', 'd'),
      's/set_coco_train.json': coco('a', 'b'),
      's/set_coco_val.json': coco('c', 'd'),
    });
    expect(found).toEqual({ datasets: ['s: train train val val'], said: [] });
  });

  it('are those of the folders that a data.yaml names, which are one dataset', async () => {
    const found = await splitsOf({
      ...images('s/farmA/images', 'a'),
      ...labels('s/farmA/labels', 'a'),
      ...images('s/farmB/images', 'b1', 'b2'),
      ...labels('s/farmB/labels', 'b1', 'b2'),
      ...images('s/farmC/images', 'c1', 'c2'),
      ...labels('s/farmC/labels', 'c1', 'c2'),
      's/data.yaml': 'path: .\ntrain: [farmA/images, ../farmB/images]\nval: farmC/images\nnames: [leaf]\n',
    });
    expect(found).toEqual({ datasets: ['s: train train train val val'], said: [] });
  });

  it('are those of lists side by side, whose images are one dataset', async () => {
    const found = await splitsOf({
      ...images('CRACK500/traincrop', 'a', 'b'),
      ...images('CRACK500/valcrop', 'c', 'd'),
      'CRACK500/train.txt': 'traincrop/a.png traincrop/a_mask.png\ntraincrop/b.png traincrop/b_mask.png\n',
      'CRACK500/val.txt': 'valcrop/c.png valcrop/c_mask.png\nvalcrop/d.png valcrop/d_mask.png\n',
    });
    expect(found).toEqual({ datasets: ['CRACK500: train train val val'], said: [] });
  });

  it('do not change what folders say', async () => {
    const found = await splitsOf({
      ...images('s/train/images', 'a', 'b'),
      ...images('s/val/images', 'c'),
      's/train.txt': 'a.png\nc.png\n',
      's/test.txt': 'b.png\n',
    });
    expect(found.datasets).toEqual(['s: train train val']);
  });
});
