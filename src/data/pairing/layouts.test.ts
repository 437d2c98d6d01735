import { describe, expect, it } from 'vitest';
import { pairFiles } from '../pair.ts';
import type { Appearance } from './appearance.ts';
import type { PairedSample } from './datasets.ts';

/** What a masks' file looks like, and a photograph. */
const MASK: Appearance = { flatness: 0.97, foreground: new Uint8Array(4), share: 0 };
const PHOTO: Appearance = { flatness: 0.2, foreground: new Uint8Array(4).fill(1), share: 1 };

interface Layout {
  readonly files: readonly string[];
  /** `image -> files of its masks`, without the image where it has none. */
  readonly pairs: readonly string[];
  /** `split` of each, in the same order. */
  readonly splits?: readonly string[];
  /** Names and numbers of the images of the datasets, where there are several or the name matters. */
  readonly datasets?: readonly string[];
  readonly classNames?: readonly string[];
  /** `file code`. */
  readonly refusals?: readonly string[];
  /** Files that look like masks when they are looked at; without it nothing can be looked at. */
  readonly flat?: RegExp;
  /** Words in the names of masks that each mark a part of their own. */
  readonly parts?: RegExp;
}

const shown = ({ image, mask, instances, labels, objectMasks, classMasks }: PairedSample) => {
  const files = [
    mask,
    instances && `instances ${instances}`,
    labels && `labels ${labels}`,
    objectMasks && `objects ${objectMasks.join(' ')}`,
    classMasks && `classes ${classMasks.map(({ label, path }) => `${label}=${path}`).join(' ')}`,
  ];
  return `${image} -> ${files.filter(Boolean).join(', ')}`;
};

