/**
 * The first minute's images: a dense layer of cells with bright nuclei under a fluorescence microscope, drawn by code. A
 * click on a cell shows a model without tuning the nucleus; the objects here are whole cells.
 */
import { Random } from '../../config/random.ts';
import { Canvas, type Colour, smoothNoise } from './canvas.ts';
import type { DemoSample } from './domains.ts';

/** Pixels; as wide as the embedded model sees. */
const CELLS_SIDE = 256;

interface Cell {
  /** From 1. */
  readonly id: number;
  readonly x: number;
  readonly y: number;
  /** Pixels from its middle beyond which nothing of it lies. */
  readonly reach: number;
  /** Brightness of its body. */
  readonly body: number;
  readonly nucleus: {
    readonly x: number;
    readonly y: number;
    readonly rx: number;
    readonly ry: number;
    readonly angle: number;
    readonly light: number;
  };
}

/** Fewest pixels of an object: a cell that shows less of itself is cut off by the border too much. */
const LEAST_PIXELS = 350;
/** Side of the squares that share a list of the cells around them, and how far around, both in pixels. */
const TILE = 16;
const AROUND = 120;

/** Image `index`; the same each time. */
export function drawCells(index: number): DemoSample {
  const random = Random.fromSeed(index, 'first minute cells');
  const canvas = new Canvas(CELLS_SIDE, CELLS_SIDE);
  const cells = scatterCells(random);
  const warpX = smoothNoise(random, 34, 2);
  const warpY = smoothNoise(random, 34, 2);
  const fibres = smoothNoise(random, 9, 3);
  const grain = smoothNoise(random, 4, 2);
  const light = unevenLight(random);
  const haze = smoothNoise(random, 80, 2);
  const near = cellsByTile(cells);
  canvas.fill((x, y) => {
    // Borders between cells are those of the nearest middle, bent by noise.
    const [px, py] = [x + 22 * (warpX(x, y) - 0.5), y + 22 * (warpY(x, y) - 0.5)];
    let cell: Cell | null = null;
    let first = Number.POSITIVE_INFINITY;
    let second = Number.POSITIVE_INFINITY;
    for (const each of near(x, y)) {
      const distance = Math.hypot(px - each.x, py - each.y) - each.reach;
      if (distance < first) {
        second = first;
        first = distance;
        cell = each;
      } else if (distance < second) second = distance;
    }
    // Pixels to the border, as the bent distance has it: against a neighbour, and against bare ground.
    const depth = Math.min((second - first) / 2, -first);
    const bare = 0.05 + 0.05 * haze(x, y);
    if (!cell || depth <= 0) return stained(0, bare, 0, light(x, y));
    canvas.ids[y * CELLS_SIDE + x] = cell.id;
    const inside = Math.min(1, depth / 3);
    const thick = Math.min(1, depth / (0.6 * cell.reach));
    const texture = 0.55 + 0.6 * fibres(x, y) + 0.25 * (grain(x, y) - 0.5);
    const membrane = 0.16 * Math.exp(-(((depth - 2) / 1.6) ** 2));
    const body = bare + inside * cell.body * (0.45 + 0.55 * thick) * texture + membrane;
    return stained(nucleusAt(cell, x, y) * (0.75 + 0.5 * grain(x, y)), body, 0.25 * body, light(x, y));
  });
  soften(canvas, random.range(0.7, 1.1));
  shot(canvas, random);
  return { image: canvas.image(), objects: numbered(canvas) };
}

/** Middles on a jittered hexagonal grid, some left out, so that there is bare ground. */
function scatterCells(random: Random): Cell[] {
  const pitch = random.range(50, 62);
  const [left, top] = [random.range(-pitch, 0), random.range(-pitch, 0)];
  const cells: Cell[] = [];
  for (let row = 0; top + row * pitch * 0.87 < CELLS_SIDE + pitch; row++) {
    for (let column = 0; left + column * pitch < CELLS_SIDE + pitch; column++) {
      const x = left + (column + (row % 2) / 2) * pitch + random.range(-0.2, 0.2) * pitch;
      const y = top + row * pitch * 0.87 + random.range(-0.2, 0.2) * pitch;
      if (random.chance(0.18)) continue;
      const reach = pitch * random.range(0.5, 0.68);
      const size = pitch * random.range(0.14, 0.19);
      cells.push({
        id: cells.length + 1,
        x,
        y,
        reach,
        body: random.range(0.32, 0.6),
        nucleus: {
          x: x + random.range(-0.12, 0.12) * pitch,
          y: y + random.range(-0.12, 0.12) * pitch,
          rx: size * random.range(1, 1.25),
          ry: size * random.range(0.8, 1),
          angle: random.range(0, Math.PI),
          light: random.range(0.65, 1),
        },
      });
    }
  }
  return cells;
}

