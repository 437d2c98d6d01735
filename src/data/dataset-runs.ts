/** Datasets whose masks come from a file of runs that does not say how these are counted. */
import type { RunMasks } from './annotations/mask-files.ts';
import { ORDER_WORDS } from './annotations/run-order.ts';
import type { Dataset, DatasetRuns, DatasetSample } from './dataset.ts';
import type { RunOrder } from './reading/reading.ts';

/** The runs of samples; undefined where no mask comes of any. */
export function runsOfSamples(
  samples: readonly Pick<DatasetSample, 'image'>[],
  all: ReadonlyMap<string, RunMasks>,
): DatasetRuns | undefined {
  const own = samples.flatMap(({ image: { path } }) => {
    const masks = all.get(path);
    return masks ? [[path, masks] as const] : [];
  });
  const found = [...new Set(own.map(([, masks]) => masks.found))];
  const [first] = found;
  return (
    first && {
      order: first.order,
      evidence: found.map(({ evidence }) => evidence),
      rows: found.map(({ rows }) => rows),
      remarks: found.flatMap(({ remarks }) => remarks),
      masks: new Map(own),
    }
  );
}

/** A dataset with its runs counted as a person chose. */
export function withRunOrder(dataset: Dataset, order: RunOrder | undefined): Dataset {
  const { runs, samples } = dataset;
  if (!runs || order === undefined) return dataset;
  return {
    ...dataset,
    samples: samples.map((sample) => {
      const masks = runs.masks.get(sample.image.path);
      const { instances: _, labels: __, origins: ___, ...others } = sample;
      return masks ? { ...others, ...masks.masksIn(order) } : sample;
    }),
    runs: {
      ...runs,
      order,
      evidence: [`The runs go ${ORDER_WORDS[order]}, as you chose.`],
      remarks: [],
    },
  };
}