const layouts: Readonly<Record<string, Layout>> = {
  'Cityscapes: folders and names of their own for images and for three kinds of masks': {
    files: ['000000', '000001'].flatMap((n) => [
      `cs/leftImg8bit/train/ulm/ulm_${n}_000019_leftImg8bit.png`,
      `cs/leftImg8bit/test/bonn/bonn_${n}_000019_leftImg8bit.png`,
      ...['color', 'instanceIds', 'labelIds'].map(
        (kind) => `cs/gtFine/train/ulm/ulm_${n}_000019_gtFine_${kind}.png`,
      ),
    ]),
    pairs: [
      'cs/leftImg8bit/test/bonn/bonn_000000_000019_leftImg8bit.png -> ',
      'cs/leftImg8bit/test/bonn/bonn_000001_000019_leftImg8bit.png -> ',
      'cs/leftImg8bit/train/ulm/ulm_000000_000019_leftImg8bit.png -> cs/gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png, instances cs/gtFine/train/ulm/ulm_000000_000019_gtFine_instanceIds.png',
      'cs/leftImg8bit/train/ulm/ulm_000001_000019_leftImg8bit.png -> cs/gtFine/train/ulm/ulm_000001_000019_gtFine_labelIds.png, instances cs/gtFine/train/ulm/ulm_000001_000019_gtFine_instanceIds.png',
    ],
    splits: ['test', 'test', 'train', 'train'],
    datasets: ['cs 4'],
    refusals: ['cs/gtFine/train/ulm/ulm_000000_000019_gtFine_color.png data/preview'],
  },
  'ADE20K: images/training and annotations/training': {
    files: ['training/ADE_train_1', 'training/ADE_train_2', 'validation/ADE_val_1'].flatMap((name) => [
      `ADE/images/${name}.jpg`,
      `ADE/annotations/${name}.png`,
    ]),
    pairs: [
      'ADE/images/training/ADE_train_1.jpg -> ADE/annotations/training/ADE_train_1.png',
      'ADE/images/training/ADE_train_2.jpg -> ADE/annotations/training/ADE_train_2.png',
      'ADE/images/validation/ADE_val_1.jpg -> ADE/annotations/validation/ADE_val_1.png',
    ],
    splits: ['train', 'train', 'val'],
  },
  'ADE20K in full: x.jpg, x_seg.png and x_parts_1.png in one folder': {
    files: ['1', '2', '3'].flatMap((n) => [`a/ADE_${n}.jpg`, `a/ADE_${n}_seg.png`]),
    pairs: ['1', '2', '3'].map((n) => `a/ADE_${n}.jpg -> a/ADE_${n}_seg.png`),
  },
  'VOC: JPEGImages, SegmentationClass, SegmentationObject, with images that have no mask': {
    files: [
      ...['2007_1', '2007_2', '2007_3'].map((n) => `VOC/JPEGImages/${n}.jpg`),
      ...['2007_1', '2007_2'].flatMap((n) => [
        `VOC/SegmentationClass/${n}.png`,
        `VOC/SegmentationObject/${n}.png`,
      ]),
    ],
    pairs: [
      'VOC/JPEGImages/2007_1.jpg -> instances VOC/SegmentationObject/2007_1.png, labels VOC/SegmentationClass/2007_1.png',
      'VOC/JPEGImages/2007_2.jpg -> instances VOC/SegmentationObject/2007_2.png, labels VOC/SegmentationClass/2007_2.png',
      'VOC/JPEGImages/2007_3.jpg -> ',
    ],
    datasets: ['VOC 3'],
  },
  'Oxford pets: images and annotations/trimaps': {
    files: ['Abyssinian_1', 'pug_12'].flatMap((n) => [`images/${n}.jpg`, `annotations/trimaps/${n}.png`]),
    pairs: ['Abyssinian_1', 'pug_12'].map((n) => `images/${n}.jpg -> annotations/trimaps/${n}.png`),
  },
  'BUSI: a folder for each diagnosis, a mask for each lesion': {
    files: [
      'Dataset_BUSI_with_GT/benign/benign (1).png',
      'Dataset_BUSI_with_GT/benign/benign (1)_mask.png',
      'Dataset_BUSI_with_GT/benign/benign (10).png',
      'Dataset_BUSI_with_GT/benign/benign (10)_mask.png',
      'Dataset_BUSI_with_GT/benign/benign (10)_mask_1.png',
      'Dataset_BUSI_with_GT/normal/normal (1).png',
      'Dataset_BUSI_with_GT/normal/normal (1)_mask.png',
      'other/x.png',
    ],
    pairs: [
      'Dataset_BUSI_with_GT/benign/benign (1).png -> Dataset_BUSI_with_GT/benign/benign (1)_mask.png',
      'Dataset_BUSI_with_GT/benign/benign (10).png -> objects Dataset_BUSI_with_GT/benign/benign (10)_mask.png Dataset_BUSI_with_GT/benign/benign (10)_mask_1.png',
      'Dataset_BUSI_with_GT/normal/normal (1).png -> Dataset_BUSI_with_GT/normal/normal (1)_mask.png',
      'other/x.png -> ',
    ],
  },
  'ISIC: Training_Input and Training_GroundTruth, names with _segmentation': {
    files: ['0000000', '0000001'].flatMap((n) => [
      `ISIC2018_Task1-2_Training_Input/ISIC_${n}.jpg`,
      `ISIC2018_Task1_Training_GroundTruth/ISIC_${n}_segmentation.png`,
    ]),
    pairs: ['0000000', '0000001'].map(
      (n) =>
        `ISIC2018_Task1-2_Training_Input/ISIC_${n}.jpg -> ISIC2018_Task1_Training_GroundTruth/ISIC_${n}_segmentation.png`,
    ),
  },
  'Kvasir: JPEG images and JPEG masks': {
    files: ['cju1', 'cju2'].flatMap((n) => [`Kvasir-SEG/images/${n}.jpg`, `Kvasir-SEG/masks/${n}.jpg`]),
    pairs: ['cju1', 'cju2'].map((n) => `Kvasir-SEG/images/${n}.jpg -> Kvasir-SEG/masks/${n}.jpg`),
  },
  'CHASE: two annotators, nothing looked at': {
    files: ['01L', '01R', '02L'].flatMap((n) =>
      ['.jpg', '_1stHO.png', '_2ndHO.png'].map((end) => `CHASE/Image_${n}${end}`),
    ),
    pairs: ['01L', '01R', '02L'].map((n) => `CHASE/Image_${n}.jpg -> CHASE/Image_${n}_1stHO.png`),
    refusals: ['CHASE/Image_01L_2ndHO.png data/second-mask'],
  },
  'PH2: a folder for each case, in it one for the image and one for its mask': {
    files: ['IMD002', 'IMD003', 'IMD435'].flatMap((n) => [
      `PH2/${n}/${n}_Dermoscopic_Image/${n}.bmp`,
      `PH2/${n}/${n}_lesion/${n}_lesion.bmp`,
      `PH2/${n}/${n}_roi/${n}_R1_Label4.bmp`,
      `PH2/${n}/${n}_roi/${n}_R2_Label2.bmp`,
    ]),
    pairs: ['IMD002', 'IMD003', 'IMD435'].map(
      (n) => `PH2/${n}/${n}_Dermoscopic_Image/${n}.bmp -> PH2/${n}/${n}_lesion/${n}_lesion.bmp`,
    ),
    datasets: ['PH2 3'],
    flat: /lesion|Label/,
    refusals: ['PH2/IMD002/IMD002_roi/IMD002_R1_Label4.bmp data/preview'],
  },
  'Cases of two folders without a word for either, of which one looks like masks': {
    files: ['p1', 'p2', 'p3'].flatMap((n) => [`s/${n}/a/${n}.png`, `s/${n}/b/${n}_x.png`]),
    pairs: ['p1', 'p2', 'p3'].map((n) => `s/${n}/a/${n}.png -> s/${n}/b/${n}_x.png`),
    datasets: ['s 3'],
    flat: /_x/,
  },
  'Cases of two folders of photographs': {
    files: ['p1', 'p2', 'p3'].flatMap((n) => [`s/${n}/a/${n}.png`, `s/${n}/b/${n}_x.png`]),
    pairs: ['p1', 'p2', 'p3'].flatMap((n) => [`s/${n}/a/${n}.png -> `, `s/${n}/b/${n}_x.png -> `]),
    flat: /none/,
  },
  'STARE: stare-images, labels-ah and labels-vk': {
    files: ['im0001', 'im0002', 'im0003'].flatMap((n) => [
      `stare-images/${n}.png`,
      `labels-ah/${n}.ah.png`,
      `labels-vk/${n}.vk.png`,
    ]),
    pairs: ['im0001', 'im0002', 'im0003'].map((n) => `stare-images/${n}.png -> labels labels-ah/${n}.ah.png`),
    refusals: ['labels-vk/im0001.vk.png data/second-mask'],
  },
  'DRIVE: training and test, two annotators of the test': {
    files: [
      ...['21', '22'].flatMap((n) => [
        `DRIVE/training/images/${n}_training.tif`,
        `DRIVE/training/1st_manual/${n}_manual1.png`,
      ]),
      ...['01', '02'].flatMap((n) => [
        `DRIVE/test/images/${n}_test.tif`,
        `DRIVE/test/1st_manual/${n}_manual1.png`,
        `DRIVE/test/2nd_manual/${n}_manual2.png`,
      ]),
    ],
    pairs: [
      'DRIVE/test/images/01_test.tif -> DRIVE/test/1st_manual/01_manual1.png',
      'DRIVE/test/images/02_test.tif -> DRIVE/test/1st_manual/02_manual1.png',
      'DRIVE/training/images/21_training.tif -> DRIVE/training/1st_manual/21_manual1.png',
      'DRIVE/training/images/22_training.tif -> DRIVE/training/1st_manual/22_manual1.png',
    ],
    splits: ['test', 'test', 'train', 'train'],
    refusals: ['DRIVE/test/2nd_manual/01_manual2.png data/second-mask'],
  },
  'MoNuSeg: Tissue Images and Labels': {
    files: ['TCGA-18-5592-01Z', 'TCGA-38-6178-01Z'].flatMap((n) => [
      `M/Tissue Images/${n}.tif`,
      `M/Labels/${n}.png`,
    ]),
    pairs: ['TCGA-18-5592-01Z', 'TCGA-38-6178-01Z'].map(
      (n) => `M/Tissue Images/${n}.tif -> labels M/Labels/${n}.png`,
    ),
  },
  'BBBC006: image names go on after those of the masks': {
    files: ['a01_s1', 'a01_s2', 'b07_s1'].flatMap((n, i) => [
      `BBBC006_v1_images_z_16/mcf-z-stacks-0321_${n}_w1a3f${i}c.tif`,
      `BBBC006_v1_labels/mcf-z-stacks-0321_${n}.png`,
    ]),
    pairs: ['a01_s1', 'a01_s2', 'b07_s1'].map(
      (n, i) =>
        `BBBC006_v1_images_z_16/mcf-z-stacks-0321_${n}_w1a3f${i}c.tif -> labels BBBC006_v1_labels/mcf-z-stacks-0321_${n}.png`,
    ),
  },
  'Cellpose: 000_img and 000_masks in train/ and test/': {
    files: ['train/000', 'train/001', 'test/000'].flatMap((n) => [`cp/${n}_img.png`, `cp/${n}_masks.png`]),
    pairs: ['test/000', 'train/000', 'train/001'].map((n) => `cp/${n}_img.png -> cp/${n}_masks.png`),
    splits: ['test', 'train', 'train'],
    datasets: ['cp 3'],
  },
  'nnU-Net: a suffix for the channel, images to predict beside': {
    files: [
      ...['001', '002'].flatMap((n) => [`D/imagesTr/case_${n}_0000.png`, `D/labelsTr/case_${n}.png`]),
      'D/imagesTs/case_003_0000.png',
    ],
    pairs: [
      'D/imagesTr/case_001_0000.png -> labels D/labelsTr/case_001.png',
      'D/imagesTr/case_002_0000.png -> labels D/labelsTr/case_002.png',
      'D/imagesTs/case_003_0000.png -> ',
    ],
    splits: ['train', 'train', 'test'],
  },
  'CamVid: StillsRaw and LabeledApproved, names with _L': {
    files: ['0001TP_006690', '0001TP_006720', 'Seq05VD_f00000'].flatMap((n) => [
      `701_StillsRaw_full/${n}.png`,
      `LabeledApproved_full/${n}_L.png`,
    ]),
    pairs: ['0001TP_006690', '0001TP_006720', 'Seq05VD_f00000'].map(
      (n) => `701_StillsRaw_full/${n}.png -> LabeledApproved_full/${n}_L.png`,
    ),
  },
  'CamVid of SegNet: train, trainannot, val, valannot': {
    files: ['train', 'val'].flatMap((split) =>
      ['1', '2'].flatMap((n) => [`CamVid/${split}/${n}.png`, `CamVid/${split}annot/${n}.png`]),
    ),
    pairs: ['train/1', 'train/2', 'val/1', 'val/2'].map(
      (n) => `CamVid/${n}.png -> CamVid/${n.replace('/', 'annot/')}.png`,
    ),
    splits: ['train', 'train', 'val', 'val'],
    datasets: ['CamVid 4'],
  },
  'LoveDA: two scenes with the same numbers in each split': {
    files: ['Train/Rural', 'Train/Urban', 'Val/Rural'].flatMap((place) => [
      `LoveDA/${place}/images_png/0.png`,
      `LoveDA/${place}/masks_png/0.png`,
      `LoveDA/${place}/images_png/1.png`,
      `LoveDA/${place}/masks_png/1.png`,
    ]),
    datasets: ['LoveDA 6'],
    splits: ['train', 'train', 'train', 'train', 'val', 'val'],
    pairs: ['Train/Rural', 'Train/Urban', 'Val/Rural'].flatMap((place) =>
      ['0', '1'].map((n) => `LoveDA/${place}/images_png/${n}.png -> LoveDA/${place}/masks_png/${n}.png`),
    ),
  },
  'DeepCrack: train_img, train_lab, test_img, test_lab': {
    files: ['train', 'test'].flatMap((split) =>
      ['11', '12'].flatMap((n) => [`DC/${split}_img/${n}.jpg`, `DC/${split}_lab/${n}.png`]),
    ),
    pairs: ['test', 'train'].flatMap((split) =>
      ['11', '12'].map((n) => `DC/${split}_img/${n}.jpg -> DC/${split}_lab/${n}.png`),
    ),
    splits: ['test', 'test', 'train', 'train'],
    datasets: ['DC 4'],
  },
  'Crack500: x.jpg and x.png in one folder, an added word in another': {
    files: ['a_1_361', 'a_1_721'].flatMap((n) => [`traincrop/${n}.jpg`, `traincrop/${n}.png`]),
    pairs: ['a_1_361', 'a_1_721'].map((n) => `traincrop/${n}.jpg -> traincrop/${n}.png`),
  },
  'Massachusetts: train and train_labels, TIFF with other extensions': {
    files: ['train', 'val'].flatMap((split) =>
      ['22828930_15', '22828990_15'].flatMap((n) => [
        `tiff/${split}/${n}.tiff`,
        `tiff/${split}_labels/${n}.tif`,
      ]),
    ),
    pairs: ['train', 'val'].flatMap((split) =>
      ['22828930_15', '22828990_15'].map(
        (n) => `tiff/${split}/${n}.tiff -> labels tiff/${split}_labels/${n}.tif`,
      ),
    ),
    splits: ['train', 'train', 'val', 'val'],
  },
  'UAVid: sequences in folders of a split with a word more, of which another set has one too': {
    files: [
      ...['train/seq1', 'train/seq2', 'val/seq16'].flatMap((place) => [
        `U/uavid_${place}/Images/0.png`,
        `U/uavid_${place}/Labels/0.png`,
      ]),
      'U/other_test/Images/0.png',
      'U/other_test/Labels/0.png',
    ],
    pairs: [
      ...['train/seq1', 'train/seq2', 'val/seq16'].map(
        (place) => `U/uavid_${place}/Images/0.png -> labels U/uavid_${place}/Labels/0.png`,
      ),
      'U/other_test/Images/0.png -> labels U/other_test/Labels/0.png',
    ],
    datasets: ['U 3', 'other_test 1'],
  },
  'two sequences, and two folders that a number alone tells apart': {
    files: ['a/seq1', 'a/seq2', 'b/plate1', 'b/plate2'].flatMap((place) =>
      ['0', '1'].flatMap((n) => [`${place}/Images/${n}.png`, `${place}/Labels/${n}.png`]),
    ),
    pairs: ['a/seq1', 'a/seq2', 'b/plate1', 'b/plate2'].flatMap((place) =>
      ['0', '1'].map((n) => `${place}/Images/${n}.png -> labels ${place}/Labels/${n}.png`),
    ),
    datasets: ['a 4', 'plate1 2', 'plate2 2'],
  },
  'folders of classes, one of them of other images than those that the rest share': {
    files: [
      ...['1', '2', '3', '4'].map((n) => `set/images/${n}.png`),
      ...['1', '2'].flatMap((n) => [`set/masks/leaf/${n}.png`, `set/masks/stem/${n}.png`]),
      ...['3', '4'].map((n) => `set/masks/root/${n}.png`),
    ],
    pairs: [
      ...['1', '2'].map(
        (n) => `set/images/${n}.png -> classes 1=set/masks/leaf/${n}.png 3=set/masks/stem/${n}.png`,
      ),
      ...['3', '4'].map((n) => `set/images/${n}.png -> classes 2=set/masks/root/${n}.png`),
    ],
    parts: /leaf|stem|root/,
    classNames: ['leaf', 'root', 'stem'],
  },
  'LEVIR-CD and Agriculture-Vision: two images of a place, in a folder each': {
    files: [
      ...['test/t1', 'test/t2', 'val/u1', 'val/u2'].flatMap((place) =>
        ['A', 'B', 'label'].map((folder) => `c/${place.replace('/', `/${folder}/`)}.png`),
      ),
      ...['v1', 'v2'].flatMap((n) => [
        `v/images/nir/${n}.jpg`,
        `v/images/rgb/${n}.jpg`,
        `v/masks/rgb/${n}.png`,
      ]),
    ],
    pairs: [
      ...['test', 'val'].flatMap((split) => {
        const [t, u] = split === 'test' ? ['t1', 't2'] : ['u1', 'u2'];
        return [
          ...[t, u].map((n) => `c/${split}/A/${n}.png -> labels c/${split}/label/${n}.png`),
          ...[t, u].map((n) => `c/${split}/B/${n}.png -> `),
        ];
      }),
      ...['v1', 'v2'].map((n) => `v/images/nir/${n}.jpg -> `),
      ...['v1', 'v2'].map((n) => `v/images/rgb/${n}.jpg -> v/masks/rgb/${n}.png`),
    ],
    datasets: ['c 8', 'v 4'],
    refusals: ['c/test/B/t1.png data/shared-mask', 'v/images/nir/v1.jpg data/shared-mask'],
  },
  'DUTS: a short word for the split, behind the name of the set': {
    files: ['TE', 'TR'].flatMap((split) =>
      ['1', '2'].flatMap((n) => [
        `D/DUTS-${split}/DUTS-${split}-Image/a${n}.jpg`,
        `D/DUTS-${split}/DUTS-${split}-Mask/a${n}.png`,
      ]),
    ),
    pairs: ['TE', 'TR'].flatMap((split) =>
      ['1', '2'].map(
        (n) =>
          `D/DUTS-${split}/DUTS-${split}-Image/a${n}.jpg -> D/DUTS-${split}/DUTS-${split}-Mask/a${n}.png`,
      ),
    ),
    splits: ['test', 'test', 'train', 'train'],
    datasets: ['D 4'],
  },
  'CholecSeg8k: folders of clips in folders of videos': {
    files: ['1', '2', '3'].flatMap((v) =>
      ['1', '2', '3'].flatMap((c) =>
        ['0', '1'].flatMap((n) => [`C/v${v}/v${v}_${c}/f${n}.png`, `C/v${v}/v${v}_${c}/f${n}_mask.png`]),
      ),
    ),
    pairs: ['1', '2', '3'].flatMap((v) =>
      ['1', '2', '3'].flatMap((c) =>
        ['0', '1'].map((n) => `C/v${v}/v${v}_${c}/f${n}.png -> C/v${v}/v${v}_${c}/f${n}_mask.png`),
      ),
    ),
    datasets: ['C 18'],
  },
  'Sugar beets: masks in colours beside those of numbers, below annotations/': {
    files: ['0', '1'].flatMap((n) => [
      `S/images/rgb/b${n}.png`,
      `S/annotations/dlp/colorCleaned/b${n}.png`,
      `S/annotations/dlp/iMapCleaned/b${n}.png`,
    ]),
    pairs: ['0', '1'].map((n) => `S/images/rgb/b${n}.png -> S/annotations/dlp/iMapCleaned/b${n}.png`),
    datasets: ['S 2'],
    refusals: ['S/annotations/dlp/colorCleaned/b0.png data/preview'],
  },
  'Inria: train/images, train/gt, test/images': {
    files: [
      'A/train/images/austin1.tif',
      'A/train/gt/austin1.tif',
      'A/train/images/kitsap2.tif',
      'A/train/gt/kitsap2.tif',
      'A/test/images/bloomington1.tif',
    ],
    pairs: [
      'A/test/images/bloomington1.tif -> ',
      'A/train/images/austin1.tif -> A/train/gt/austin1.tif',
      'A/train/images/kitsap2.tif -> A/train/gt/kitsap2.tif',
    ],
    splits: ['test', 'train', 'train'],
    datasets: ['A 3'],
  },
  'COD10K: Imgs, GT and Edge': {
    files: ['COD10K-CAM-1', 'COD10K-CAM-2'].flatMap((n) => [
      `Train/Imgs/${n}.jpg`,
      `Train/GT/${n}.png`,
      `Train/Edge/${n}.png`,
    ]),
    pairs: ['COD10K-CAM-1', 'COD10K-CAM-2'].map((n) => `Train/Imgs/${n}.jpg -> Train/GT/${n}.png`),
    refusals: ['Train/Edge/COD10K-CAM-1.png data/preview'],
  },
  'mmsegmentation: img_dir/train and ann_dir/train': {
    files: ['train/1', 'train/2', 'val/1'].flatMap((n) => [`d/img_dir/${n}.jpg`, `d/ann_dir/${n}.png`]),
    pairs: ['train/1', 'train/2', 'val/1'].map((n) => `d/img_dir/${n}.jpg -> d/ann_dir/${n}.png`),
    splits: ['train', 'train', 'val'],
  },
  'COCO stuff: train2017 beside stuffthingmaps/train2017, told by looking': {
    files: ['train2017/000000000009', 'train2017/000000000025', 'val2017/000000000139'].flatMap((n) => [
      `coco/images/${n}.jpg`,
      `coco/stuffthingmaps/${n}.png`,
    ]),
    flat: /stuffthingmaps/,
    pairs: ['train2017/000000000009', 'train2017/000000000025', 'val2017/000000000139'].map(
      (n) => `coco/images/${n}.jpg -> coco/stuffthingmaps/${n}.png`,
    ),
    splits: ['train', 'train', 'val'],
    datasets: ['coco 3'],
  },
  'MVTec: test/broken and ground_truth/broken': {
    files: [
      'b/train/good/000.png',
      'b/train/good/001.png',
      'b/test/good/000.png',
      'b/test/broken/000.png',
      'b/ground_truth/broken/000_mask.png',
      'b/test/broken/001.png',
      'b/ground_truth/broken/001_mask.png',
    ],
    pairs: [
      'b/test/broken/000.png -> b/ground_truth/broken/000_mask.png',
      'b/test/broken/001.png -> b/ground_truth/broken/001_mask.png',
      'b/test/good/000.png -> ',
      'b/train/good/000.png -> ',
      'b/train/good/001.png -> ',
    ],
  },
  'TNBC: Slide_01 and GT_01': {
    files: ['01', '02'].flatMap((s) =>
      ['1', '2'].flatMap((n) => [`T/Slide_${s}/${s}_${n}.png`, `T/GT_${s}/${s}_${n}.png`]),
    ),
    pairs: ['01', '02'].flatMap((s) =>
      ['1', '2'].map((n) => `T/Slide_${s}/${s}_${n}.png -> T/GT_${s}/${s}_${n}.png`),
    ),
    datasets: ['T 4'],
  },
  'Montgomery: CXR_png, ManualMask/leftMask and ManualMask/rightMask': {
    files: ['MCUCXR_0001_0', 'MCUCXR_0002_0'].flatMap((n) => [
      `MC/CXR_png/${n}.png`,
      `MC/ManualMask/leftMask/${n}.png`,
      `MC/ManualMask/rightMask/${n}.png`,
    ]),
    pairs: ['MCUCXR_0001_0', 'MCUCXR_0002_0'].map(
      (n) =>
        `MC/CXR_png/${n}.png -> classes 1=MC/ManualMask/leftMask/${n}.png 2=MC/ManualMask/rightMask/${n}.png`,
    ),
    classNames: ['left', 'right'],
    datasets: ['MC 2'],
  },
  'Supervisely: img, masks_machine and masks_human': {
    files: ['a', 'b'].flatMap((n) => [
      `ds/img/${n}.png`,
      `ds/masks_machine/${n}.png`,
      `ds/masks_human/${n}.png`,
    ]),
    pairs: ['a', 'b'].map((n) => `ds/img/${n}.png -> ds/masks_machine/${n}.png`),
    refusals: ['ds/masks_human/a.png data/preview'],
  },
  'KITTI: image_2, semantic, instance and semantic_rgb': {
    files: ['000000_10', '000001_10'].flatMap((n) =>
      ['image_2', 'semantic', 'instance', 'semantic_rgb'].map((folder) => `k/training/${folder}/${n}.png`),
    ),
    pairs: ['000000_10', '000001_10'].map(
      (n) =>
        `k/training/image_2/${n}.png -> k/training/semantic/${n}.png, instances k/training/instance/${n}.png`,
    ),
    refusals: ['k/training/semantic_rgb/000000_10.png data/preview'],
  },
  'Carvana: train and train_masks, names with _mask': {
    files: ['00087a_01', '00087a_02'].flatMap((n) => [`train/${n}.jpg`, `train_masks/${n}_mask.gif`]),
    pairs: ['00087a_01', '00087a_02'].map((n) => `train/${n}.jpg -> train_masks/${n}_mask.gif`),
  },
  'Cell tracking: two sequences, one without truth, masks and tracks': {
    files: [
      ...['000', '001', '002'].flatMap((n) => [
        `F/01/t${n}.tif`,
        `F/02/t${n}.tif`,
        `F/01_GT/TRA/man_track${n}.tif`,
      ]),
      'F/01_GT/SEG/man_seg001.tif',
      'F/01_GT/SEG/man_seg002.tif',
    ],
    pairs: [
      'F/01/t000.tif -> ',
      'F/01/t001.tif -> F/01_GT/SEG/man_seg001.tif',
      'F/01/t002.tif -> F/01_GT/SEG/man_seg002.tif',
      'F/02/t000.tif -> ',
      'F/02/t001.tif -> ',
      'F/02/t002.tif -> ',
    ],
    datasets: ['F 6'],
    refusals: ['F/01_GT/TRA/man_track000.tif data/preview'],
  },
  'Cell tracking: gold truth for some images, silver truth for all': {
    files: ['000', '001', '002'].flatMap((n) => [
      `F/01/t${n}.tif`,
      `F/01_ST/SEG/man_seg${n}.tif`,
      ...(n === '002' ? [] : [`F/01_GT/SEG/man_seg${n}.tif`]),
    ]),
    pairs: [
      'F/01/t000.tif -> F/01_GT/SEG/man_seg000.tif',
      'F/01/t001.tif -> F/01_GT/SEG/man_seg001.tif',
      'F/01/t002.tif -> ',
    ],
    datasets: ['F 3'],
    refusals: ['F/01_ST/SEG/man_seg000.tif data/second-mask'],
  },
  'Cell tracking: masks with errors and results beside the truth, called alike': {
    files: ['000', '001'].flatMap((n) => [
      `F/01/t${n}.tif`,
      `F/01_ERR_SEG/mask${n}.tif`,
      `F/01_GT/SEG/man_seg${n}.tif`,
      `F/01_RES/mask${n}.tif`,
    ]),
    pairs: ['000', '001'].map((n) => `F/01/t${n}.tif -> F/01_GT/SEG/man_seg${n}.tif`),
    datasets: ['F 2'],
    refusals: ['F/01_ERR_SEG/mask000.tif data/preview', 'F/01_RES/mask000.tif data/second-mask'],
  },
  'a folder for each class, none with a mask of the same image': {
    files: [
      ...['1', '2', '3', '4'].map((n) => `set/images/${n}.png`),
      ...['1', '2'].map((n) => `set/masks/road/${n}.png`),
      ...['3', '4'].map((n) => `set/masks/car/${n}.png`),
    ],
    pairs: [
      'set/images/1.png -> classes 2=set/masks/road/1.png',
      'set/images/2.png -> classes 2=set/masks/road/2.png',
      'set/images/3.png -> classes 1=set/masks/car/3.png',
      'set/images/4.png -> classes 1=set/masks/car/4.png',
    ],
    classNames: ['car', 'road'],
    refusals: ['set/masks/car/3.png data/masks-as-classes'],
  },
  'folders of masks side by side that may be of a class each': {
    files: [
      ...['1', '2', '3', '4'].map((n) => `set/images/${n}.png`),
      ...['1', '2'].map((n) => `set/masks_road/${n}.png`),
      ...['3', '4'].map((n) => `set/masks_car/${n}.png`),
    ],
    pairs: ['1', '2', '3', '4'].map(
      (n) => `set/images/${n}.png -> set/masks_${n < '3' ? 'road' : 'car'}/${n}.png`,
    ),
    refusals: ['set/masks_car/3.png data/masks-alike'],
  },
  'folders of masks for splits, annotators and numbered parts of one folder of images': {
    files: [
      ...['1', '2', '3', '4', '5', '6'].map((n) => `set/images/${n}.png`),
      ...['train', 'val', 'part1', 'part2', 'expert a', 'expert b'].map(
        (folder, i) => `set/masks/${folder}/${i + 1}.png`,
      ),
    ],
    pairs: ['train', 'val', 'part1', 'part2', 'expert a', 'expert b'].map(
      (folder, i) => `set/images/${i + 1}.png -> set/masks/${folder}/${i + 1}.png`,
    ),
  },
  'ilastik: a segmentation and the numbers of its objects': {
    files: ['1', '2'].flatMap((n) => [
      `${n}.tif`,
      `${n}_Simple Segmentation.tif`,
      `${n}_Object Identities.tif`,
    ]),
    pairs: ['1', '2'].map(
      (n) => `${n}.tif -> ${n}_Simple Segmentation.tif, instances ${n}_Object Identities.tif`,
    ),
  },
  'ISIC: superpixels beside the images': {
    files: ['0', '1'].flatMap((n) => [
      `Input/ISIC_000000${n}.jpg`,
      `Input/ISIC_000000${n}_superpixels.png`,
      `GroundTruth/ISIC_000000${n}_segmentation.png`,
    ]),
    pairs: ['0', '1'].map((n) => `Input/ISIC_000000${n}.jpg -> GroundTruth/ISIC_000000${n}_segmentation.png`),
    refusals: ['Input/ISIC_0000000_superpixels.png data/preview'],
  },
  'ControlNet: images that another is made of, and cut-outs in matting/': {
    files: ['0', '1'].flatMap((n) => [
      `cn/images/${n}.png`,
      `cn/conditioning_images/${n}.png`,
      `clip_img/p${n}.jpg`,
      `matting/p${n}.png`,
    ]),
    pairs: [
      ...['0', '1'].map((n) => `clip_img/p${n}.jpg -> matting/p${n}.png`),
      ...['0', '1'].map((n) => `cn/images/${n}.png -> cn/conditioning_images/${n}.png`),
    ],
  },
  'overlays beside instance maps and class maps': {
    files: ['1', '2'].flatMap((n) => [
      `Train/Images/train_${n}.png`,
      `Train/Labels/train_${n}_instances.npy`,
      `Train/Labels/train_${n}_labels.npy`,
      `Train/Overlay/train_${n}.png`,
    ]),
    pairs: ['1', '2'].map(
      (n) =>
        `Train/Images/train_${n}.png -> instances Train/Labels/train_${n}_instances.npy, labels Train/Labels/train_${n}_labels.npy`,
    ),
    refusals: ['Train/Overlay/train_1.png data/preview'],
  },
  'iSAID: folders called images below those of the masks': {
    files: ['0', '1'].flatMap((n) => [
      `iSAID/train/images/P000${n}.png`,
      `iSAID/train/Instance_masks/images/P000${n}_instance_id_RGB.png`,
      `iSAID/train/Semantic_masks/images/P000${n}_instance_color_RGB.png`,
    ]),
    pairs: ['0', '1'].map(
      (n) =>
        `iSAID/train/images/P000${n}.png -> instances iSAID/train/Instance_masks/images/P000${n}_instance_id_RGB.png`,
    ),
    refusals: ['iSAID/train/Semantic_masks/images/P0000_instance_color_RGB.png data/second-mask'],
  },
  'numbers with zeros before them on one side alone': {
    files: ['7', '8', '10'].flatMap((n) => [`images/${n.padStart(4, '0')}.jpg`, `masks/${n}.png`]),
    pairs: ['7', '8', '10'].map((n) => `images/${n.padStart(4, '0')}.jpg -> masks/${n}.png`),
  },
  'nnU-Net: two files for the channels of an image': {
    files: ['a_001', 'a_002'].flatMap((n) => [
      `imagesTr/${n}_0000.png`,
      `imagesTr/${n}_0001.png`,
      `labelsTr/${n}.png`,
    ]),
    pairs: ['a_001', 'a_002'].flatMap((n) => [
      `imagesTr/${n}_0000.png -> labels labelsTr/${n}.png`,
      `imagesTr/${n}_0001.png -> `,
    ]),
    refusals: ['imagesTr/a_001_0001.png data/shared-mask'],
  },
  'DSB 2018: a folder for each image, a file for each nucleus': {
    files: ['02a', '13b', '39c'].flatMap((id) => [
      `stage1/${id}/images/${id}.png`,
      `stage1/${id}/masks/f7${id}.png`,
      `stage1/${id}/masks/80${id}1.png`,
    ]),
    pairs: ['02a', '13b', '39c'].map(
      (id) =>
        `stage1/${id}/images/${id}.png -> objects stage1/${id}/masks/80${id}1.png stage1/${id}/masks/f7${id}.png`,
    ),
    datasets: ['stage1 3'],
  },
  'labelme_json_to_dataset: a folder a case, with a preview': {
    files: ['0', '1'].flatMap((n) => ['img', 'label', 'label_viz'].map((name) => `s/${n}_json/${name}.png`)),
    pairs: ['0', '1'].map((n) => `s/${n}_json/img.png -> s/${n}_json/label.png`),
    datasets: ['s 2'],
    refusals: ['s/0_json/label_viz.png data/preview'],
  },
  'a folder a case, in words nobody knows': {
    files: ['p1', 'p2', 'p3'].flatMap((n) => [`s/${n}/vorlage.png`, `s/${n}/umriss.png`]),
    flat: /umriss/,
    pairs: ['p1', 'p2', 'p3'].map((n) => `s/${n}/vorlage.png -> s/${n}/umriss.png`),
    datasets: ['s 3'],
  },
  'folders in words nobody knows': {
    files: ['1', '2', '3'].flatMap((n) => [`s/vorlagen/${n}.png`, `s/umrisse/${n}.png`]),
    flat: /umrisse/,
    pairs: ['1', '2', '3'].map((n) => `s/vorlagen/${n}.png -> s/umrisse/${n}.png`),
    datasets: ['s 3'],
  },
  'names in words nobody knows': {
    files: ['01', '02', '03'].flatMap((n) => [`s/vor${n}.png`, `s/um${n}.png`]),
    flat: /um\d/,
    pairs: ['01', '02', '03'].map((n) => `s/vor${n}.png -> s/um${n}.png`),
  },
  'endings in words nobody knows': {
    files: ['x', 'y', 'z'].flatMap((n) => [`s/${n}_vorlage.png`, `s/${n}_umriss.png`]),
    flat: /umriss/,
    pairs: ['x', 'y', 'z'].map((n) => `s/${n}_vorlage.png -> s/${n}_umriss.png`),
  },
  'slices that end in a letter and a number, a word on one side': {
    files: ['s1', 's2', 's3'].flatMap((n) => [`raw/P01_${n}.tif`, `gt/P01_gt_${n}.tif`]),
    pairs: ['s1', 's2', 's3'].map((n) => `raw/P01_${n}.tif -> gt/P01_gt_${n}.tif`),
  },
  'letters that count, in folders in words nobody knows': {
    files: ['a', 'b', 'c'].flatMap((n) => [`vorlagen/blatt_${n}.png`, `umrisse/blatt_${n}.png`]),
    flat: /umrisse/,
    pairs: ['a', 'b', 'c'].map((n) => `vorlagen/blatt_${n}.png -> umrisse/blatt_${n}.png`),
  },
  'two letters, in folders in words nobody knows': {
    files: ['l', 'r'].flatMap((n) => [`vorlagen/blatt_${n}.png`, `umrisse/blatt_${n}.png`]),
    flat: /umrisse/,
    pairs: ['l', 'r'].map((n) => `vorlagen/blatt_${n}.png -> umrisse/blatt_${n}.png`),
  },
  'a word inside the name, slices of two patients, in one folder': {
    files: ['p1', 'p2'].flatMap((p) =>
      ['z00', 'z01'].flatMap((n) => [`f/${p}_image_${n}.png`, `f/${p}_mask_${n}.png`]),
    ),
    pairs: ['p1', 'p2'].flatMap((p) =>
      ['z00', 'z01'].map((n) => `f/${p}_image_${n}.png -> f/${p}_mask_${n}.png`),
    ),
  },
  'a word inside the name, slices of two patients, in two folders': {
    files: ['p1', 'p2'].flatMap((p) =>
      ['z00', 'z01'].flatMap((n) => [`images/${p}_image_${n}.png`, `masks/${p}_mask_${n}.png`]),
    ),
    pairs: ['p1', 'p2'].flatMap((p) =>
      ['z00', 'z01'].map((n) => `images/${p}_image_${n}.png -> masks/${p}_mask_${n}.png`),
    ),
  },
  'a word inside the name of the masks alone': {
    files: ['s1', 's2'].flatMap((s) =>
      ['z00', 'z01'].flatMap((n) => [`f/${s}_${n}.png`, `f/${s}_mask_${n}.png`]),
    ),
    pairs: ['s1', 's2'].flatMap((s) => ['z00', 'z01'].map((n) => `f/${s}_${n}.png -> f/${s}_mask_${n}.png`)),
  },
  'OME-TIFF: a word before the second extension': {
    files: ['s0', 's1'].flatMap((n) => [`f/${n}.ome.tif`, `f/${n}_mask.ome.tif`]),
    pairs: ['s0', 's1'].map((n) => `f/${n}.ome.tif -> f/${n}_mask.ome.tif`),
  },
  'words at the start and inside': {
    files: ['0', '1'].flatMap((n) => [`f/img_${n}_raw_v2.png`, `f/img_${n}_mask_v2.png`]),
    pairs: ['0', '1'].map((n) => `f/img_${n}_raw_v2.png -> f/img_${n}_mask_v2.png`),
  },
  'a word inside the name, with a number for each object': {
    files: ['p1', 'p2'].flatMap((p) => [`f/${p}_z0.png`, `f/${p}_mask1_z0.png`, `f/${p}_mask2_z0.png`]),
    pairs: ['p1', 'p2'].map((p) => `f/${p}_z0.png -> objects f/${p}_mask1_z0.png f/${p}_mask2_z0.png`),
  },
  'photographs with such words inside their names': {
    files: ['f/lung_scan_left.jpg', 'f/my_lab_day.jpg', 'f/x_seg_red.jpg'],
    pairs: ['f/lung_scan_left.jpg -> ', 'f/my_lab_day.jpg -> ', 'f/x_seg_red.jpg -> '],
    refusals: ['f/my_lab_day.jpg data/mask-word', 'f/x_seg_red.jpg data/mask-word'],
  },
  'such words inside all names': {
    files: ['f/lung_seg_a1.png', 'f/lung_seg_a2.png'],
    pairs: ['f/lung_seg_a1.png -> ', 'f/lung_seg_a2.png -> '],
  },
  'images called by their colours': {
    files: ['1', '2'].flatMap((n) => [`f/car_${n}_rgb.png`, `f/car_${n}_mask.png`]),
    pairs: ['1', '2'].map((n) => `f/car_${n}_rgb.png -> f/car_${n}_mask.png`),
  },
  'ISBI 2012: stacks for training and test, labels for training': {
    files: ['1', '2'].flatMap((n) =>
      ['test-volume', 'train-volume', 'train-labels'].map((name) => `${name} page ${n}.tif`),
    ),
    pairs: [
      'test-volume page 1.tif -> ',
      'test-volume page 2.tif -> ',
      'train-volume page 1.tif -> train-labels page 1.tif',
      'train-volume page 2.tif -> train-labels page 2.tif',
    ],
  },
  'a stack with its masks beside images that are called by numbers': {
    files: ['1.png', '2.png', ...['1', '2'].flatMap((n) => [`x page ${n}.tif`, `x_mask page ${n}.tif`])],
    pairs: [
      '1.png -> ',
      '2.png -> ',
      'x page 1.tif -> x_mask page 1.tif',
      'x page 2.tif -> x_mask page 2.tif',
    ],
  },
  'two groups, masks of the second alone': {
    files: [
      ...['wellA', 'wellB'].flatMap((w) => ['00', '01'].map((n) => `images/${w}_img_${n}.tif`)),
      ...['00', '01'].map((n) => `masks/wellB_msk_${n}.tif`),
    ],
    pairs: [
      'images/wellA_img_00.tif -> ',
      'images/wellA_img_01.tif -> ',
      'images/wellB_img_00.tif -> masks/wellB_msk_00.tif',
      'images/wellB_img_01.tif -> masks/wellB_msk_01.tif',
    ],
  },
  'two groups, masks of the second alone, a word glued to its name': {
    files: ['1', '2'].flatMap((n) => [
      `images/cat_${n}.jpg`,
      `images/dog_${n}.jpg`,
      `masks/dogmask_${n}.png`,
    ]),
    pairs: [
      'images/cat_1.jpg -> ',
      'images/cat_2.jpg -> ',
      'images/dog_1.jpg -> masks/dogmask_1.png',
      'images/dog_2.jpg -> masks/dogmask_2.png',
    ],
  },
  'two groups, masks that could be of either': {
    files: ['1', '2'].flatMap((n) => [`images/cat_${n}.jpg`, `images/dog_${n}.jpg`, `masks/${n}.png`]),
    pairs: [
      'images/cat_1.jpg -> masks/1.png',
      'images/cat_2.jpg -> masks/2.png',
      'images/dog_1.jpg -> ',
      'images/dog_2.jpg -> ',
    ],
    refusals: ['images/dog_1.jpg data/shared-mask'],
  },
  'two groups, images and masks in words nobody knows': {
    files: ['wellA', 'wellB'].flatMap((w) =>
      ['00', '01'].flatMap((n) => [`vorlagen/${w}_foto_${n}.tif`, `masks/${w}_umriss_${n}.tif`]),
    ),
    pairs: ['wellA', 'wellB'].flatMap((w) =>
      ['00', '01'].map((n) => `vorlagen/${w}_foto_${n}.tif -> masks/${w}_umriss_${n}.tif`),
    ),
  },
  'masks of another patient': {
    files: ['z0', 'z1'].flatMap((n) => [`images/p2_${n}.png`, `masks/p1_${n}.png`]),
    pairs: ['images/p2_z0.png -> ', 'images/p2_z1.png -> '],
    refusals: ['masks/p1_z0.png data/mask-without-image', 'masks/p1_z1.png data/mask-without-image'],
  },
  'BraTS: a folder a patient, a file for each of four channels': {
    files: ['000', '001'].flatMap((id) =>
      ['flair', 't1', 't1ce', 't2', 'seg'].map((name) => `BraTS20_${id}/BraTS20_${id}_${name}.png`),
    ),
    pairs: ['000', '001'].flatMap((id) => [
      `BraTS20_${id}/BraTS20_${id}_flair.png -> BraTS20_${id}/BraTS20_${id}_seg.png`,
      ...['t1', 't1ce', 't2'].map((name) => `BraTS20_${id}/BraTS20_${id}_${name}.png -> `),
    ]),
    datasets: ['dataset 8'],
    refusals: ['BraTS20_000/BraTS20_000_t1.png data/shared-mask'],
  },
  'BraTS: slices of volumes': {
    files: ['1', '2'].flatMap((n) => ['flair', 't1', 't2', 'seg'].map((name) => `P/P_${name} page ${n}.nii`)),
    pairs: [
      ...['1', '2'].map((n) => `P/P_flair page ${n}.nii -> P/P_seg page ${n}.nii`),
      ...['t1', 't2'].flatMap((name) => ['1', '2'].map((n) => `P/P_${name} page ${n}.nii -> `)),
    ],
    refusals: ['P/P_t1 page 1.nii data/shared-mask'],
  },
  'PNGs with numbers beside JPEGs': {
    files: ['leaf0', 'leaf1'].flatMap((n) => [`f/${n}.jpg`, `f/${n}-1.png`, `f/${n}-2.png`]),
    pairs: ['leaf0', 'leaf1'].map((n) => `f/${n}.jpg -> objects f/${n}-1.png f/${n}-2.png`),
  },
  'photographs with numbers beside JPEGs': {
    files: ['f/a.jpg', 'f/a-1.png', 'f/a-2.png'],
    flat: /nothing/,
    pairs: ['f/a-1.png -> ', 'f/a-2.png -> ', 'f/a.jpg -> '],
  },
  'numbers with zeros before them beside words for both': {
    files: ['1', '2', '10'].flatMap((n) => [`images/Image_${n}.png`, `masks/Mask_${n.padStart(2, '0')}.png`]),
    pairs: ['1', '2', '10'].map((n) => `images/Image_${n}.png -> masks/Mask_${n.padStart(2, '0')}.png`),
  },
  'endings in words nobody knows, after a word for images': {
    files: ['1', '2'].flatMap((n) => [`f/IMG_${n}_foto.png`, `f/IMG_${n}_umriss.png`]),
    flat: /umriss/,
    pairs: ['1', '2'].map((n) => `f/IMG_${n}_foto.png -> f/IMG_${n}_umriss.png`),
  },
  'two zips dropped together, each with its folder': {
    files: ['a', 'b'].flatMap((n) => [`images.zip/images/${n}.png`, `masks.zip/masks/${n}.png`]),
    pairs: ['a', 'b'].map((n) => `images.zip/images/${n}.png -> masks.zip/masks/${n}.png`),
    datasets: ['dataset 2'],
  },
  'two folders dropped together': {
    files: ['s0', 's1'].flatMap((n) => [`scans/${n}.png`, `scans-segmented/${n}.png`]),
    pairs: ['s0', 's1'].map((n) => `scans/${n}.png -> scans-segmented/${n}.png`),
  },
  'a file an object, numbered, without the first name': {
    files: ['leaf0', 'leaf1'].flatMap((n) => [`images/${n}.png`, `masks/${n}_1.png`, `masks/${n}_2.png`]),
    pairs: ['leaf0', 'leaf1'].map((n) => `images/${n}.png -> objects masks/${n}_1.png masks/${n}_2.png`),
  },
  'a file an object, in a folder for each image': {
    files: ['a', 'b'].flatMap((n) => [`images/${n}.png`, `masks/${n}/0.png`, `masks/${n}/1.png`]),
    pairs: ['a', 'b'].map((n) => `images/${n}.png -> objects masks/${n}/0.png masks/${n}/1.png`),
  },
  'a folder for each class below masks/, one class missing in an image': {
    files: ['images/0.png', 'images/1.png', 'masks/leaf/0.png', 'masks/stem/0.png', 'masks/stem/1.png'],
    pairs: [
      'images/0.png -> classes 1=masks/leaf/0.png 2=masks/stem/0.png',
      'images/1.png -> classes 2=masks/stem/1.png',
    ],
    classNames: ['leaf', 'stem'],
  },
  'IDRiD: numbered folders for the classes, with a suffix for each': {
    files: ['a. Training Set/I_1', 'b. Testing Set/I_2'].flatMap((place) => {
      const [set, name] = place.split('/');
      return [
        `A/1. Original Images/${place}.jpg`,
        `A/2. All Segmentation Groundtruths/${set}/1. Haemorrhages/${name}_HE.tif`,
        `A/2. All Segmentation Groundtruths/${set}/5. Optic Disc/${name}_OD.tif`,
      ];
    }),
    pairs: ['a. Training Set/I_1', 'b. Testing Set/I_2'].map((place) => {
      const [set, name] = place.split('/');
      const masks = `A/2. All Segmentation Groundtruths/${set}`;
      return `A/1. Original Images/${place}.jpg -> classes 1=${masks}/1. Haemorrhages/${name}_HE.tif 2=${masks}/5. Optic Disc/${name}_OD.tif`;
    }),
    splits: ['train', 'test'],
    classNames: ['1. Haemorrhages', '5. Optic Disc'],
  },
  'folders of classes within those of splits': {
    files: ['train/0', 'val/1'].flatMap((place) => {
      const [split, n] = place.split('/');
      return [`images/${place}.png`, ...['leaf', 'stem'].map((name) => `masks/${split}/${name}/${n}.png`)];
    }),
    pairs: [
      'images/train/0.png -> classes 1=masks/train/leaf/0.png 2=masks/train/stem/0.png',
      'images/val/1.png -> classes 1=masks/val/leaf/1.png 2=masks/val/stem/1.png',
    ],
    splits: ['train', 'val'],
    classNames: ['leaf', 'stem'],
  },
  'CVPPP: the image by its colours, beside a mask, its foreground and the centres of its leaves': {
    files: ['1', '2'].flatMap((n) =>
      ['rgb', 'label', 'fg', 'centers'].map((kind) => `A1/plant00${n}_${kind}.png`),
    ),
    flat: /label|fg|centers/,
    pairs: ['1', '2'].map((n) => `A1/plant00${n}_rgb.png -> A1/plant00${n}_label.png`),
    refusals: ['A1/plant001_centers.png data/preview', 'A1/plant001_fg.png data/second-mask'],
  },
  'CTC: one gold frame beside silver ones, which nothing compares': {
    files: [
      ...['000', '001', '002'].flatMap((n) => [`c/01/t${n}.tif`, `c/01_ST/SEG/man_seg${n}.tif`]),
      'c/01_GT/SEG/man_seg001.tif',
    ],
    pairs: ['000', '001', '002'].map((n) => `c/01/t${n}.tif -> c/01_ST/SEG/man_seg${n}.tif`),
    refusals: ['c/01_GT/SEG/man_seg001.tif data/second-mask'],
  },
  'CTC: one gold frame beside silver ones that are nearly the same': {
    files: [
      ...['000', '001', '002'].flatMap((n) => [`c/01/t${n}.tif`, `c/01_ST/SEG/man_seg${n}.tif`]),
      'c/01_GT/SEG/man_seg001.tif',
    ],
    pairs: ['000', '001', '002'].map(
      (n) => `c/01/t${n}.tif -> c/01_${n === '001' ? 'GT' : 'ST'}/SEG/man_seg${n}.tif`,
    ),
    parts: /seg/,
    refusals: ['c/01_ST/SEG/man_seg001.tif data/second-mask'],
  },
  'one image of several was labelled, under another name with its number': {
    files: [...['8', '9', '10'].map((n) => `images/t${n}.png`), 'masks/drawn_9.png'],
    pairs: ['images/t8.png -> ', 'images/t9.png -> masks/drawn_9.png', 'images/t10.png -> '],
  },
  'BBBC010: the name of a well within those of its channels': {
    files: ['A01', 'A02', 'B11'].flatMap((well) => [
      ...['w1_9E84', 'w2_1B25'].map((end) => `images/1649_Amp5-1_B_20070424_${well}_${end}-${well}F.tif`),
      `foreground/${well}_binary.png`,
    ]),
    pairs: ['A01', 'A02', 'B11'].flatMap((well) => [
      `images/1649_Amp5-1_B_20070424_${well}_w1_9E84-${well}F.tif -> foreground/${well}_binary.png`,
      `images/1649_Amp5-1_B_20070424_${well}_w2_1B25-${well}F.tif -> `,
    ]),
    refusals: ['images/1649_Amp5-1_B_20070424_A01_w2_1B25-A01F.tif data/shared-mask'],
  },
  'a code that images of several plates have': {
    files: ['p_A01', 'q_A01'].map((n) => `images/${n}_x.tif`).concat('masks/A01_gt.png', 'masks/B01_gt.png'),
    pairs: ['images/p_A01_x.tif -> ', 'images/q_A01_x.tif -> '],
    refusals: ['masks/A01_gt.png data/mask-without-image', 'masks/B01_gt.png data/mask-without-image'],
  },
  'Omnipose and Cellpose: flows beside masks': {
    files: ['1', '2'].flatMap((n) => [`c/${n}.tif`, `c/${n}_flows.tif`, `c/${n}_masks.tif`]),
    flat: /flows|masks/,
    pairs: ['1', '2'].map((n) => `c/${n}.tif -> c/${n}_masks.tif`),
    refusals: ['c/1_flows.tif data/preview'],
  },
  'ADE20K in full: parts of few images': {
    files: [...['1', '2', '3', '4'].flatMap((n) => [`a/${n}.jpg`, `a/${n}_seg.png`]), 'a/3_parts_1.png'],
    pairs: ['1', '2', '3', '4'].map((n) => `a/${n}.jpg -> a/${n}_seg.png`),
    refusals: ['a/3_parts_1.png data/second-mask'],
  },
  'what only looks like masks, beside files that are called so': {
    files: ['1', '2'].flatMap((n) => [`c/${n}.jpg`, `c/${n}_parts.png`, `c/${n}_seg.png`]),
    flat: /parts|seg/,
    pairs: ['1', '2'].map((n) => `c/${n}.jpg -> c/${n}_seg.png`),
    refusals: ['c/1_parts.png data/second-mask'],
  },
  'NuInsSeg: an organ of man in the names, aids in folders beside the images': {
    files: ['1', '2'].flatMap((n) =>
      ['tissue images', 'mask binary', 'distance maps', 'overlay'].map(
        (kind) => `h/${kind}/human_skin_${n}.png`,
      ),
    ),
    flat: /mask/,
    pairs: ['1', '2'].map((n) => `h/tissue images/human_skin_${n}.png -> h/mask binary/human_skin_${n}.png`),
    datasets: ['h 2'],
    refusals: ['h/distance maps/human_skin_1.png data/preview', 'h/overlay/human_skin_1.png data/preview'],
  },
  'Inria: images to be segmented in a split without masks': {
    files: ['1', '2'].flatMap((n) => [
      `AerialImageDataset/train/images/a${n}.tif`,
      `AerialImageDataset/train/gt/a${n}.tif`,
      `AerialImageDataset/test/images/b${n}.tif`,
    ]),
    pairs: [
      ...['1', '2'].map((n) => `AerialImageDataset/test/images/b${n}.tif -> `),
      ...['1', '2'].map(
        (n) => `AerialImageDataset/train/images/a${n}.tif -> AerialImageDataset/train/gt/a${n}.tif`,
      ),
    ],
    datasets: ['AerialImageDataset 4'],
  },
  'MVTec: sound parts in both splits, faults in the test': {
    files: ['0', '1'].flatMap((n) => [
      `hazelnut/train/good/${n}.png`,
      `hazelnut/test/good/${n}.png`,
      `hazelnut/test/hole/${n}.png`,
      `hazelnut/ground_truth/hole/${n}_mask.png`,
    ]),
    pairs: ['test/good/0', 'test/good/1', 'test/hole/0', 'test/hole/1', 'train/good/0', 'train/good/1'].map(
      (name) =>
        `hazelnut/${name}.png -> ${name.includes('hole') ? `hazelnut/ground_truth/hole/${name.at(-1)}_mask.png` : ''}`,
    ),
    datasets: ['hazelnut 6'],
  },
  'LGG: folders of patients, after whom the slices are called': {
    files: ['CS_1_9', 'DU_2_8'].flatMap((p) =>
      ['1', '2'].flatMap((n) => [`mri/T_${p}/T_${p}_${n}.tif`, `mri/T_${p}/T_${p}_${n}_mask.tif`]),
    ),
    pairs: ['CS_1_9', 'DU_2_8'].flatMap((p) =>
      ['1', '2'].map((n) => `mri/T_${p}/T_${p}_${n}.tif -> mri/T_${p}/T_${p}_${n}_mask.tif`),
    ),
    datasets: ['mri 4'],
  },
  'two sets whose images are called after their folder': {
    files: ['discs', 'bars'].flatMap((kind) =>
      ['0', '1'].flatMap((n) => [`${kind}/${kind}_${n}.png`, `${kind}/${kind}_${n}_mask.png`]),
    ),
    pairs: ['bars', 'discs'].flatMap((kind) =>
      ['0', '1'].map((n) => `${kind}/${kind}_${n}.png -> ${kind}/${kind}_${n}_mask.png`),
    ),
    datasets: ['bars 2', 'discs 2'],
  },
  'Kolektor: folders that differ in a number alone': {
    files: ['1', '2', '3'].flatMap((k) =>
      ['0', '1'].flatMap((n) => [`K/kos${k}/Part${n}.jpg`, `K/kos${k}/Part${n}_label.bmp`]),
    ),
    pairs: ['1', '2', '3'].flatMap((k) =>
      ['0', '1'].map((n) => `K/kos${k}/Part${n}.jpg -> K/kos${k}/Part${n}_label.bmp`),
    ),
    datasets: ['K 6'],
  },
  'KiTS: an image of the same name in the folder of each case': {
    files: ['0', '1'].flatMap((n) => [`k/case_${n}/imaging.png`, `k/case_${n}/segmentation.png`]),
    pairs: ['0', '1'].map((n) => `k/case_${n}/imaging.png -> k/case_${n}/segmentation.png`),
    datasets: ['k 2'],
  },
  'two sets with images and masks in one folder each, of the same name': {
    files: ['crack', 'hole'].flatMap((kind) => [
      `m/${kind}/Imgs/${kind}.jpg`,
      `m/${kind}/Imgs/${kind}.png`,
      `m/${kind}/Imgs/b.jpg`,
    ]),
    pairs: ['crack', 'hole'].flatMap((kind) => [
      `m/${kind}/Imgs/b.jpg -> `,
      `m/${kind}/Imgs/${kind}.jpg -> m/${kind}/Imgs/${kind}.png`,
    ]),
    datasets: ['crack 2', 'hole 2'],
  },
  'masks without any images': {
    files: ['masks/1.png', 'masks/2.png'],
    pairs: [],
    refusals: ['masks/1.png data/mask-without-image', 'masks/2.png data/mask-without-image'],
  },
  'a word inside the name, numbers after it': {
    files: ['1', '2'].flatMap((n) => [`images/p1_image_000${n}.png`, `masks/p1_mask_000${n}.png`]),
    pairs: ['1', '2'].map((n) => `images/p1_image_000${n}.png -> masks/p1_mask_000${n}.png`),
  },
  'Cityscapes in one folder: what ends in its colours is no image beside other masks': {
    files: ['000000', '000001', '000002'].flatMap((n) =>
      ['leftImg8bit', 'gtFine_color', 'gtFine_instanceIds', 'gtFine_labelIds'].map(
        (kind) => `flat/ulm_${n}_000019_${kind}.png`,
      ),
    ),
    pairs: ['000000', '000001', '000002'].map(
      (n) =>
        `flat/ulm_${n}_000019_leftImg8bit.png -> flat/ulm_${n}_000019_gtFine_labelIds.png, instances flat/ulm_${n}_000019_gtFine_instanceIds.png`,
    ),
    refusals: ['flat/ulm_000000_000019_gtFine_color.png data/preview'],
  },
  'images called by their colours, all with a word for masks in their names': {
    files: ['1', '2', '3'].flatMap((n) => [`t/target_${n}_rgb.png`, `t/target_${n}_label.png`]),
    pairs: ['1', '2', '3'].map((n) => `t/target_${n}_rgb.png -> t/target_${n}_label.png`),
  },
  'HRF: what images and masks both end with tells no sorts of masks': {
    files: ['dr', 'g', 'h'].flatMap((kind) =>
      ['01', '02'].flatMap((n) => [
        `images/${n}_${kind}.jpg`,
        `manual1/${n}_${kind}.tif`,
        `mask/${n}_${kind}_mask.tif`,
      ]),
    ),
    pairs: ['01', '02'].flatMap((n) =>
      ['dr', 'g', 'h'].map((kind) => `images/${n}_${kind}.jpg -> manual1/${n}_${kind}.tif`),
    ),
    refusals: ['mask/01_dr_mask.tif data/second-mask'],
  },
  'PH2: one region of interest in each case': {
    files: ['IMD002', 'IMD003', 'IMD435'].flatMap((n) => [
      `PH2/${n}/${n}_Dermoscopic_Image/${n}.bmp`,
      `PH2/${n}/${n}_lesion/${n}_lesion.bmp`,
      `PH2/${n}/${n}_roi/${n}_R1_Label4.bmp`,
    ]),
    pairs: ['IMD002', 'IMD003', 'IMD435'].map(
      (n) => `PH2/${n}/${n}_Dermoscopic_Image/${n}.bmp -> PH2/${n}/${n}_lesion/${n}_lesion.bmp`,
    ),
    flat: /lesion|Label/,
    refusals: ['PH2/IMD002/IMD002_roi/IMD002_R1_Label4.bmp data/preview'],
  },
  'Label Studio: brushes called after their task, in a folder without a word for masks': {
    files: [
      'images/a.jpg',
      'images/b.jpg',
      'project-1/task-1-annotation-9-by-1-tag-leaf-0.png',
      'project-1/task-2-annotation-10-by-1-tag-leaf-0.png',
    ],
    pairs: ['images/a.jpg -> ', 'images/b.jpg -> '],
    refusals: [
      'project-1/task-1-annotation-9-by-1-tag-leaf-0.png data/mask-without-image-name',
      'project-1/task-2-annotation-10-by-1-tag-leaf-0.png data/mask-without-image-name',
    ],
  },
  'CelebAMask: a file for each class, in folders that only count and are called as an image is': {
    files: ['0', '1', '2', '3'].flatMap((n) => [
      `faces/img/${n}.jpg`,
      ...['hair', 'skin'].map((part) => `faces/mask-anno/${n > '1' ? 1 : 0}/0000${n}_${part}.png`),
    ]),
    pairs: ['0', '1', '2', '3'].map((n) => {
      const mask = `faces/mask-anno/${n > '1' ? 1 : 0}/0000${n}`;
      return `faces/img/${n}.jpg -> classes 1=${mask}_hair.png 2=${mask}_skin.png`;
    }),
    parts: /hair|skin/,
    classNames: ['hair', 'skin'],
    refusals: ['faces/mask-anno/0/00000_hair.png data/masks-as-classes'],
  },
  'DAGM: folders Class1 and Class2, in which images and masks lie': {
    files: ['Class1', 'Class2'].flatMap((c) =>
      ['1', '2'].flatMap((n) => [`D/${c}/Train/${n}.PNG`, `D/${c}/Train/Label/${n}_label.PNG`]),
    ),
    pairs: ['Class1', 'Class2'].flatMap((c) =>
      ['1', '2'].map((n) => `D/${c}/Train/${n}.PNG -> labels D/${c}/Train/Label/${n}_label.PNG`),
    ),
    datasets: ['Class1 2', 'Class2 2'],
  },
  'BDD100K: masks and colormaps of labels': {
    files: ['1', '2'].flatMap((n) => [
      `images/10k/train/${n}.jpg`,
      `labels/sem_seg/masks/train/${n}.png`,
      `labels/sem_seg/colormaps/train/${n}.png`,
    ]),
    pairs: ['1', '2'].map((n) => `images/10k/train/${n}.jpg -> labels/sem_seg/masks/train/${n}.png`),
    refusals: ['labels/sem_seg/colormaps/train/1.png data/preview'],
  },
  'photographs in results/ and output/, called as the images are': {
    files: ['1', '2'].flatMap((n) => [
      `set/images/a${n}.jpg`,
      `set/masks/a${n}.png`,
      `set/results/a${n}.jpg`,
      `set/output/a${n}.png`,
    ]),
    pairs: ['1', '2'].map((n) => `set/images/a${n}.jpg -> set/masks/a${n}.png`),
    refusals: ['set/output/a1.png data/preview', 'set/results/a1.jpg data/preview'],
  },
  'photographs in output/ beside another set, called otherwise': {
    files: ['1', '2'].flatMap((n) => [
      `set/images/a${n}.jpg`,
      `set/masks/a${n}.png`,
      `output/slide_b${n}${n}.png`,
      `set/heatmaps/lost_b${n}${n}.png`,
    ]),
    flat: /masks|heatmaps/,
    pairs: [
      ...['1', '2'].map((n) => `output/slide_b${n}${n}.png -> `),
      ...['1', '2'].map((n) => `set/images/a${n}.jpg -> set/masks/a${n}.png`),
    ],
    datasets: ['output 2', 'set 2'],
    refusals: ['1', '2'].map((n) => `set/heatmaps/lost_b${n}${n}.png data/mask-without-image`),
  },
  'images in output/ beside their masks': {
    files: ['1', '2'].flatMap((n) => [`set/output/a${n}.png`, `set/masks/a${n}.png`]),
    pairs: ['1', '2'].map((n) => `set/output/a${n}.png -> set/masks/a${n}.png`),
  },
  'masks in output/ beside their images': {
    files: ['1', '2'].flatMap((n) => [`set/photos/a${n}.png`, `set/output/a${n}.png`]),
    pairs: ['1', '2'].map((n) => `set/photos/a${n}.png -> set/output/a${n}.png`),
  },
  'a word for an aid in the names of all images and masks, beside another set': {
    files: [
      ...['1', '2', '3'].flatMap((n) => [`A/images/edge_${n}.png`, `A/masks/edge_${n}.png`]),
      'B/images/x.jpg',
      'B/masks/x.png',
      'C/images/depth_1.png',
    ],
    pairs: [
      ...['1', '2', '3'].map((n) => `A/images/edge_${n}.png -> A/masks/edge_${n}.png`),
      'B/images/x.jpg -> B/masks/x.png',
      'C/images/depth_1.png -> ',
    ],
    datasets: ['A 3', 'B 1', 'C 1'],
  },
  'a folder for each image, with objects that are numbered as images are': {
    files: ['1', '2', '10'].flatMap((n) => [
      `images/cell${n}.png`,
      `masks/cell${n}/1.png`,
      `masks/cell${n}/2.png`,
    ]),
    pairs: ['1', '2', '10'].map(
      (n) => `images/cell${n}.png -> objects masks/cell${n}/1.png masks/cell${n}/2.png`,
    ),
  },
  'MVTec LOCO: a folder for each image, with files that are called as images are': {
    files: ['000', '001', '002'].flatMap((n) => [
      `box/test/good/${n}.png`,
      `box/test/fault/${n}.png`,
      `box/ground_truth/fault/${n}/000.png`,
      ...(n === '001' ? [`box/ground_truth/fault/${n}/001.png`] : []),
    ]),
    pairs: [
      'box/test/fault/000.png -> box/ground_truth/fault/000/000.png',
      'box/test/fault/001.png -> objects box/ground_truth/fault/001/000.png box/ground_truth/fault/001/001.png',
      'box/test/fault/002.png -> box/ground_truth/fault/002/000.png',
      'box/test/good/000.png -> ',
      'box/test/good/001.png -> ',
      'box/test/good/002.png -> ',
    ],
  },
};

