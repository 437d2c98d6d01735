/** Draws images with masks of two made-up domains from a seed, as folders on disk. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodePng } from './png.ts';

export interface Pair {
  readonly image: Buffer;
  readonly mask: Buffer;
}

/**
 * Light discs on a dark, noisy background, or dark bars on a light one. Masks cover the core of each object only,
 * which no model does without training.
 */
export type Domain = 'discs' | 'bars';

/** Radius of the core, as a share of the object's. */
const CORE = 0.6;

const WIDTH = 120;
const HEIGHT = 90;

/** One image of a domain; the same seed gives the same image. */
export function drawPair(domain: Domain, seed: number): Pair {
  const random = randomFrom(seed * 2 + (domain === 'bars' ? 1 : 0));
  const depth = domain === 'discs' ? discs(random) : bars(random);
  const image = new Uint8Array(WIDTH * HEIGHT * 3);
  const mask = new Uint8Array(WIDTH * HEIGHT);
  const [ground, object] =
    domain === 'discs'
      ? [
          [40, 50, 70],
          [200, 180, 120],
        ]
      : [
          [190, 195, 200],
          [60, 50, 45],
        ];
  for (let y = 0; y < HEIGHT; y++)
    for (let x = 0; x < WIDTH; x++) {
      const at = y * WIDTH + x;
      const away = depth(x + 0.5, y + 0.5);
      if (away < CORE) mask[at] = 255;
      const colour = (away < 1 ? object : ground) ?? [];
      for (let c = 0; c < 3; c++) image[at * 3 + c] = (colour[c] ?? 0) + Math.floor(24 * random());
    }
  return {
    image: encodePng({ width: WIDTH, height: HEIGHT, channels: 3, data: image }),
    mask: encodePng({ width: WIDTH, height: HEIGHT, channels: 1, data: mask }),
  };
}

export interface Disc {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

/** The discs of an image, in pixels: the first on the left, the second on the right. */
export function discsOf(seed: number): readonly [Disc, Disc] {
  const [first, second] = discList(randomFrom(seed * 2));
  if (!first || !second) throw new Error('an image of discs has two');
  return [first, second];
}

/** Centre of an image's first disc, in pixels. */
export function firstDisc(seed: number): Disc {
  return discsOf(seed)[0];
}

/**
 * Writes `<folder>/<domain>/images|masks/*.png`.
 * @param splits of each image the folder in between that names its split; else none.
 */
export async function writeDomain(
  folder: string,
  domain: Domain,
  count: number,
  splits: readonly string[] = [],
): Promise<void> {
  for (let index = 0; index < count; index++) {
    const pair = drawPair(domain, index);
    const name = `${domain}_${String(index).padStart(2, '0')}.png`;
    for (const kind of ['image', 'mask'] as const) {
      const path = join(folder, domain, `${kind}s`, splits[index] ?? '', name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, pair[kind]);
    }
  }
}

/** Distance from the middle of the nearest object: 0 there, 1 at its edge. */
type Depth = (x: number, y: number) => number;

function discList(random: () => number): Disc[] {
  return Array.from({ length: 2 }, (_, index) => ({
    x: 20 + 60 * index + 20 * random(),
    y: 25 + 40 * random(),
    radius: 11 + 7 * random(),
  }));
}

function discs(random: () => number): Depth {
  const list = discList(random);
  return (x, y) => Math.min(...list.map((disc) => Math.hypot(x - disc.x, y - disc.y) / disc.radius));
}

function bars(random: () => number): Depth {
  const list = Array.from({ length: 2 }, (_, index) => ({
    at: 20 + 50 * index + 15 * random(),
    width: 8 + 6 * random(),
    lean: random() - 0.5,
  }));
  return (x, y) =>
    Math.min(...list.map((bar) => Math.abs(x - bar.at - bar.lean * (y - HEIGHT / 2)) / (bar.width / 2)));
}

/** A small linear congruential generator: good enough for images, the same on every machine. */
function randomFrom(seed: number): () => number {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
