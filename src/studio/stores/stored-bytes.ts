import { useDatasets } from './datasets.ts';
import { useKeptMasks } from './kept-masks.ts';
import { useModels } from './models.ts';
import { useRuns } from './runs.ts';

const total = (parts: readonly { readonly bytes: number }[]): number =>
  parts.reduce((sum, { bytes }) => sum + bytes, 0);

/**
 * What a person's data, runs and models take on this device. Browsers' own count is not shown: after a restart Chromium
 * forgets most of what lies in private files, or counts gigabytes that are not there.
 */
export function useStoredBytes(): number {
  const datasets = useDatasets((state) => total(state.datasets) + total(state.broken));
  const runs = useRuns((state) => total(state.runs) + total(state.broken));
  const masks = useKeptMasks((state) => total(state.kept));
  const models = useModels(({ library }) =>
    library
      ? library.catalogue.reduce((sum, { storedBytes }) => sum + storedBytes, 0) +
        (library.dropped?.bytes ?? 0)
      : 0,
  );
  return datasets + runs + masks + models;
}
