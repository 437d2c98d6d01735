import { scoreOf } from '../../config/find.ts';
import type { LoadedSample } from '../../data/dataset.ts';
import { runsOfBitmap, runsOfValues } from '../../data/labels/runs.ts';
import { maskObject } from '../../data/mask-runs.ts';
import { IGNORED } from '../../data/objects.ts';
import type { FindComparison } from './quality.ts';
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
  const truth = runsOfValues(objects.map, objects.regions.length).map((runs) => maskObject(runs, width));
  const isSmall = objects.regions.map(({ area }) => area < least);
  const ignored = maskObject(
    runsOfBitmap(objects.map.map((id) => (id === IGNORED || isSmall[id - 1] ? 1 : 0))),
    width,
  );
  return {
    truth: truth.filter((_, i) => !isSmall[i]),
    ignored: ignored.area > 0 ? ignored : null,
    found: found.map((object) => {
      const { runs, area, box } = object;
      return { runs, area, box, score: scoreOf(object) };
    }),
  };
}
