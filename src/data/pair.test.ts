import { describe, expect, it } from 'vitest';
import { countWork } from '../testing/count-work.ts';
import { type Pairing, pairFiles } from './pair.ts';

const pair = (...paths: readonly string[]): Promise<Pairing> =>
  pairFiles(paths.map((path) => ({ path, size: 1 })));

/** `image -> mask` of every sample of every dataset. */
const pairs = ({ datasets }: Pairing) =>
  datasets.flatMap(({ samples }) => samples.map(({ image, mask }) => `${image} -> ${mask ?? ''}`));

const codes = ({ refusals }: Pairing) => refusals.map(({ file, code }) => `${file} ${code}`);

it('says once what holds for many masks of a folder', async () => {
  const { refusals } = await pair(
    ...['1', '2'].map((n) => `set/images/x${n}_w1.png`),
    ...Array.from({ length: 9 }, (_, n) => `set/masks/A0${n}_truth.png`),
  );
  expect(refusals).toMatchObject([
    { file: 'set/masks/A00_truth.png', reason: expect.stringMatching(/The same holds for 8 other files/) },
  ]);
});

describe('folders', () => {
  it('pairs images and masks of one name, whatever the extension and its case', async () => {
    const pairing = await pair(
      'cells/images/a.JPG',
      'cells/masks/a.png',
      'cells/images/B.tif',
      'cells/masks/b.PNG',
    );
    expect(pairing.datasets.map(({ name, root }) => [name, root])).toEqual([['cells', 'cells']]);
    expect(pairs(pairing)).toEqual([
      'cells/images/a.JPG -> cells/masks/a.png',
      'cells/images/B.tif -> cells/masks/b.PNG',
    ]);
    expect(pairing.datasets[0]?.samples.map(({ name }) => name)).toEqual(['a.JPG', 'B.tif']);
  });

  it('pairs names that look equal, with composed and with decomposed accents', async () => {
    const [composed, decomposed] = ['café'.normalize('NFC'), 'café'.normalize('NFD')];
    expect(composed).not.toBe(decomposed);
    expect(pairs(await pair(`images/${composed}.png`, `masks/${decomposed}.png`))).toEqual([
      `images/${composed}.png -> masks/${decomposed}.png`,
    ]);
    expect(pairs(await pair(`${decomposed}.jpg`, `${composed}_mask.png`))).toEqual([
      `${decomposed}.jpg -> ${composed}_mask.png`,
    ]);
  });

  it('takes instances/ and labels/ along, with or without masks/', async () => {
    const pairing = await pair(
      'images/a.png',
      'masks/a.png',
      'instances/a.png',
      'labels/a.png',
      'images/b.png',
      'labels/b.png',
    );
    expect(pairing.datasets).toEqual([
      {
        name: 'dataset',
        root: '',
        samples: [
          {
            name: 'a.png',
            image: 'images/a.png',
            mask: 'masks/a.png',
            instances: 'instances/a.png',
            labels: 'labels/a.png',
          },
          { name: 'b.png', image: 'images/b.png', labels: 'labels/b.png' },
        ],
      },
    ]);
  });

  it('finds every dataset of a drop, with names that differ', async () => {
    const pairing = await pair(
      'data/cracks/images/1.png',
      'data/cracks/masks/1.png',
      'data/cells/images/1.png',
      'data/cells/masks/1.png',
      'other/cells/images/1.png',
      'other/cells/masks/1.png',
      'README.md',
      'data/cells/settings.ini',
    );
    expect(pairing.datasets.map(({ name }) => name)).toEqual(['cells', 'cracks', 'other/cells']);
    expect(codes(pairing)).toEqual(['data/cells/settings.ini data/not-an-image']);
  });

  it('says of archives that they are not opened, and what to do', async () => {
    for (const path of ['set.tar.gz', 'set.7z', 'set.rar', 'set.tgz']) {
      const { refusals } = await pair(path);
      expect(refusals).toMatchObject([
        {
          code: 'data/not-an-image',
          reason: expect.stringMatching(/archive/),
          cure: expect.stringMatching(/^Unpack it/),
        },
      ]);
    }
  });

  it('knows the file of a search for objects', async () => {
    const { refusals } = await pair('found/found.jsonl', 'a.png');
    expect(refusals).toMatchObject([
      {
        code: 'data/found',
        file: 'found/found.jsonl',
        cure: expect.stringMatching(/Import the images first/),
      },
    ]);
  });

  it.each([
    ['p1.CR2', /camera raw/, /darktable/],
    ['p1.czi', /microscope/, /Fiji/],
    ['p1.svs', /slide/, /QuPath/],
    ['p1.nrrd', /medical/, /3D Slicer.*NIfTI/],
    ['p1.mp4', /video/, /frames as PNG/],
    ['p1.pdf', /document/, /images as PNG/],
    ['p1.psd', /layers/, /PNG/],
    ['p1.exr', /not read here/, /PNG or TIFF/],
    ['p1.h5', /arrays/, /PNG or TIFF/],
  ])('names the format of %s and what to do', async (path, reason, cure) => {
    const { refusals } = await pair(path, 'a.png');
    expect(refusals).toMatchObject([
      { code: 'data/not-an-image', reason: expect.stringMatching(reason), cure: expect.stringMatching(cure) },
    ]);
    expect(refusals[0]?.cure).not.toMatch(/only a note/);
  });

  it('keeps folders inside images/ apart', async () => {
    const pairing = await pair(
      'images/train/1.png',
      'images/val/1.png',
      'masks/train/1.png',
      'masks/val/1.png',
    );
    expect(pairs(pairing)).toEqual([
      'images/train/1.png -> masks/train/1.png',
      'images/val/1.png -> masks/val/1.png',
    ]);
    expect(pairing.datasets[0]?.samples.map(({ name }) => name)).toEqual(['train/1.png', 'val/1.png']);
  });

  it('takes images beside masks/ for its images when there is no images/', async () => {
    const pairing = await pair('set/a.jpg', 'set/b.jpg', 'set/masks/a.png');
    expect(pairs(pairing)).toEqual(['set/a.jpg -> set/masks/a.png', 'set/b.jpg -> ']);
  });

  it.each([
    ['images/a.jpg', 'masks/a_mask.png'],
    ['images/a.jpg', 'masks/mask_a.png'],
    ['images/a_image.jpg', 'masks/a_mask.png'],
    ['images/img_7.jpg', 'masks/mask_7.png'],
    ['images/a.jpg', 'masks/a.jpg.png'],
    ['img/a.jpg', 'gt/a.png'],
    ['Images/a.jpg', 'GroundTruth/a-gt.png'],
    ['imgs\\a.jpg', 'masks\\a.png'],
    ['./images/a.jpg', './masks/a.png'],
  ])('pairs %s with %s', async (image, mask) => {
    const tidy = (path: string) => path.replaceAll('\\', '/').replace('./', '');
    expect(pairs(await pair(image, mask))).toEqual([`${tidy(image)} -> ${tidy(mask)}`]);
  });

  it('keeps images without mask, refuses masks without image, second masks, and strays', async () => {
    const pairing = await pair(
      'images/a.png',
      'images/b.png',
      'masks/a.png',
      'masks/a_mask.png',
      'masks/z.png',
      'stray.png',
      'images/a.jpg',
    );
    expect(pairs(pairing)).toEqual(['images/a.jpg -> masks/a.png', 'images/b.png -> ']);
    expect(codes(pairing)).toEqual([
      'images/a.png data/same-name',
      'masks/a_mask.png data/second-mask',
      'masks/z.png data/mask-without-image',
      'stray.png data/outside-folders',
    ]);
  });
});

