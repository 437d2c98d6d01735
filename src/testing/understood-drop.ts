/** What is understood of dropped files, as tests compare it. */
import { className, objectClasses } from '../data/classes.ts';
import { loadSample } from '../data/dataset.ts';
import { encodeImagePng } from '../data/encode-png.ts';
import { labelsOf } from '../data/objects.ts';
import { readDatasets } from '../data/read-datasets.ts';
import { collectStatistics, inferDatasetReading } from '../data/reading/dataset-reading.ts';
import type { Box, Refusal } from '../data/types.ts';

export interface UnderstoodImage {
  /** Class, pixels and box of each object, largest first. */
  readonly objects: readonly (readonly [className: string, area: number, box: Box])[];
  readonly ignored: number;
}

export interface UnderstoodDrop {
  /** By the image's path; null for an image without a mask. */
  readonly images: Readonly<Record<string, UnderstoodImage | null>>;
  /** `severity code file: reason` of every remark, those on masks included. */
  readonly remarks: readonly string[];
}

/** A black image. */
export function blankPng(width: number, height: number): Uint8Array {
  return encodeImagePng({ width, height, channels: 3, data: new Uint8Array(3 * width * height) });
}

/** Reads files as if they were dropped; text becomes UTF-8, anything else that is not bytes becomes JSON. */
export async function understoodDrop(files: Readonly<Record<string, unknown>>): Promise<UnderstoodDrop> {
  const dropped = Object.entries(files).map(([path, content]) => {
    const bytes = bytesOf(content);
    return { path, size: bytes.length, bytes: async () => bytes };
  });
  const { datasets, refusals } = await readDatasets(dropped);
  const all: Refusal[] = [...refusals];
  const images: Record<string, UnderstoodImage | null> = {};
  for (const { samples, classNames: ofValues, classTables } of datasets) {
    const statistics = await collectStatistics(samples);
    const { classNames: ofTable } = inferDatasetReading(statistics, {}, samples, classTables);
    const classNames = new Map([...ofTable, ...(ofValues ?? [])]);
    for (const sample of samples) {
      const loaded = await loadSample(sample);
      if (!loaded.ok) {
        all.push(loaded.refusal);
        continue;
      }
      const { objects, labelling, refusals: own } = loaded.value;
      all.push(...own);
      const classes = labelling ? objectClasses(objects, labelling.classMap) : [];
      const count = labelling ? labelsOf(labelling.classMap).length : 0;
      images[sample.image.path] = labelling
        ? {
            objects: objects.regions.map(({ area, box }, i) => [
              className(classes[i] ?? 0, { count, names: classNames }),
              area,
              box,
            ]),
            ignored: labelling.labelMap.data.filter((value) => value < 0).length,
          }
        : null;
    }
  }
  return {
    images,
    remarks: all.map(({ severity, code, file, reason }) => `${severity} ${code} ${file}: ${reason}`),
  };
}

function bytesOf(content: unknown): Uint8Array {
  if (content instanceof Uint8Array) return content;
  return new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content));
}
