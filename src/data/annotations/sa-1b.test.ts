/** The run lengths were written by pycocotools from masks of the boxes that are expected here. */
import { describe, expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';

const IMAGE = blankPng(12, 8);
const masks = [':4400000f1', 'a13500000?'].map((counts, id) => ({
  id,
  segmentation: { size: [8, 12], counts },
  bbox: [0, 0, 1, 1],
  area: 1,
  predicted_iou: 0.9,
  stability_score: 0.97,
  crop_box: [0, 0, 12, 8],
  point_coords: [[1, 1]],
}));
const OBJECTS = {
  objects: [
    ['foreground', 16, [1, 2, 5, 6]],
    ['foreground', 12, [6, 1, 10, 4]],
  ],
  ignored: 0,
};

describe('SA-1B', () => {
  it('is read, a file beside each image, the list alone too', async () => {
    const { images, remarks } = await understoodDrop({
      'sa_000020/sa_1.jpg': IMAGE,
      'sa_000020/sa_1.json': {
        image: { image_id: 1, width: 12, height: 8, file_name: 'sa_1.jpg' },
        annotations: masks,
      },
      'sa_000020/mine.jpg': IMAGE,
      'sa_000020/mine.json': masks,
    });
    expect(images).toEqual({ 'sa_000020/sa_1.jpg': OBJECTS, 'sa_000020/mine.jpg': OBJECTS });
    expect(remarks).toEqual([]);
  });

  it('says what of it is damaged', async () => {
    const { images, remarks } = await understoodDrop({
      'sa_1.jpg': IMAGE,
      'sa_1.json': {
        image: { image_id: 1, width: 12, height: 8, file_name: 'sa_1.jpg' },
        annotations: [...masks, { segmentation: { size: [8, 12], counts: '~~' } }, { segmentation: null }],
      },
    });
    expect(images).toEqual({ 'sa_1.jpg': OBJECTS });
    expect(remarks).toEqual([
      'notice data/annotation-object sa_1.json: Left out: annotations[2]: the text of its run lengths is damaged.',
      'notice data/annotation-object sa_1.json: Left out: annotations[3]: it has no segmentation.',
    ]);
  });
});
