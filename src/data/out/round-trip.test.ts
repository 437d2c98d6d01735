import { describe, expect, it } from 'vitest';
import { ODD_CLASSES, oddImages } from '../../testing/odd-labels.ts';
import { className, objectClasses } from '../classes.ts';
import { loadSample } from '../dataset.ts';
import { inspectDataset } from '../inspect.ts';
import { labelsOf } from '../objects.ts';
import { readDatasets } from '../read-datasets.ts';
import { writeZip } from '../zip.ts';
import type { LabelledImage } from './label-set.ts';
import { type OutFormat, OutRemarks } from './out-format.ts';
import { outFormats } from './registry.ts';
import { runsOfValues } from './runs.ts';
import { writeLabels } from './write-labels.ts';

/** What goes out with the images, as one zip, and what is understood of that zip when it is dropped. */
async function outAndIn(format: OutFormat, images: readonly LabelledImage[], classes: readonly string[]) {
  const remarks = new OutRemarks();
  const files: Record<string, Uint8Array> = {};
  const options = { format, set: { name: 'set', classes }, withImages: true, remarks };
  for await (const { path, bytes } of writeLabels(images, options)) files[path] = bytes;
  const zip = await writeZip(files);
  const read = await readDatasets([{ path: 'set.zip', size: zip.length, bytes: async () => zip }]);
  const found: Record<string, string[]> = {};
  const faults = read.refusals.map(({ file, reason }) => `${file}: ${reason}`);
  for (const dataset of read.datasets) {
    const inspected = await inspectDataset(dataset);
    faults.push(
      ...inspected.refusals
        .filter(({ code }) => code !== 'data/empty-mask')
        .map(({ file, reason }) => `${file}: ${reason}`),
    );
    const { samples, classNames } = inspected.dataset;
    const seen = new Set<number>();
    const loaded = [];
    for (const sample of samples) {
      const one = await loadSample(sample);
      if (!one.ok) throw new Error(one.refusal.reason);
      faults.push(...one.value.refusals.map(({ file, reason }) => `${file}: ${reason}`));
      for (const value of one.value.labelling ? labelsOf(one.value.labelling.classMap) : []) seen.add(value);
      loaded.push(one.value);
    }
    for (const { name, objects, labelling } of loaded) {
      const values = labelling ? objectClasses(objects, labelling.classMap) : [];
      found[name] = runsOfValues(objects.map, objects.regions.length)
        .map((runs, i) => {
          const named = className(values[i] ?? 0, { count: seen.size, names: classNames });
          return `${named}: ${runs.join(' ')}`;
        })
        .sort();
    }
  }
  return { found, faults, remarks: remarks.list(), files: Object.keys(files) };
}

const written = (images: readonly LabelledImage[]) =>
  Object.fromEntries(
    images.map(({ name, objects }) => [
      name,
      objects.map(({ className: own, runs }) => `${own}: ${runs.join(' ')}`).sort(),
    ]),
  );

describe('what goes out comes back in by a drop', () => {
  const images = oddImages();

  it.each(outFormats.map((format) => [format.id, format] as const))('as %s', async (_, format) => {
    const { found, faults } = await outAndIn(format, images, ODD_CLASSES);
    expect(faults).toEqual([]);
    expect(found).toEqual(written(images));
  });
});
