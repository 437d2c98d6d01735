/**
 * Runs were written by Kaggle's usual encoder in NumPy (`m.T.flatten()` for columns, `m.flatten()` for rows, changes
 * of value as start and length) from masks of the boxes that are expected here.
 */
import { describe, expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';
import { withRunOrder } from '../dataset-runs.ts';
import { encodeImagePng } from '../encode-png.ts';
import { inspectDataset } from '../inspect.ts';
import { readDatasets } from '../read-datasets.ts';

/** 12 × 8 pixels. */
const IMAGE = blankPng(12, 8);
const A = { box: [1, 2, 5, 6], columns: '11 4 19 4 27 4 35 4', rows: '26 4 38 4 50 4 62 4' } as const;
const B = { box: [6, 1, 10, 4], columns: '50 3 58 3 66 3 74 3', rows: '19 4 31 4 43 4' } as const;
const BOTH = {
  columns: '11 4 19 4 27 4 35 4 50 3 58 3 66 3 74 3',
  rows: '19 4 26 4 31 4 38 4 43 4 50 4 62 4',
} as const;
const [ONE, OTHER] = [
  [16, A.box],
  [12, B.box],
] as const;

const csv = (...lines: readonly string[]) => `${lines.join('\n')}\n`;

async function drop(files: Readonly<Record<string, unknown>>) {
  const { images, remarks } = await understoodDrop(files);
  const objects = Object.fromEntries(
    Object.entries(images).map(([path, image]) => [path, image?.objects ?? null]),
  );
  return { objects, remarks };
}

/** Only areas and boxes. */
async function boxes(files: Readonly<Record<string, unknown>>) {
  const { objects, remarks } = await drop(files);
  const own = Object.entries(objects).map(([path, all]) => [path, all?.map(([, ...one]) => one) ?? null]);
  return { boxes: Object.fromEntries(own), remarks };
}

describe('CSV of run lengths', () => {
  it.each([
    ['ImageId,EncodedPixels', 'columns', `a,${A.columns}`, `a,${B.columns}`],
    ['\uFEFFImageId, EncodedPixels', 'columns', `a.png,${A.columns}`, `a.png,${B.columns}`],
    ['img,rle_mask', 'rows', `a.png,${A.rows}`, `a.png,${B.rows}`],
    ['image_path,rle', 'columns', `train/a.png,${A.columns}`, `train/a.png,${B.columns}`],
    ['id,rle_mask', 'columns', `a,${A.columns}`, `a,${B.columns}`],
    ['id,encoding', 'columns', `a,"${A.columns}"`, `a,"${B.columns}"`],
    ['id,annotation,width,height,cell_type', 'rows', `a,${A.rows},12,8,x`, `a,${B.rows},12,8,x`],
    ['id,organ,img_height,img_width,rle', 'columns', `a,lung,8,12,${A.columns}`, `a,lung,8,12,${B.columns}`],
    ['ImageId,EncodedPixels', 'from 0', 'a,10 4 18 4 26 4 34 4', 'a,0 1'],
  ])('reads %s, %s', async (header, order, ...rows) => {
    const { boxes: found, remarks } = await boxes({
      'train.csv': csv(header, ...rows),
      'train/a.png': IMAGE,
    });
    const other = order === 'from 0' ? [1, [0, 0, 1, 1]] : OTHER;
    expect(found).toEqual({ 'train/a.png': [ONE, other] });
    expect(remarks).toEqual([]);
  });

  it('reads the same with tabs, as .tsv', async () => {
    const { boxes: found, remarks } = await boxes({
      'train.tsv': csv('ImageId\tEncodedPixels', `a\t${A.columns}`, `a\t${B.columns}`),
      'train/a.png': IMAGE,
    });
    expect(found).toEqual({ 'train/a.png': [ONE, OTHER] });
    expect(remarks).toEqual([]);
  });

  it('counts as objects what touches where no image has two rows of one class', async () => {
    const { objects, remarks } = await drop({
      'train.csv': csv(
        'ImageId_ClassId,EncodedPixels',
        `a.png_1,${BOTH.columns}`,
        'a.png_3,81 2 89 2',
        'b.png_1,',
        'b.png_3,',
      ),
      'train_images/a.png': IMAGE,
      'train_images/b.png': IMAGE,
    });
    expect(objects).toEqual({
      'train_images/a.png': [
        ['class 1', ...ONE],
        ['class 1', ...OTHER],
        ['class 3', 4, [10, 0, 12, 2]],
      ],
      'train_images/b.png': [],
    });
    expect(remarks).toEqual([]);
  });

  it('reads classes in a column of their own, and names behind an id', async () => {
    const ofColumn = await drop({
      'train.csv': csv('ImageId,ClassId,EncodedPixels', `a.png,3,${A.columns}`, `a.png,4,${B.columns}`),
      'a.png': IMAGE,
    });
    expect(ofColumn.objects['a.png']).toEqual([
      ['class 3', ...ONE],
      ['class 4', ...OTHER],
    ]);
    const ofId = await drop({
      'train.csv': csv('Image_Label,EncodedPixels', `a.png_Fish,${A.columns}`, `a.png_Big_one,${B.columns}`),
      'a.png': IMAGE,
    });
    expect(ofId.objects['a.png']).toEqual([
      ['Fish', ...ONE],
      ['Big_one', ...OTHER],
    ]);
  });

  it('finds images in a folder of each, and by ids that are joined of folder and name', async () => {
    const nuclei = await boxes({
      'stage1_train_labels.csv': csv('ImageId,EncodedPixels', `a1,${A.columns}`, `b2,${B.columns}`),
      'stage1_train/a1/images/a1.png': IMAGE,
      'stage1_train/b2/images/b2.png': IMAGE,
    });
    expect(nuclei.boxes).toEqual({
      'stage1_train/a1/images/a1.png': [ONE],
      'stage1_train/b2/images/b2.png': [OTHER],
    });
    const folder = (day: number) => `train/case1/case1_day${day}/scans`;
    const scans = await boxes({
      'train.csv': csv(
        'id,class,segmentation',
        'case1_day2_slice_0001,stomach,',
        `case1_day2_slice_0002,stomach,${A.rows}`,
        `case1_day20_slice_0002,stomach,${B.rows}`,
      ),
      [`${folder(2)}/slice_0001_12_8_1.50_1.50.png`]: IMAGE,
      [`${folder(2)}/slice_0002_12_8_1.50_1.50.png`]: IMAGE,
      [`${folder(20)}/slice_0002_12_8_1.50_1.50.png`]: IMAGE,
      [`${folder(20)}/slice_00021_12_8_1.50_1.50.png`]: IMAGE,
    });
    expect(scans.boxes).toEqual({
      [`${folder(2)}/slice_0001_12_8_1.50_1.50.png`]: [],
      [`${folder(2)}/slice_0002_12_8_1.50_1.50.png`]: [ONE],
      [`${folder(20)}/slice_0002_12_8_1.50_1.50.png`]: [OTHER],
      [`${folder(20)}/slice_00021_12_8_1.50_1.50.png`]: null,
    });
    expect(scans.remarks).toEqual([]);
  });

  it.each([
    ['columns', '8 3 16 3 24 3 32 3'],
    ['rows', '12 4 24 4 36 4'],
  ])('counts from 0 where runs from 1 would go on into the next line, %s', async (order, runs) => {
    // Of an object at the edge where lines begin, and of one in the middle.
    const inner = order === 'rows' ? B.rows : B.columns;
    const shifted = (text: string, by: number) =>
      text
        .split(' ')
        .map((number, i) => (i % 2 === 0 ? Number(number) + by : number))
        .join(' ');
    const table = (by: number) =>
      csv('ImageId,EncodedPixels', `a,${shifted(runs, by)}`, `a,${shifted(inner, by - 1)}`);
    const edge = order === 'rows' ? [12, [0, 1, 4, 4]] : [12, [1, 0, 5, 3]];
    for (const by of [0, 1]) {
      const { boxes: found, remarks } = await boxes({ 'train.csv': table(by), 'a.png': IMAGE });
      expect([by, found, remarks]).toEqual([by, { 'a.png': [edge, OTHER] }, []]);
    }
  });

  it('scales runs that say the size of their image', async () => {
    const { boxes: found } = await boxes({
      'train.csv': csv('id,annotation,width,height', `a,${A.rows},12,8`),
      'a.png': blankPng(24, 16),
    });
    expect(found).toEqual({ 'a.png': [[64, [2, 4, 10, 12]]] });
  });

  it('leaves out rows that are no runs, images of another size, and placeholders', async () => {
    const { boxes: found, remarks } = await boxes({
      'train.csv': csv(
        'ImageId,EncodedPixels',
        `a.png,${A.columns}`,
        'a.png,5 3 2 2',
        'a.png,5 3 6 2',
        'a.png,5 3 9',
        'a.png,5 -3',
        'a.png,1e400 2',
        'a.png,999999999 2',
        'b.png,95 3',
        'c.png,-1',
      ),
      'sample_submission.csv': csv('ImageId,EncodedPixels', 'c.png,1 2'),
      'a.png': IMAGE,
      'b.png': IMAGE,
      'c.png': IMAGE,
    });
    expect(found).toEqual({ 'a.png': [ONE], 'b.png': null, 'c.png': [] });
    expect(remarks.toSorted()).toEqual([
      'notice data/annotation-object train.csv: Left out: 2 objects, the first being row 3 (a.png): its runs overlap or do not ascend.',
      'notice data/annotation-object train.csv: Left out: 3 objects, the first being row 5 (a.png): its runs are no pairs of whole numbers.',
      'notice data/annotation-object train.csv: Left out: row 8 (a.png): its runs go beyond the pixels of any image.',
      'notice data/annotation-placeholder sample_submission.csv: This is a sample of a submission, whose runs are placeholders: it is left out.',
      'refused data/annotation-size train.csv: Its runs go beyond the pixels of an image: b.png (12 × 8 pixels).',
    ]);
  });

  const normal = Array.from({ length: 300 }, (_, i) => `set/images/normal/${i}.png,normal,`);
  it.each([
    ['other text', csv('id,annotation', 'a,looks fine', 'b,1 2')],
    ['paths of masks', csv('image,label,mask', 'a.png,normal,', 'b.png,broken,masks/b.png')],
    ['paths of masks, far down', csv('image,label,mask', 'a.png,normal,', ...normal, 'b.png,x,masks/b.png')],
    ['nothing', csv('image,label,mask', 'a.png,normal,')],
  ])('leaves a table alone that has %s in such columns', async (_, table) => {
    const { objects, remarks } = await drop({ 'notes.csv': table, 'a.png': IMAGE });
    expect(objects).toEqual({ 'a.png': null });
    expect(remarks).toEqual(['refused data/not-an-image notes.csv: This is a .csv file, not an image.']);
  });

  it('reads runs that begin far down', async () => {
    const empty = Array.from({ length: 300 }, (_, i) => `case1_day2_slice_${i},stomach,`);
    const table = csv('id,class,segmentation', ...empty, `a,stomach,${A.rows}`);
    const { boxes: found } = await boxes({ 'train.csv': table, 'a.png': IMAGE });
    expect(found).toEqual({ 'a.png': [ONE] });
  });

  it('knows a sample of a submission by its name, whatever its column is called', async () => {
    const { remarks } = await drop({ 'sample_submission.csv': csv('id,predicted', 'a,1 6'), 'a.png': IMAGE });
    expect(remarks.join()).toMatch(/^notice data\/annotation-placeholder/);
  });
});

/** Squares of 10 × 4 pixels, each brighter than the grey around it, on the given side of an image's diagonal. */
function bright(side: number, corner: readonly [x: number, y: number]): Uint8Array {
  const data = new Uint8Array(3 * side * side).fill(60);
  const [x0, y0] = corner;
  for (let y = y0; y < y0 + 4; y++) data.fill(200, 3 * (y * side + x0), 3 * (y * side + x0 + 10));
  return encodeImagePng({ width: side, height: side, channels: 3, data });
}

describe('the order of runs in square images', () => {
  const Side = 24;
  const corners = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((i): readonly [number, number] => [12 + (i % 3), i]);
  const rows = corners.map(([x, y], i) => {
    const runs = [0, 1, 2, 3].map((row) => `${(y + row) * Side + x + 1} 10`);
    return `${i},${runs.join(' ')}`;
  });
  const file = (path: string, bytes: Uint8Array) => ({ path, bytes: async () => bytes });
  const text = (lines: readonly string[]) => new TextEncoder().encode(csv('ImageId,EncodedPixels', ...lines));

  async function inspected(images: readonly Uint8Array[], settings?: object) {
    const { datasets } = await readDatasets([
      file('set/train.csv', text(rows.slice(0, images.length))),
      ...images.map((bytes, i) => file(`set/train/${i}.png`, bytes)),
      ...(settings ? [file('set/dataset.json', new TextEncoder().encode(JSON.stringify(settings)))] : []),
    ]);
    const [dataset] = datasets;
    if (!dataset) throw new Error('no dataset');
    return { found: dataset, ...(await inspectDataset(dataset, { listObjects: true })) };
  }

  it('is told by what stands out in the images', async () => {
    const { objects, evidence, refusals } = await inspected(corners.map((corner) => bright(Side, corner)));
    expect(objects.map(([one]) => one?.box.slice(0, 2))).toEqual(corners);
    expect(evidence).toContain(
      'The runs go along the rows: so 10 of 10 objects that were looked at stand out more from the image around them than down the columns.',
    );
    expect(refusals).toEqual([]);
  });

  it('is said to be open where nothing tells it, and follows what a person chooses', async () => {
    const plain = corners.slice(0, 3).map(() => blankPng(Side, Side));
    const open = await inspected(plain);
    expect(open.objects[0]?.[0]?.box).toEqual([0, 12, 4, 22]);
    expect(open.refusals).toMatchObject([{ code: 'data/annotation-run-order', severity: 'notice' }]);
    const byFile = await inspected(plain, { runs: 'rows' });
    const byFlag = await inspectDataset(open.found, { listObjects: true, changes: { runs: 'rows' } });
    for (const { objects, evidence, refusals } of [byFile, byFlag]) {
      expect(objects[0]?.[0]?.box).toEqual([12, 0, 22, 4]);
      expect(evidence.slice(0, 2)).toEqual([
        'The runs go along the rows, as you chose.',
        'A row of set/train.csv is the mask of an image or class, since none has two: pixels that touch are one object.',
      ]);
      expect(refusals).toEqual([]);
    }
    expect(withRunOrder(open.found, undefined)).toBe(open.found);
  });
});
