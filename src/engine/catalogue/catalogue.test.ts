import * as v from 'valibot';
import { expect, it } from 'vitest';
import { parameterCountOf } from '../../sam/checkpoint/expected-shapes.ts';
import { CATALOGUE, CatalogueModelSchema, configOf, fileUrl, findCatalogueModel } from './catalogue.ts';

/** Numbers of the memory that each SAM 2.1 has for videos, and of its head for whether there is an object: 38.9 million of tiny less its 31.3. */
const OF_VIDEOS = 7.6e6;

it.each(CATALOGUE)(
  '$id is a whole record, whose config has about as many weights as its file holds',
  (model) => {
    expect(v.parse(CatalogueModelSchema, model)).toEqual(model);
    const config = configOf(model);
    const floats = parameterCountOf(config) + (config.decoder.kind === 'sam2' ? OF_VIDEOS : 0);
    expect(model.bytes / 4 / floats).toBeGreaterThan(0.99);
    expect(model.bytes / 4 / floats).toBeLessThan(1.01);
  },
);

it('has every id once', () => {
  expect(new Set(CATALOGUE.map(({ id }) => id)).size).toBe(CATALOGUE.length);
});

it('names the ids where one is unknown', () => {
  expect(() => findCatalogueModel('sam-huge')).toThrow(/sam-vit-b, sam-vit-l/);
});

it('has addresses of the hub’s layout, on a mirror too', () => {
  const model = findCatalogueModel('slimsam-77');
  expect(fileUrl(model, { name: 'model.safetensors' }, 'http://mirror')).toBe(
    'http://mirror/Zigeng/SlimSAM-uniform-77/resolve/42517748c0b6082c5a351e2c8a430394fe7bdc0d/model.safetensors',
  );
});
