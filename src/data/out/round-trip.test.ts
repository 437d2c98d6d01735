import { describe, expect, it } from 'vitest';
import { ODD_CLASSES, oddImages } from '../../testing/odd-labels.ts';
import { className, objectClasses } from '../classes.ts';
import { loadSample } from '../dataset.ts';
import { inspectDataset } from '../inspect.ts';
import { runsOfBitmap, runsOfValues } from '../labels/runs.ts';
import { labelsOf } from '../objects.ts';
import { readDatasets } from '../read-datasets.ts';
import { writeZip } from '../zip.ts';
import type { LabelledImage } from './label-set.ts';
import { drawn } from './masks.ts';
import { type OutFormat, OutRemarks } from './out-format.ts';
import { outFormats } from './registry.ts';
import { writeLabels } from './write-labels.ts';

interface Found {
  readonly objects: readonly string[];
  readonly classes: readonly string[];
  readonly ignored: string;
}

const mapped = <T>(of: Readonly<Record<string, Found>>, value: (found: Found) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(of).map(([name, found]) => [name, value(found)]));

/** Every pixel of an object, ascending. */
function pixels({ objects }: Found): number[] {
  const all = objects.flatMap((text) => {
    const runs = text.replace(/.*: /, '').split(' ').map(Number);
    return runs.flatMap((value, i) =>
      i % 2 === 0 ? Array.from({ length: runs[i + 1] ?? 0 }, (_, k) => value + k) : [],
    );
  });
  return all.sort((a, b) => a - b);
}

/** What goes out with the images, as one zip, and what is understood of that zip when it is dropped. */
async function outAndIn(format: OutFormat, images: readonly LabelledImage[], classes: readonly string[]) {
  const remarks = new OutRemarks();
  const files: Record<string, Uint8Array> = {};
  const options = { format, set: { name: 'set', classes }, withImages: true, remarks };
  for await (const { path, bytes } of writeLabels(images, options)) files[path] = bytes;
  const zip = await writeZip(files);
  const read = await readDatasets([{ path: 'set.zip', size: zip.length, bytes: async () => zip }]);
  const found: Record<string, Found> = {};
  const faults = read.refusals.map(({ file, reason }) => `${file}: ${reason}`);
  for (const dataset of read.datasets) {
    const inspected = await inspectDataset(dataset);
    faults.push(
      ...inspected.refusals
        .filter(({ code }) => code !== 'data/empty-mask')
        .map(({ file, reason }) => `${file}: ${reason}`),
    );
    expect(new Set(inspected.evidence).size).toBe(inspected.evidence.length);
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
    const nameOf = (value: number) => className(value, { count: seen.size, names: classNames });
    for (const { name, objects, labelling } of loaded) {
      const values = labelling ? objectClasses(objects, labelling.classMap) : [];
      const runs = runsOfValues(objects.map, objects.regions.length);
      found[name] = {
        objects: runs.map((each, i) => `${nameOf(values[i] ?? 0)}: ${each.join(' ')}`).sort(),
        classes: labelling
          ? runsOfValues(labelling.classMap.data, Math.max(0, ...seen))
              .map((each, i) => `${nameOf(i + 1)}: ${each.join(' ')}`)
              .filter((text) => /\d$/.test(text))
          : [],
        ignored: runsOfBitmap(objects.map.map((value) => Math.min(0, value))).join(' '),
      };
    }
  }
  return { found, faults, remarks: remarks.list(), files: Object.keys(files) };
}

/** What of the images a format holds, as {@link outAndIn} finds it. */
function written(images: readonly LabelledImage[]): Record<string, Found> {
  return Object.fromEntries(
    images.map((image) => {
      const { data } = drawn(image, ({ className: own = '' }) => ODD_CLASSES.indexOf(own) + 1);
      return [
        image.name,
        {
          objects: image.objects.map(({ className: own, runs }) => `${own}: ${runs.join(' ')}`).sort(),
          classes: runsOfValues(data, ODD_CLASSES.length)
            .map((runs, i) => `${ODD_CLASSES[i]}: ${runs.join(' ')}`)
            .filter((text) => /\d$/.test(text)),
          ignored: (image.ignored ?? []).join(' '),
        },
      ];
    }),
  );
}

/** How much of it a format holds. */
const HOLDS: Readonly<Record<string, 'classes' | 'foreground' | 'nothing'>> = {
  'png-classes': 'classes',
  'png-binary': 'foreground',
  csv: 'nothing',
};

describe('what goes out comes back in by a drop', () => {
  const images = oddImages();

  it.each(outFormats.map((format) => [format.id, format] as const))('as %s', async (id, format) => {
    const { found, faults } = await outAndIn(format, images, ODD_CLASSES);
    const tables = format.files.filter((path) => path.endsWith('.csv'));
    expect(faults).toEqual(tables.map((path) => expect.stringContaining(`${path}: This is a .csv file`)));
    const expected = written(images);
    switch (HOLDS[id]) {
      case undefined:
        expect(found).toEqual(expected);
        return;
      case 'classes':
        expect(mapped(found, ({ classes }) => classes)).toEqual(mapped(expected, ({ classes }) => classes));
        return;
      case 'nothing':
        expect(mapped(found, ({ objects }) => objects)).toEqual(mapped(found, () => []));
        return;
      case 'foreground':
        expect(mapped(found, pixels)).toEqual(mapped(expected, pixels));
    }
  });

  it('with pixels that take no part, where a format can mark them', async () => {
    const [image] = images;
    if (!image) throw new Error('no image');
    const objects = drawn(image, () => 1).data;
    const ignored = runsOfBitmap(objects.map((value, i) => (i >= 9 * image.width ? 1 - value : 0)));
    const kept: string[] = [];
    for (const format of outFormats.filter(({ id }) => HOLDS[id] !== 'nothing')) {
      const { found, faults, remarks } = await outAndIn(format, [{ ...image, ignored }], ODD_CLASSES);
      expect(faults.filter((fault) => !fault.includes('crowd'))).toEqual([]);
      const holds = found[image.name]?.ignored === ignored.join(' ');
      if (holds) kept.push(format.id);
      expect(remarks.some(({ code }) => code === 'out/ignored')).toBe(!holds);
    }
    expect(kept).toEqual(['coco', 'coco-polygons', 'labelme', 'voc', 'png-classes']);
  });
});
