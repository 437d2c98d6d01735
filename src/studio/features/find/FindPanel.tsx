import { type KeyboardEvent, type ReactNode, useId, useMemo } from 'react';
import { FIND_FIELDS, type FindSettings, PREVIEW_FLOOR } from '../../../config/find.ts';
import { TimeLeft } from '../../../config/time-left.ts';
import { duration, plural } from '../../../config/words.ts';
import type { FindCounts } from '../../../worker/protocol.ts';
import { runKey } from '../../commands/key-binding.ts';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { useDatasets } from '../../stores/datasets.ts';
import { calibrate, changeFindSetting, findAll, measureFinding } from '../../stores/find.ts';
import { cancelFinding, shownModel, useFind } from '../../stores/find-state.ts';
import { selectVariant, useSegment } from '../../stores/segment.ts';
import { useSession } from '../../stores/session.ts';
import { FindFolders } from './FindFolders.tsx';
import styles from './FindPanel.module.css';
import { FindReview } from './FindReview.tsx';
import { reviewKeysOfPage } from './keys.ts';
import { useIsIdle } from './use-is-idle.ts';

/** Finds all objects of the open image or of whole datasets, and lets them be accepted or rejected one by one. */
export function FindPanel(): ReactNode {
  const isSample = useSegment((state) => state.source?.kind === 'sample');
  const isIdle = useIsIdle();
  return (
    <section className={`panel ${styles.panel}`} aria-label="Find all" onKeyDown={onReviewKey}>
      <h2>Find all</h2>
      <div className={styles.actions}>
        <button type="button" className="primary" disabled={!isIdle} onClick={() => void findAll()}>
          Find all objects
        </button>
      </div>
      <Suited />
      <Work />
      <FindReview />
      <details>
        <summary>Thresholds</summary>
        <div className={styles.fields}>
          {THRESHOLDS.map((name) => (
            <Threshold key={name} name={name} />
          ))}
        </div>
        {isSample && <Known />}
      </details>
      <FindFolders />
    </section>
  );
}

const THRESHOLDS = [
  'iou',
  'stability',
  'likeness',
  'maskOverlap',
  'nesting',
  'minArea',
  'maxArea',
  'minRegion',
  'pointsPerSide',
  'cropLayers',
] as const;

/** A slider for shares; a number field for pixels and counts. */
function Threshold({ name }: { readonly name: keyof FindSettings }): ReactNode {
  const value = useFind((state) => state.settings[name]);
  const id = useId();
  const { kind, label, help, min, max, unit } = FIND_FIELDS[name];
  const isShare = kind === 'number';
  return (
    <div className={styles.field}>
      <label htmlFor={id}>
        {label}
        {!isShare && <span className="muted"> ({unit})</span>}
      </label>
      <output htmlFor={id}>{isShare ? value.toFixed(2) : ''}</output>
      <input
        id={id}
        type={isShare ? 'range' : 'number'}
        min={name === 'iou' || name === 'stability' ? PREVIEW_FLOOR : min}
        max={max}
        step={isShare ? 0.01 : 1}
        value={value}
        aria-describedby={`${id}-help`}
        onChange={(event) => void changeFindSetting(name, event.target.valueAsNumber)}
      />
      <p id={`${id}-help`} className="muted small">
        {help}
      </p>
    </div>
  );
}

/** Whether a person chose the thresholds, and with the model that is shown or another one. */
function useChosenWith(): 'none' | 'this' | 'other' {
  const chosenWith = useFind((state) => state.chosenWith);
  // Both stores name it, and a change of either shows.
  useSession(shownModel);
  const model = useSegment(shownModel);
  if (chosenWith === null) return 'none';
  return chosenWith === model ? 'this' : 'other';
}

/**
 * Offers to choose the thresholds by labelled images as long as no one did for the model that is shown; then says by which
 * images they were chosen.
 */
