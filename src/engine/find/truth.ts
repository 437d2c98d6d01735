import type { LoadedSample } from '../../data/dataset.ts';
import { IGNORED } from '../../data/objects.ts';
import { areaOf, boxOf, runsOfValue, runsOfValues } from '../../data/out/runs.ts';
import type { FindComparison, MaskObject } from './quality.ts';
import type { FoundObject } from './select.ts';

/**
 * What was found of an image beside what is known of it. Pixels of objects that are too small take no part, as ignored ones do.
 * @param least pixels of the smallest object that counts.
 */
export function comparison(
  { image: { width }, objects }: Pick<LoadedSample, 'image' | 'objects'>,
  found: readonly FoundObject[],
  least: number,
): FindComparison {
  const maskOf = (runs: MaskObject['runs']): MaskObject => ({
    runs,
    area: areaOf(runs),
    box: boxOf(runs, width),
  });
  const truth = runsOfValues(objects.map, objects.regions.length).map(maskOf);
  const isSmall = objects.regions.map(({ area }) => area < least);
  const ignored = maskOf(
    runsOfValue(
      objects.map.map((id) => (id === IGNORED || isSmall[id - 1] ? 1 : 0)),
      1,
    ),
  );
  return {
    truth: truth.filter((_, i) => !isSmall[i]),
    ignored: ignored.area > 0 ? ignored : null,
    found: found.map(({ runs, area, box, predictedIou }) => ({ runs, area, box, score: predictedIou })),
  };
}
