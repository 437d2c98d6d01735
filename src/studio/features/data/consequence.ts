import { plural } from '../../../config/words.ts';
import type { DatasetInfo, RunInfo } from '../../../worker/protocol.ts';
import { bytes } from '../../format/format.ts';
import { isResumable } from '../../stores/run-status.ts';

/** What deleting a dataset removes, labels that exist nowhere else among it, and which runs cannot be resumed after it. */
export function consequenceOfDeleting(
  dataset: Pick<DatasetInfo, 'id' | 'imageCount' | 'bytes' | 'labelling'>,
  runs: readonly RunInfo[],
): string {
  const unfinished = runs
    .filter((run) => isResumable(run) && run.datasets.some(({ id }) => id === dataset.id))
    .map(({ name }) => name);
  const halted =
    unfinished.length > 0
      ? `, but ${new Intl.ListFormat('en').format(unfinished)} cannot be resumed without it`
      : '';
  const { madeHere } = dataset.labelling;
  const labels =
    madeHere > 0
      ? ` The labels that you made here, of ${plural(madeHere, 'image')}, go too: export them first.`
      : '';
  return `This removes ${plural(dataset.imageCount, 'image')} (${bytes(dataset.bytes)}) from this device. Your original files are not touched.${labels} Runs that used it keep their weights${halted}.`;
}