function Suited(): ReactNode {
  const isTuned = useSegment((state) => selectVariant(state).kind === 'run');
  const chosenWith = useChosenWith();
  const isIdle = useIsIdle();
  const datasetId = useSegment((state) => (state.source?.kind === 'sample' ? state.source.datasetId : null));
  const isKnown = useDatasets(({ datasets }) =>
    datasets.some(({ id, maskedCount }) => id === datasetId && maskedCount > 0),
  );
  if (chosenWith === 'this') return <Calibrated />;
  const isOther = chosenWith === 'other';
  if (isKnown)
    return (
      <div className={styles.suited}>
        <p>
          {isOther ? OTHER_MODEL : 'The thresholds suit the base model and know nothing of your objects:'}{' '}
          labelled images can show what you look for.
        </p>
        <button type="button" disabled={!isIdle} onClick={() => void calibrate()}>
          Choose by labelled images
        </button>
      </div>
    );
  if (!isTuned && !isOther) return null;
  return (
    <div className={styles.suited}>
      <p>
        {isOther
          ? OTHER_MODEL
          : 'The thresholds suit the base model. A tuned model may be surer of its masks, or less sure;'}{' '}
        labelled images could choose them.
      </p>
    </div>
  );
}

const OTHER_MODEL = 'The thresholds were chosen with another model, and may not suit this one:';

function Work(): ReactNode {
  const work = useFind((state) => state.work);
  const progress = useFind((state) => state.progress);
  const timer = useMemo(() => new TimeLeft(), []);
  if (work === null || progress === null) return null;
  const left = timer.of(progress, performance.now());
  return (
    <div className={styles.work}>
      <ProgressBar progress={progress} />
      <span className="muted small">{left === null ? ' ' : `${duration(left)} left`}</span>
      <button type="button" onClick={cancelFinding}>
        {work === 'folder' ? 'Pause' : 'Cancel'}
      </button>
    </div>
  );
}

/** What can be said and chosen where objects are known. */
function Known(): ReactNode {
  const isChosen = useChosenWith() === 'this';
  const isIdle = useIsIdle();
  return (
    <>
      <div className={styles.actions}>
        {isChosen && (
          <button type="button" disabled={!isIdle} onClick={() => void calibrate()}>
            Choose by labelled images
          </button>
        )}
        <button type="button" disabled={!isIdle} onClick={() => void measureFinding('validation')}>
          Measure on validation images
        </button>
        <button type="button" disabled={!isIdle} onClick={() => void measureFinding('test')}>
          Measure on test images
        </button>
      </div>
      <Quality />
    </>
  );
}

function Calibrated(): ReactNode {
  const calibration = useFind((state) => state.calibration);
  if (!calibration) return null;
  const { images, before, after, settings } = calibration;
  const counts = ({ right, found }: FindCounts): string => `${right} found and ${found - right} too many`;
  return (
    <p>
      Chosen by {plural(images, 'labelled image')}
      {settings.likeness > 0 && ', by how much masks are like the objects there'}: of{' '}
      {plural(after.objects, 'object')} {counts(after)}. With the thresholds before: {counts(before)}.
    </p>
  );
}

function Quality(): ReactNode {
  const quality = useFind((state) => state.quality);
  if (!quality) return null;
  const { ap50, ap, objects, missed, split, merged } = quality.result;
  if (ap50 === null || ap === null) return <p>There is no object in the {quality.split} images.</p>;
  return (
    <p>
      Of {plural(objects, `${quality.split} object`)}, {missed} are missed ({split} split, {merged} merged).
      Average precision {ap50.toFixed(3)} at IoU .5, {ap.toFixed(3)} in the mean of .5 to .95.
    </p>
  );
}

/** Keys of the review, whatever has the focus but a field that takes keys itself; those of the page once it is over. */
function onReviewKey(event: KeyboardEvent): void {
  if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
  if (!runKey(reviewKeysOfPage(), event.nativeEvent, undefined)) return;
  event.preventDefault();
  event.stopPropagation();
}
