import { expect, test } from 'vitest';
import { drawSample } from '../testing/training-sets.ts';
import { cropImage, objectCrops, placeMask, seenSize, windowAround } from './crops.ts';

const size = { width: 100, height: 60 };

test('a window lies around a box, inside the image, and grows with the box', () => {
  expect(windowAround([48, 28, 52, 32], 20, size)).toEqual([40, 20, 60, 40]);
  expect(windowAround([0, 0, 4, 4], 20, size)).toEqual([0, 0, 20, 20]);
  expect(windowAround([96, 58, 100, 60], 20, size)).toEqual([80, 40, 100, 60]);
  expect(windowAround([10, 10, 50, 20], 20, size)).toEqual([10, 0, 50, 40]);
  expect(windowAround([10, 10, 50, 20], 90, size)).toEqual([0, 0, 90, 60]);
  expect(seenSize(size, 'whole')).toEqual(size);
  expect(seenSize(size, 80)).toEqual({ width: 80, height: 60 });
});

test('a mask of a crop is put where the crop was', () => {
  const { image } = drawSample('a', 1, 7, 5);
  const window = [2, 1, 5, 4] as const;
  const crop = cropImage(image, window);
  expect([crop.width, crop.height]).toEqual([3, 3]);
  const red = Uint8Array.from({ length: 9 }, (_, i) => crop.data[3 * i] ?? 0);
  const placed = placeMask(red, window, image);
  for (let y = 0; y < 5; y++)
    for (let x = 0; x < 7; x++) {
      const isInside = x >= 2 && x < 5 && y >= 1 && y < 4;
      expect(placed[y * 7 + x]).toBe(isInside ? image.data[(y * 7 + x) * 3] : 0);
    }
});

test('objects that fit into one crop share it, and each is whole in its own', () => {
  const sample = drawSample('a', 1);
  const [shared, ...none] = objectCrops(sample, 40, 5);
  expect(none).toEqual([]);
  expect(shared?.sample.objects.regions).toHaveLength(2);
  const crops = objectCrops(sample, 16, 5);
  expect(crops).toHaveLength(2);
  for (const { window, sample: crop } of crops) {
    const [region] = crop.objects.regions;
    const own = sample.objects.regions.find(({ id }) => id === region?.id);
    expect(region?.area).toBe(crop.objects.map.filter((id) => id === region?.id).length);
    expect(region?.box).toEqual(own?.box.map((at, k) => at - window[k % 2 === 0 ? 0 : 1]));
    expect([crop.image.width, crop.image.height]).toEqual([crop.objects.width, crop.objects.height]);
  }
  expect(objectCrops(sample, 16, 1)).toHaveLength(1);
});