describe('layouts of public sets', () => {
  it.each(Object.entries(layouts))('%s', async (_, layout) => {
    const { flat, parts } = layout;
    const words = new Set<string>();
    const peek = async (path: string): Promise<Appearance | undefined> => {
      const word = parts?.exec(path)?.[0];
      if (word === undefined) return flat && (flat.test(path) ? MASK : PHOTO);
      const foreground = new Uint8Array(4);
      foreground[[...words.add(word)].indexOf(word)] = 1;
      return { ...MASK, foreground, share: 0.25 };
    };
    // The order in which files come must not matter.
    for (const files of [layout.files, [...layout.files].reverse()]) {
      const { datasets, refusals } = await pairFiles(
        files.map((path) => ({ path, size: 1 })),
        { peek },
      );
      const samples = datasets.flatMap((dataset) => dataset.samples);
      expect(samples.map(shown)).toEqual(layout.pairs);
      if (layout.splits) expect(samples.map(({ split }) => split)).toEqual(layout.splits);
      if (layout.datasets) {
        expect(datasets.map(({ name, samples: own }) => `${name} ${own.length}`)).toEqual(layout.datasets);
      }
      expect([...(datasets[0]?.classNames?.values() ?? [])]).toEqual(layout.classNames ?? []);
      expect(refusals.map(({ file, code }) => `${file} ${code}`)).toEqual(layout.refusals ?? []);
    }
  });
});