describe('one folder for all', () => {
  it.each([
    ['a.jpg', 'a_mask.png'],
    ['a.jpg', 'a-mask.png'],
    ['a.jpg', 'a.mask.png'],
    ['a.jpg', 'a mask.png'],
    ['a.png', 'a_gt.png'],
    ['a.png', 'a-label.png'],
    ['a.png', 'a_labels.tif'],
    ['a.png', 'a_seg.png'],
    ['a.png', 'A_Segmentation.PNG'],
    ['a.png', 'mask_a.png'],
    ['a.png', 'mask-a.png'],
    ['a_image.png', 'a_mask.png'],
    ['image_3.png', 'mask_3.png'],
    ['a.jpg', 'a.jpg_mask.png'],
    ['a.jpg', 'a.png'],
    ['a_1.jpg', 'a_1.PNG'],
  ])('pairs %s with %s', async (image, mask) => {
    expect(pairs(await pair(`f/${image}`, `f/${mask}`))).toEqual([`f/${image} -> f/${mask}`]);
    expect(pairs(await pair(`f/${mask}`, `f/${image}`))).toEqual([`f/${image} -> f/${mask}`]);
  });

  it('tells instances by their word', async () => {
    const pairing = await pair('f/a.png', 'f/a_instances.png', 'f/a_mask.png');
    expect(pairing.datasets[0]?.samples).toEqual([
      { name: 'a.png', image: 'f/a.png', mask: 'f/a_mask.png', instances: 'f/a_instances.png' },
    ]);
  });

  it('keeps images alone for Segment', async () => {
    const pairing = await pair('holiday/b.jpg', 'holiday/a2.jpg', 'holiday/a10.jpg');
    expect(pairs(pairing)).toEqual(['holiday/a2.jpg -> ', 'holiday/a10.jpg -> ', 'holiday/b.jpg -> ']);
    expect(pairing.refusals).toEqual([]);
  });

  it('does not take images of masks for masks', async () => {
    expect(pairs(await pair('shop/mask_red.jpg', 'shop/mask_blue.jpg'))).toEqual([
      'shop/mask_blue.jpg -> ',
      'shop/mask_red.jpg -> ',
    ]);
  });

  it('pairs inside a folder called images, when nothing else is there', async () => {
    expect(pairs(await pair('images/a.png', 'images/a_mask.png'))).toEqual([
      'images/a.png -> images/a_mask.png',
    ]);
  });

  it('refuses a mask whose image is missing', async () => {
    const pairing = await pair('f/a.png', 'f/a_mask.png', 'f/b_mask.png');
    expect(pairs(pairing)).toEqual(['f/a.png -> f/a_mask.png']);
    expect(codes(pairing)).toEqual(['f/b_mask.png data/mask-without-image']);
  });
});

