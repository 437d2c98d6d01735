import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isLabelled } from './dataset.ts';
import { inspectDataset } from './inspect.ts';
import { type InputFile, readDatasets } from './read-datasets.ts';
import { splitSamples } from './split.ts';

/**
 * Ten real sets that lie beside the repository where it is developed; they are not part of it. `npm run test:shared`.
 */
const root = new URL('../../../shared/data/', import.meta.url);

/** Pairs by the table of the folder's README, and how objects are found in each. */
const EXPECTED: readonly (readonly [name: string, pairs: number, source: string])[] = [
  ['aerial_buildings', 40, 'masks'],
  ['bags', 53, 'masks'],
  ['crop_weed', 60, 'labels'],
  ['em_membrane', 27, 'masks'],
  ['leaf_disease', 64, 'labels'],
  ['nuclei_fluo', 60, 'instances'],
  ['road_cracks', 64, 'masks'],
  ['sky_clouds', 26, 'masks'],
  ['tile_defects', 71, 'masks'],
  ['xray_lungs', 42, 'instances'],
];

function filesUnder(folder: URL): InputFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => ({ path, url: new URL(encodeURI(path), folder) }))
    .filter(({ url }) => statSync(url).isFile())
    .map(({ path, url }) => ({
      path,
      size: statSync(url).size,
      bytes: async () => new Uint8Array(readFileSync(url)),
    }));
}

describe.skipIf(!existsSync(root))('ten real sets', () => {
  it('are found in one drop, with every pair in them', async () => {
    const { datasets, refusals } = await readDatasets(filesUnder(root));
    expect(datasets.map(({ name, samples }) => [name, samples.length])).toEqual(
      EXPECTED.map(([name, n]) => [name, n]),
    );
    expect(refusals.every(({ file }) => file.endsWith('.md'))).toBe(true);
    for (const dataset of datasets) {
      expect(dataset.samples.every(({ image, mask }) => image && mask)).toBe(true);
      const { train, val, test } = splitSamples(dataset.samples.filter(isLabelled), 1);
      expect(train.length + val.length + test.length).toBe(dataset.samples.length);
    }
  });

  it.each(EXPECTED)('reads %s: %i pairs, objects from %s', async (name, pairs, source) => {
    const { datasets } = await readDatasets(filesUnder(new URL(`${name}/`, root)), { topName: name });
    const [dataset] = datasets;
    if (!dataset) throw new Error('nothing was understood');
    // A sixth of the images, spread over the set, so that the test stays short.
    const some = { name: dataset.name, samples: dataset.samples.filter((_, i) => i % 6 === 0) };
    const { samples, refusals, summary } = await inspectDataset(some);
    expect(dataset.samples.length).toBe(pairs);
    expect(refusals).toEqual([]);
    expect(samples.map((sample) => sample.source)).toEqual(some.samples.map(() => source));
    expect(summary.maskKinds.threshold).toBe(0);
    expect(summary.objects).toBeGreaterThanOrEqual(some.samples.length);
    expect(Math.max(...summary.widths, ...summary.heights)).toBeLessThanOrEqual(512);
  });
});
