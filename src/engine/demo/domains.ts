/** The demo's three domains: what a person might bring, drawn by code, so that nothing has to be downloaded. */
import { Random } from '../../config/random.ts';
import type { LabelMap, RgbImage } from '../../data/types.ts';
import { Canvas, type Colour, ellipse, lens, polyline, type Shape, smoothNoise, union } from './canvas.ts';

export interface DemoSample {
  readonly image: RgbImage;
  /** One id per object. */
  readonly objects: LabelMap;
}

export interface DemoDomain {
  readonly id: string;
  /** As the dataset is called. */
  readonly name: string;
  draw(random: Random): DemoSample;
}

/** Images of each domain. */
export const DEMO_IMAGES = 24;

/** Bright cells on a dark ground, some touching, some out of focus, over a haze: fluorescence. */
const cells: DemoDomain = {
  id: 'cells',
  name: 'Demo cells',
  draw(random) {
    const canvas = new Canvas(224, 192);
    const haze = smoothNoise(random, 60, 2);
    const tint: Colour = random.chance(0.5) ? [0.2, 1, 0.5] : [0.35, 0.5, 1];
    canvas.fill((x, y) => shade(tint, 0.04 + 0.14 * haze(x, y)));
    const spots = scatter(random, canvas, 6 + random.integer(5), 24, 15);
    spots.forEach(([x, y], i) => {
      const rx = random.range(11, 21);
      const ry = rx * random.range(0.65, 1);
      const brightness = random.range(0.3, 0.85);
      const texture = smoothNoise(random, 7, 2);
      canvas.draw(
        ellipse(x, y, rx, ry, random.range(0, Math.PI)),
        (u, v) => shade(tint, brightness * (0.6 + 0.6 * texture(u, v))),
        random.range(2, 6),
        i + 1,
      );
    });
    canvas.grain(random, 0.035);
    return { image: canvas.image(), objects: canvas.labels() };
  },
};

/** Thin dark cracks in grey asphalt with stains: what a model without tuning finds hard. */
const cracks: DemoDomain = {
  id: 'cracks',
  name: 'Demo cracks',
  draw(random) {
    const canvas = new Canvas(224, 224);
    const coarse = smoothNoise(random, 50, 2);
    const fine = smoothNoise(random, 3, 2);
    const base = random.range(0.42, 0.62);
    canvas.fill((x, y) =>
      shade([1, 0.98, 0.94], base + 0.2 * (coarse(x, y) - 0.5) + 0.16 * (fine(x, y) - 0.5)),
    );
    for (let stain = random.integer(3); stain > 0; stain--) {
      const [x, y] = [random.range(20, 204), random.range(20, 204)];
      const darkness = random.range(0.75, 0.9) * base;
      canvas.draw(
        ellipse(x, y, random.range(12, 30), random.range(8, 22), random.range(0, 3)),
        () => shade([1, 1, 1], darkness),
        8,
        0,
      );
    }
    const count = 1 + random.integer(2);
    for (let id = 1; id <= count; id++) {
      const across = (id - 0.5) / count;
      canvas.draw(
        crack(random, canvas, across),
        (x, y) => shade([1, 0.97, 0.93], 0.1 + 0.1 * fine(x, y)),
        1.2,
        id,
      );
    }
    canvas.grain(random, 0.03);
    return { image: canvas.image(), objects: canvas.labels() };
  },
};

/** Leaves on soil among pale stones of the same size: the colour tells them apart. */
const leaves: DemoDomain = {
  id: 'leaves',
  name: 'Demo leaves',
  draw(random) {
    const canvas = new Canvas(192, 224);
    const coarse = smoothNoise(random, 30, 3);
    const fine = smoothNoise(random, 4, 2);
    canvas.fill((x, y) => shade([0.75, 0.55, 0.4], 0.35 + 0.35 * coarse(x, y) + 0.3 * (fine(x, y) - 0.5)));
    const spots = scatter(random, canvas, 9 + random.integer(4), 30, 20);
    const leafCount = Math.ceil(spots.length / 2);
    spots.forEach(([x, y], i) => {
      const angle = random.range(0, Math.PI);
      if (i >= leafCount) {
        const grey = random.range(0.5, 0.75);
        const stone = ellipse(x, y, random.range(9, 18), random.range(7, 12), angle);
        canvas.draw(stone, (u, v) => shade([1, 0.97, 0.92], grey + 0.25 * (fine(u, v) - 0.5)), 1.5, 0);
        return;
      }
      const green: Colour = [random.range(0.25, 0.6), random.range(0.65, 0.9), random.range(0.15, 0.35)];
      const length = random.range(32, 52);
      canvas.draw(
        lens(x, y, length, length * random.range(0.35, 0.55), angle),
        (u, v) => shade(green, 0.65 + 0.4 * (coarse(u * 2, v * 2) - 0.5) + 0.2 * vein(u - x, v - y, angle)),
        1.5,
        i + 1,
      );
    });
    canvas.grain(random, 0.025);
    return { image: canvas.image(), objects: canvas.labels() };
  },
};

export const demoDomains: readonly DemoDomain[] = [cells, cracks, leaves];

/** Image `index` of a domain; the same each time. */
export function drawDemo(domain: DemoDomain, index: number): DemoSample {
  return domain.draw(Random.fromSeed(index, `demo ${domain.id}`));
}

const shade = ([r, g, b]: Colour, light: number): Colour => [r * light, g * light, b * light];

/** Lighter along a leaf's middle. */
function vein(dx: number, dy: number, angle: number): number {
  const across = dy * Math.cos(angle) - dx * Math.sin(angle);
  return Math.exp(-across * across);
}

/** At most `count` points, `margin` from the edge and `apart` from one another. */
function scatter(
  random: Random,
  canvas: Canvas,
  count: number,
  apart: number,
  margin: number,
): (readonly [number, number])[] {
  const points: (readonly [number, number])[] = [];
  for (let attempt = 0; attempt < 40 * count && points.length < count; attempt++) {
    const x = random.range(margin, canvas.width - margin);
    const y = random.range(margin, canvas.height - margin);
    if (points.every(([px, py]) => Math.hypot(px - x, py - y) >= apart)) points.push([x, y]);
  }
  return points;
}

/** A line that wanders over the image, thick and thin, with a branch now and then. */
function crack(random: Random, canvas: Canvas, across: number): Shape {
  const upright = random.chance(0.5);
  const wander = (x: number, y: number, heading: number, steps: number) => {
    const points: [number, number, number][] = [];
    for (let i = 0; i < steps; i++) {
      points.push([x, y, random.range(0.7, 2.1)]);
      heading += random.range(-0.55, 0.55);
      x += 11 * Math.cos(heading);
      y += 11 * Math.sin(heading);
    }
    return points;
  };
  const start = random.range(0.02, 0.15);
  const main = upright
    ? wander(across * canvas.width, start * canvas.height, Math.PI / 2, 17)
    : wander(start * canvas.width, across * canvas.height, 0, 17);
  const shapes = [polyline(main)];
  const from = main[4 + random.integer(8)];
  if (from && random.chance(0.6))
    shapes.push(polyline(wander(from[0], from[1], (upright ? Math.PI / 2 : 0) + random.range(0.6, 1.1), 6)));
  return union(shapes);
}
