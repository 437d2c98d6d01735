/** A small float canvas for the demo's images: colours in 0..1, drawn by coverage, no DOM. */
import type { Random } from '../../config/random.ts';
import type { LabelMap, RgbImage } from '../../data/types.ts';

export type Colour = readonly [red: number, green: number, blue: number];

export interface Shape {
  /** Signed distance to the edge in pixels at a point: negative inside. */
  readonly distance: (x: number, y: number) => number;
  /** Nothing of the shape lies outside: [x0, y0, x1, y1]. */
  readonly box: readonly [x0: number, y0: number, x1: number, y1: number];
}

export class Canvas {
  /** [height, width, 3] */
  readonly pixels: Float32Array;
  /** [height, width]: id of the object drawn last there, 0 = background. */
  readonly ids: Int32Array;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.pixels = new Float32Array(width * height * 3);
    this.ids = new Int32Array(width * height);
  }

  /** Sets every pixel by its position. */
  fill(colourAt: (x: number, y: number) => Colour): void {
    this.each([0, 0, this.width, this.height], (x, y, at) => {
      const [red, green, blue] = colourAt(x, y);
      this.pixels[at * 3] = red;
      this.pixels[at * 3 + 1] = green;
      this.pixels[at * 3 + 2] = blue;
    });
  }

  /**
   * Lays a shape over the image with an edge `softness` pixels wide.
   * @param id the object that the shape belongs to; 0 for something that is no object.
   */
  draw(shape: Shape, colourAt: (x: number, y: number) => Colour, softness: number, id: number): void {
    const [x0, y0, x1, y1] = shape.box;
    this.each([x0 - softness, y0 - softness, x1 + softness, y1 + softness], (x, y, at) => {
      const distance = shape.distance(x + 0.5, y + 0.5);
      const cover = Math.min(1, Math.max(0, 0.5 - distance / softness));
      if (cover === 0) return;
      colourAt(x, y).forEach((value, c) => {
        const old = this.pixels[at * 3 + c] ?? 0;
        this.pixels[at * 3 + c] = old + (value - old) * cover;
      });
      if (distance <= 0) this.ids[at] = id;
    });
  }

  /** Adds grain of this standard deviation. */
  grain(random: Random, deviation: number): void {
    for (let i = 0; i < this.pixels.length; i++)
      this.pixels[i] = (this.pixels[i] ?? 0) + deviation * random.normal();
  }

  image(): RgbImage {
    const data = Uint8Array.from(this.pixels, (value) => Math.round(255 * Math.min(1, Math.max(0, value))));
    return { width: this.width, height: this.height, channels: 3, data };
  }

  labels(): LabelMap {
    return { width: this.width, height: this.height, data: this.ids.slice() };
  }

  private each([x0, y0, x1, y1]: Shape['box'], visit: (x: number, y: number, at: number) => void): void {
    const right = Math.min(this.width, Math.ceil(x1));
    const below = Math.min(this.height, Math.ceil(y1));
    for (let y = Math.max(0, Math.floor(y0)); y < below; y++) {
      for (let x = Math.max(0, Math.floor(x0)); x < right; x++) visit(x, y, y * this.width + x);
    }
  }
}

/** An ellipse; the distance is exact on its axes and close to it elsewhere. */
export function ellipse(cx: number, cy: number, rx: number, ry: number, angle: number): Shape {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  return {
    box: around(cx, cy, Math.max(rx, ry)),
    distance: (x, y) => {
      const u = ((x - cx) * cos + (y - cy) * sin) / rx;
      const v = ((y - cy) * cos - (x - cx) * sin) / ry;
      return (Math.sqrt(u * u + v * v) - 1) * Math.min(rx, ry);
    },
  };
}

/** Two circles' overlap: a leaf from tip to tip. */
export function lens(cx: number, cy: number, length: number, width: number, angle: number): Shape {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const radius = (length * length + width * width) / (4 * width);
  const offset = radius - width / 2;
  return {
    box: around(cx, cy, length / 2),
    distance: (x, y) => {
      const u = (x - cx) * cos + (y - cy) * sin;
      const v = Math.abs((y - cy) * cos - (x - cx) * sin) + offset;
      return Math.sqrt(u * u + v * v) - radius;
    },
  };
}

/** A line through points with a thickness at each. */
export function polyline(points: readonly (readonly [x: number, y: number, radius: number])[]): Shape {
  const distance = (x: number, y: number): number => {
    let nearest = Number.POSITIVE_INFINITY;
    for (let i = 1; i < points.length; i++) {
      const [ax, ay, ar] = points[i - 1] ?? [0, 0, 0];
      const [bx, by, br] = points[i] ?? [0, 0, 0];
      const dx = bx - ax;
      const dy = by - ay;
      const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
      const u = x - ax - dx * along;
      const v = y - ay - dy * along;
      nearest = Math.min(nearest, Math.sqrt(u * u + v * v) - (ar + (br - ar) * along));
    }
    return nearest;
  };
  return { distance, box: joined(points.map(([x, y, radius]) => around(x, y, radius))) };
}

/** Shapes as one. */
export function union(shapes: readonly Shape[]): Shape {
  return {
    distance: (x, y) => Math.min(...shapes.map((shape) => shape.distance(x, y))),
    box: joined(shapes.map((shape) => shape.box)),
  };
}

const around = (x: number, y: number, r: number): Shape['box'] => [x - r, y - r, x + r, y + r];

function joined(boxes: readonly Shape['box'][]): Shape['box'] {
  return [
    Math.min(...boxes.map((box) => box[0])),
    Math.min(...boxes.map((box) => box[1])),
    Math.max(...boxes.map((box) => box[2])),
    Math.max(...boxes.map((box) => box[3])),
  ];
}

/** Smooth noise in 0..1: random values on a grid of `cell` pixels, cosine between them, over `octaves` finer grids. */
export function smoothNoise(random: Random, cell: number, octaves: number): (x: number, y: number) => number {
  const side = 64;
  const grids = Array.from({ length: octaves }, () =>
    Float32Array.from({ length: side * side }, () => random.uniform()),
  );
  const ease = (t: number): number => t * t * (3 - 2 * t);
  const wrap = (i: number): number => ((i % side) + side) % side;
  return (x, y) => {
    let value = 0;
    let weight = 0;
    let scale = 1 / cell;
    let share = 1;
    for (const grid of grids) {
      const left = Math.floor(x * scale);
      const top = Math.floor(y * scale);
      const u = ease(x * scale - left);
      const v = ease(y * scale - top);
      const [i0, i1, j0, j1] = [wrap(left), wrap(left + 1), wrap(top) * side, wrap(top + 1) * side];
      const above = (grid[j0 + i0] ?? 0) * (1 - u) + (grid[j0 + i1] ?? 0) * u;
      const below = (grid[j1 + i0] ?? 0) * (1 - u) + (grid[j1 + i1] ?? 0) * u;
      value += (above * (1 - v) + below * v) * share;
      weight += share;
      scale *= 2;
      share /= 2;
    }
    return value / weight;
  };
}
