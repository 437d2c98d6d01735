import { describe, expect, it } from 'vitest';
import { encodeImagePng } from '../encode-png.ts';
import { runsOfBitmap } from '../labels/runs.ts';
import type { LabelledImage, LabelSet } from './label-set.ts';
import { measured } from './measure.ts';
import { measurements } from './measurements.ts';
import { OutRemarks } from './out-format.ts';
import { writeLabels } from './write-labels.ts';

const WIDTH = 260;
const shape = (isInside: (x: number, y: number) => boolean) =>
  measured(
    runsOfBitmap(
      Array.from({ length: WIDTH * WIDTH }, (_, i) =>
        isInside((i % WIDTH) + 0.5, Math.floor(i / WIDTH) + 0.5) ? 1 : 0,
      ),
    ),
    WIDTH,
  );
const rectangle = (x0: number, y0: number, x1: number, y1: number) =>
  shape((x, y) => x > x0 && x < x1 && y > y0 && y < y1);
const disc = (radius: number, hole = 0) =>
  shape((x, y) => {
    const distance = Math.hypot(x - 130, y - 130);
    return distance <= radius && distance >= hole;
  });

describe('measured', () => {
  it('has the values of ImageJ for rectangles', () => {
    const corner = 2 - Math.SQRT2;
    // As the documentation of PolygonRoi.getTracedPerimeter has them.
    expect(rectangle(3, 4, 4, 5).perimeter).toBeCloseTo(4 - 2 * corner, 12);
    expect(rectangle(3, 4, 5, 6).perimeter).toBeCloseTo(8 - 4 * corner, 12);
    const square = rectangle(10, 20, 60, 70);
    expect(square.area).toBe(2500);
    expect(square.box).toEqual([10, 20, 60, 70]);
    expect(square.centroid).toEqual([35, 45]);
    expect(square.perimeter).toBeCloseTo(200 - 4 * corner, 12);
    expect(square.feret).toBeCloseTo(50 * Math.SQRT2, 12);
    expect(square.minFeret).toBeCloseTo(50, 12);
    expect(square.circularity).toBeCloseTo((4 * Math.PI * 2500) / (200 - 4 * corner) ** 2, 12);
    const line = rectangle(10, 20, 110, 21);
    expect(line).toMatchObject({ area: 100, feret: Math.hypot(100, 1), minFeret: 1 });
    expect(line.perimeter).toBeCloseTo(202 - 3 * corner, 0);
  });

  it.each([10, 25, 50, 120])('is close to geometry for a disc of radius %i', (radius) => {
    const { area, perimeter, feret, minFeret, circularity, centroid } = disc(radius);
    expect(Math.abs(area / (Math.PI * radius ** 2) - 1)).toBeLessThan(0.01);
    // Outlines in eight directions are too long by 5.5 % at most, which is ImageJ's error, too.
    expect(perimeter / (2 * Math.PI * radius)).toBeGreaterThan(1.03);
    expect(perimeter / (2 * Math.PI * radius)).toBeLessThan(1.055);
    // Corners of pixels lie up to half a diagonal beyond their middles, at either side.
    expect(Math.abs(feret - 2 * radius)).toBeLessThan(Math.SQRT2);
    expect(Math.abs(minFeret - 2 * radius)).toBeLessThan(1);
    expect(circularity).toBeGreaterThan(0.89);
    expect(circularity).toBeLessThan(0.94);
    expect(centroid).toEqual([130, 130]);
  });

  it('counts the outlines of holes, and one outline where pixels touch at corners', () => {
    const ring = disc(50, 20);
    expect(ring.perimeter).toBeCloseTo(disc(50).perimeter + disc(20).perimeter, -1);
    const diagonal = shape((x, y) => Math.floor(x) === Math.floor(y) && x < 100);
    expect(diagonal.area).toBe(100);
    // Two sides of the diagonal of 100 pixels, within a pixel and a half.
    expect(Math.abs(diagonal.perimeter - 200 * Math.SQRT2)).toBeLessThan(1.5);
    expect(diagonal.feret).toBeCloseTo(100 * Math.SQRT2, 12);
    expect(diagonal.minFeret).toBeCloseTo(Math.SQRT2, 12);
  });
});

describe('the table of measurements', () => {
  const values = [10, 20, 30, 40, 50, 60];
  const png = encodeImagePng({
    width: 3,
    height: 2,
    channels: 3,
    data: Uint8Array.from(values.flatMap((value) => [value, 2 * value, 0])),
  });
  const image: LabelledImage = {
    name: 'a.png',
    width: 3,
    height: 2,
    objects: [
      { runs: Uint32Array.of(0, 2), className: 'Größe, "x"', score: 0.5 },
      { runs: Uint32Array.of(5, 1), origin: 'drawn' },
    ],
    file: { path: 'a.png', size: png.length, bytes: async () => png },
  };

  async function table(set: Partial<LabelSet>, images = [image]) {
    const remarks = new OutRemarks();
    const options = { format: measurements, set: { name: 'set', classes: [], ...set }, remarks };
    const files = [];
    for await (const file of writeLabels(images, options)) files.push(file);
    const [only] = files;
    const lines = new TextDecoder().decode(only?.bytes).split('\r\n');
    return { lines, remarks: remarks.list().map(({ code }) => code) };
  }

  it('has a row for each object, with the values of the file', async () => {
    const { lines, remarks } = await table({});
    expect(lines[0]).toMatch(/^image,object,class,score,origin,area_px,.*,circularity,mean,mean_channel_1,/);
    expect(lines[1]).toBe('a.png,1,"Größe, ""x""",0.5,,2,0,0,2,1,1,0.5,4.24264,2.23607,1,1,15,15,30,0');
    expect(lines[2]).toMatch(/^a\.png,2,,,drawn,1,2,1,1,1,2\.5,1\.5,.*,60,60,120,0$/);
    expect(remarks).toEqual([]);
  });

  it('has units where the size of a pixel is given', async () => {
    const { lines } = await table({ pixelSize: { size: 0.5, unit: 'µm' } });
    expect(lines[0]).toContain(
      'circularity,area_µm2,centroid_x_µm,centroid_y_µm,perimeter_µm,feret_µm,min_feret_µm,mean',
    );
    expect(lines[1]).toContain(',1,0.5,0.5,0.25,2.12132,1.11803,0.5,15');
  });

  it('says which images have no intensities, and measures the rest', async () => {
    const { file, ...without } = image;
    const damaged = {
      ...without,
      name: 'b.png',
      file: { path: 'b.png', size: 4, bytes: async () => png.subarray(0, 40) },
    };
    const { lines, remarks } = await table({}, [without, damaged]);
    expect(lines[0]).toMatch(/circularity,mean$/);
    expect(lines[1]).toMatch(/,1,1,$/);
    // Kept masks have no image; the cure for that is another than for a file that is damaged.
    expect(remarks).toEqual(['out/no-image', 'out/no-intensity']);
    expect(file).toBeDefined();
  });
});
