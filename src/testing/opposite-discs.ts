/**
 * Two datasets of the same drawn images whose labels contradict each other, so that a click may mean either: the bright middle
 * of a disc (`inner`), or the whole disc (`whole`).
 */
import { Random } from '../config/random.ts';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import type { BinaryMask, RgbImage, Split } from '../data/types.ts';

export const OPPOSITE = ['inner', 'whole'] as const;
export type Opposite = (typeof OPPOSITE)[number];

/** Pixels of a side. */
const SIDE = 128;

/** The split of each image, in both datasets. */
const SPLITS: readonly Split[] = [...Array<Split>(4).fill('train'), 'val', 'val', 'test', 'test'];

/** The first image that takes no part in training. */
export const FIRST_TESTED = SPLITS.indexOf('test');

interface OppositeImage {
  readonly image: RgbImage;
  readonly masks: Readonly<Record<Opposite, BinaryMask>>;
  /** Centres of the discs, where a click lies in objects of either dataset; pixels. */
  readonly centres: readonly { readonly x: number; readonly y: number }[];
}

/** Four discs in two rows that do not touch. Equal indices give equal images. */
export function drawOpposite(index: number): OppositeImage {
  const random = Random.fromSeed(index, 'opposite discs');
  const discs = [0, 1, 2, 3].map((cell) => ({
    x: 32 + 64 * (cell % 2) + random.range(-4, 4),
    y: 32 + 64 * Math.floor(cell / 2) + random.range(-4, 4),
    radius: random.range(16, 27),
    share: random.range(0.45, 0.6),
    colour: [0, 1, 2].map(() => random.range(90, 220)),
  }));
  const data = new Uint8Array(3 * SIDE * SIDE);
  const masks = { inner: new Uint8Array(SIDE * SIDE), whole: new Uint8Array(SIDE * SIDE) };
  for (let i = 0; i < SIDE * SIDE; i++) {
    const [x, y] = [(i % SIDE) + 0.5, Math.floor(i / SIDE) + 0.5];
    const away = (disc: { x: number; y: number }) => Math.hypot(x - disc.x, y - disc.y);
    const disc = discs.find((each) => away(each) < each.radius);
    const isMiddle = disc !== undefined && away(disc) < disc.radius * disc.share;
    masks.whole[i] = Number(disc !== undefined);
    masks.inner[i] = Number(isMiddle);
    for (const c of [0, 1, 2]) {
      const value = disc ? (disc.colour[c] ?? 0) * (isMiddle ? 1 : 0.6) : 60;
      data[3 * i + c] = Math.max(0, Math.min(255, value + 6 * random.normal()));
    }
  }
  const size = { width: SIDE, height: SIDE };
  return {
    image: { ...size, channels: 3, data },
    masks: { inner: { ...size, data: masks.inner }, whole: { ...size, data: masks.whole } },
    centres: discs,
  };
}

/** The files of both datasets by their paths, in folders that name the splits. */
export function oppositeFiles(): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const [index, split] of SPLITS.entries()) {
    const { image, masks } = drawOpposite(index);
    for (const dataset of OPPOSITE) {
      files.set(`${dataset}/images/${split}/${index}.png`, encodeImagePng(image));
      files.set(`${dataset}/masks/${split}/${index}.png`, encodeMaskPng(masks[dataset]));
    }
  }
  return files;
}