describe('several masks of an image that mark different places', () => {
  const files = ['1', '2'].flatMap((n) => [`${n}.jpg`, `${n}_leaf_mask.png`, `${n}_stem_mask.png`]);
  const read = (places: Readonly<Record<string, readonly number[]>>) => {
    const peek = async (path: string): Promise<Appearance> => {
      const foreground = Uint8Array.from(places[path.split('_')[1] ?? ''] ?? []);
      return { flatness: 0.97, foreground, share: foreground.filter(Boolean).length / 4 };
    };
    return pairFiles(
      files.map((path) => ({ path, size: 1 })),
      { peek },
    );
  };

  it('are classes, named without the words for masks', async () => {
    const { datasets } = await read({ leaf: [1, 1, 0, 0], stem: [0, 0, 1, 1] });
    expect([...(datasets[0]?.classNames ?? [])]).toEqual([
      [1, 'leaf'],
      [2, 'stem'],
    ]);
  });

  it('are none where one is empty, which says nothing', async () => {
    const { datasets, refusals } = await read({ leaf: [1, 1, 0, 0], stem: [0, 0, 0, 0] });
    expect(datasets[0]?.classNames).toBeUndefined();
    expect(refusals.map(({ code }) => code)).toEqual(['data/second-mask']);
  });
});
