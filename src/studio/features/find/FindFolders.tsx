import type { ReactNode } from 'react';
import { plural } from '../../../config/words.ts';
import type { FindJob } from '../../../worker/protocol.ts';
import { useDatasets } from '../../stores/datasets.ts';
import { findInFolders, resumeJob, toggleFurther } from '../../stores/find-folders.ts';
import { imagesToReview, reviewNext } from '../../stores/find-review.ts';
import { useFind } from '../../stores/find-state.ts';
import { useSegment } from '../../stores/segment.ts';
import { selectCanCompute, useSession } from '../../stores/session.ts';
import styles from './FindPanel.module.css';
import { useIsIdle } from './use-is-idle.ts';

/** The search of whole datasets, and the review of what it found. */
export function FindFolders(): ReactNode {
  const open = useSegment((state) => (state.source?.kind === 'sample' ? state.source.datasetId : null));
  const datasets = useDatasets((state) => state.datasets);
  const further = useFind((state) => state.further);
  const folders = useFind((state) => state.folders);
  const job = useFind((state) => state.job);
  const work = useFind((state) => state.work);
  const isIdle = useIsIdle();
  const canCompute = useSession(selectCanCompute);
  const nameOf = (datasetId: string): string =>
    datasets.find(({ id }) => id === datasetId)?.name ?? datasetId;
  const waiting = imagesToReview({ folders }).length;
  // Without an open image, what was begun is there.
  if (open === null && !job && folders.length === 0) return null;
  return (
    <div className={styles.folder}>
      <h3>Whole datasets</h3>
      {open !== null && datasets.length > 1 && (
        <fieldset className={styles.datasets}>
          <legend className="visually-hidden">Datasets to search</legend>
          {datasets.map(({ id, name, imageCount }) => (
            <label key={id}>
              <input
                type="checkbox"
                checked={id === open || further.includes(id)}
                disabled={id === open}
                onChange={() => toggleFurther(id)}
              />{' '}
              {name} <span className="muted">{plural(imageCount, 'image')}</span>
            </label>
          ))}
        </fieldset>
      )}
      {open !== null && (
        <div className={styles.actions}>
          <button type="button" disabled={!isIdle} onClick={() => void findInFolders()}>
            {further.some((id) => id !== open) ? 'Search the datasets' : 'Search the whole dataset'}
          </button>
        </div>
      )}
      {job && work === null && (
        <>
          <p>
            The search of {job.datasetIds.map(nameOf).join(', ')} {stateOf(job)}
          </p>
          {!job.isUnderWay && (
            <div className={styles.actions}>
              <button
                type="button"
                disabled={!canCompute || !job.isModelOpen}
                onClick={() => void resumeJob()}
              >
                Go on with the search
              </button>
            </div>
          )}
        </>
      )}
      {folders.map(({ datasetId, samples, imageCount }) => (
        <p key={datasetId}>
          {nameOf(datasetId)}: {samples.length} of {plural(imageCount, 'image')} searched,{' '}
          {plural(
            samples.reduce((sum, { objectCount }) => sum + objectCount, 0),
            'object',
          )}{' '}
          found, {plural(samples.filter(({ isReviewed }) => isReviewed).length, 'image')} reviewed.
        </p>
      ))}
      {waiting > 0 && (
        <div className={styles.actions}>
          <button type="button" onClick={() => void reviewNext()} aria-keyshortcuts="G">
            Review the next image
          </button>
        </div>
      )}
    </div>
  );
}

/** Of a search that this tab does not do now. */
function stateOf({ isUnderWay, isModelOpen, modelName }: FindJob): string {
  if (isUnderWay) return 'is under way in another tab.';
  return isModelOpen
    ? 'is not finished.'
    : `is not finished. It was begun with ${modelName}: open that model to go on.`;
}
