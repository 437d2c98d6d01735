import { expect, test } from 'vitest';
import { demoDomains, drawDemo } from './domains.ts';

test.each(demoDomains)(
  '$name: images hold objects of a useful size, and are the same each time',
  (domain) => {
    for (const index of [0, 7]) {
      const { image, objects } = drawDemo(domain, index);
      const area = new Map<number, number>();
      for (const id of objects.data) if (id > 0) area.set(id, (area.get(id) ?? 0) + 1);
      expect(area.size).toBeGreaterThan(0);
      for (const pixels of area.values()) expect(pixels / objects.data.length).toBeGreaterThan(0.002);
      expect(image.data.length).toBe(objects.data.length * 3);
      expect(drawDemo(domain, index).image.data).toEqual(image.data);
    }
    expect(drawDemo(domain, 0).image.data).not.toEqual(drawDemo(domain, 1).image.data);
  },
);