/** The cells that can matter at a pixel. */
function cellsByTile(cells: readonly Cell[]): (x: number, y: number) => readonly Cell[] {
  const across = Math.ceil(CELLS_SIDE / TILE);
  const tiles = Array.from({ length: across * across }, (_, i) => {
    const [x, y] = [((i % across) + 0.5) * TILE, (Math.floor(i / across) + 0.5) * TILE];
    return cells.filter((cell) => Math.hypot(cell.x - x, cell.y - y) < AROUND);
  });
  return (x, y) => tiles[Math.floor(y / TILE) * across + Math.floor(x / TILE)] ?? [];
}

/** 0 outside of the nucleus, up to its light inside, with a soft edge. */
function nucleusAt({ nucleus: { x, y, rx, ry, angle, light } }: Cell, px: number, py: number): number {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const u = ((px - x) * cos + (py - y) * sin) / rx;
  const v = ((py - y) * cos - (px - x) * sin) / ry;
  const away = Math.hypot(u, v);
  return light * Math.min(1, Math.max(0, (1.1 - away) / 0.25));
}

/** Nuclei in blue, bodies in green, a third stain in red. */
function stained(nucleus: number, body: number, third: number, light: number): Colour {
  return [
    light * (0.03 + third + 0.18 * nucleus),
    light * (0.03 + body + 0.28 * nucleus),
    light * (0.05 + 0.25 * body + 0.95 * nucleus),
  ];
}

/** Brighter around a point that is not quite the middle. */
function unevenLight(random: Random): (x: number, y: number) => number {
  const [cx, cy] = [random.range(0.3, 0.7) * CELLS_SIDE, random.range(0.3, 0.7) * CELLS_SIDE];
  const fall = random.range(0.5, 0.8);
  return (x, y) => 1.12 - (fall * ((x - cx) ** 2 + (y - cy) ** 2)) / (0.5 * CELLS_SIDE ** 2);
}

/** Blurs by a Gaussian, as a lens does. */
function soften({ pixels, width, height }: Canvas, sigma: number): void {
  const reach = Math.ceil(3 * sigma);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const along = (length: number, lines: number, at: (line: number, i: number) => number): void => {
    const line = new Float32Array(length);
    for (let l = 0; l < lines; l++) {
      for (let c = 0; c < 3; c++) {
        for (let i = 0; i < length; i++) line[i] = pixels[3 * at(l, i) + c] as number;
        for (let i = 0; i < length; i++) {
          let value = 0;
          for (let k = -reach; k <= reach; k++) {
            const j = Math.min(length - 1, Math.max(0, i + k));
            value += (weights[k + reach] as number) * (line[j] as number);
          }
          pixels[3 * at(l, i) + c] = value / sum;
        }
      }
    }
  };
  along(width, height, (line, i) => line * width + i);
  along(height, width, (line, i) => i * width + line);
}

/** The noise of counted light: larger where it is bright, and a little of the sensor's own everywhere. */
function shot({ pixels }: Canvas, random: Random): void {
  for (let i = 0; i < pixels.length; i++) {
    const value = pixels[i] as number;
    pixels[i] = value + random.normal() * (0.012 + 0.05 * Math.sqrt(Math.max(0, value)));
  }
}

/** The cells that are large enough, numbered from 1; what is too small becomes background. */
function numbered(canvas: Canvas): DemoSample['objects'] {
  const labels = canvas.labels();
  const area = new Map<number, number>();
  for (const id of labels.data) area.set(id, (area.get(id) ?? 0) + 1);
  const kept = [...area].filter(([id, pixels]) => id > 0 && pixels >= LEAST_PIXELS).map(([id]) => id);
  const number = new Map(kept.sort((a, b) => a - b).map((id, i) => [id, i + 1]));
  return { ...labels, data: labels.data.map((id) => number.get(id) ?? 0) };
}