it('passes over what systems leave behind, and says what is no image', async () => {
  const pairing = await pair(
    '__MACOSX/images/._a.png',
    '.DS_Store',
    'images/.a.png',
    'images/Thumbs.db',
    'images/desktop.ini',
    '.git/x.png',
    'images/a.png',
    'images/a.txt',
    'Makefile',
    'images/b.csv',
  );
  expect(pairs(pairing)).toEqual(['images/a.png -> ']);
  expect(codes(pairing)).toEqual([
    'images/a.txt data/not-an-image',
    'images/b.csv data/not-an-image',
    'Makefile data/not-an-image',
  ]);
});

it('says once what many files are that are no images', async () => {
  const { refusals } = await pair('images/a.png', ...['1', '2', '3', '10'].map((n) => `masks/${n}.h5`));
  expect(refusals).toMatchObject([
    {
      file: 'masks/1.h5',
      reason: expect.stringMatching(/\.h5 .* 3 other files: masks\/2.h5, masks\/3.h5, masks\/10.h5/),
    },
  ]);
});

it('passes over what comes with a set to be read by people', async () => {
  const notes = ['README', 'readme.txt', 'ReadMe_en.md', 'README.roboflow.txt', 'LICENSE', 'set/LICENCE.md'];
  const pairing = await pair('images/a.png', ...notes, 'images/ATTRIBUTION.txt', 'license.pdf', 'SOURCE.md');
  expect(pairs(pairing)).toEqual(['images/a.png -> ']);
  expect(codes(pairing)).toEqual([]);
  expect(codes(await pair('readme.zipx', 'readmes.txt', 'licensed.csv'))).toHaveLength(3);
});

it('passes over what programs keep beside images, and says what to do with shapes on the earth', async () => {
  const kept = ['images/a.tfw', 'images/a.tif.aux.xml', 'images/a.tif.OVR', 'labels/train.cache'];
  const shapes = ['roads.shp', 'roads.shx', 'roads.dbf', 'roads.prj', 'roads.cpg'];
  const pairing = await pair('images/a.tif', ...kept, ...shapes);
  expect(pairs(pairing)).toEqual(['images/a.tif -> ']);
  expect(pairing.refusals).toMatchObject([{ file: 'roads.shp', cure: expect.stringMatching(/asterise/) }]);
});

it('sorts by natural order and loses no file', async () => {
  const paths = Array.from({ length: 30 }, (_, i) => [`images/x${i}.png`, `masks/x${i}.png`]).flat();
  const pairing = await pair(...paths.reverse());
  expect(pairing.datasets[0]?.samples.map(({ name }) => name)).toEqual(
    Array.from({ length: 30 }, (_, i) => `x${i}.png`),
  );
  expect(pairing.datasets[0]?.samples.every(({ mask }) => mask)).toBe(true);
});

it('does work in proportion to the files, in either form', async () => {
  const folders = (i: number) => [`s/images/${i}.jpg`, `s/masks/${i}.png`];
  const flat = (i: number) => [`s/pic${i}.jpg`, `s/pic${i}_mask.png`];
  const work = (of: (i: number) => string[], images: number) => {
    const paths = Array.from({ length: images }, (_, i) => of(i)).flat();
    return countWork('/src/data/', async () => {
      const pairing = await pair(...paths);
      expect(pairing.datasets[0]?.samples.filter(({ mask }) => mask).length).toBe(images);
      expect(pairing.refusals).toEqual([]);
    });
  };
  for (const of of [folders, flat]) {
    const few = await work(of, 250);
    expect(few).toBeGreaterThan(250);
    expect(await work(of, 2500)).toBeLessThan(11 * few);
  }
});

it('is empty for an empty drop', async () => expect(await pair()).toEqual({ datasets: [], refusals: [] }));
