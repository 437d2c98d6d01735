import { type KeyboardEvent, type ReactNode, useId, useMemo } from 'react';
import { FIND_FIELDS, type FindSettings, PREVIEW_FLOOR } from '../../../config/find.ts';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { duration, plural } from '../../format/format.ts';
import {
  acceptAllFound,
  acceptFound,
  cancelFinding,
  changeFindSetting,
  chooseFound,
  findAll,
  findInFolder,
  measureFinding,
  rejectAllFound,
  rejectFound,
  reviewNext,
  useFind,
} from '../../stores/find.ts';
import { useSegment } from '../../stores/segment.ts';
import { selectCanCompute, useSession } from '../../stores/session.ts';
import { TimeLeft } from '../../stores/time-left.ts';
import styles from './FindPanel.module.css';

/** Finds all objects of the open image or of its dataset, and lets them be accepted or rejected one by one. */
export function FindPanel(): ReactNode {
  const image = useSegment((state) => state.image);
  const isSample = useSegment((state) => state.source?.kind === 'sample');
  const canCompute = useSession(selectCanCompute);
  const work = useFind((state) => state.work);
  const isIdle = canCompute && image !== null && work === null;
  return (
    <section className={`panel ${styles.panel}`} aria-label="Find all">
      <h2>Find all</h2>
      <div className={styles.actions}>
        <button type="button" className="primary" disabled={!isIdle} onClick={() => void findAll()}>
          Find all objects
        </button>
        {isSample && (
          <button type="button" disabled={!isIdle} onClick={() => void findInFolder()}>
            Of the whole dataset
          </button>
        )}
      </div>
      <Work />
      <Review />
      <details>
        <summary>Thresholds</summary>
        <div className={styles.fields}>
          {THRESHOLDS.map((name) => (
            <Threshold key={name} name={name} />
          ))}
        </div>
        {isSample && (
          <button type="button" disabled={!isIdle} onClick={() => void measureFinding()}>
            Measure on validation images
          </button>
        )}
        <Quality />
      </details>
      <Folder />
    </section>
  );
}

const THRESHOLDS = [
  'iou',
  'stability',
  'maskOverlap',
  'minArea',
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

function Quality(): ReactNode {
  const quality = useFind((state) => state.quality);
  if (!quality) return null;
  const { ap50, ap, objects, missed, split, merged } = quality;
  if (ap50 === null || ap === null) return <p>There is no object in the validation images.</p>;
  return (
    <p>
      Of {plural(objects, 'validation object')}, {missed} are missed ({split} split, {merged} merged). Average
      precision {ap50.toFixed(3)} at IoU .5, {ap.toFixed(3)} in the mean of .5 to .95.
    </p>
  );
}

function Review(): ReactNode {
  const image = useSegment((state) => state.image);
  const objects = useFind((state) => state.objects);
  const chosen = useFind((state) => state.chosen);
  const isSearched = useFind((state) => state.isSearched);
  if (!image || !isSearched) return null;
  if (objects.length === 0)
    return (
      <p className="muted">
        No object is left that passes the thresholds. A lower predicted IoU or stability shows what the model
        is less sure of.
      </p>
    );
  const object = objects[chosen];
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys work wherever the focus is inside
    <div className={styles.review} onKeyDown={onReviewKey}>
      <p>
        {plural(objects.length, 'object')}
        {object && (
          <span className="muted">
            {' '}
            · {chosen + 1}: predicted IoU {object.predictedIou.toFixed(2)}, stability{' '}
            {object.stability.toFixed(2)}, {plural(object.area, 'pixel')}
          </span>
        )}
      </p>
      <div className={styles.actions}>
        <button type="button" onClick={() => chooseFound(-1)} aria-keyshortcuts="P">
          Previous
        </button>
        <button type="button" onClick={() => chooseFound(1)} aria-keyshortcuts="N">
          Next
        </button>
        <button type="button" onClick={acceptFound} aria-keyshortcuts="A">
          Accept
        </button>
        <button type="button" onClick={rejectFound} aria-keyshortcuts="R">
          Reject
        </button>
        <button type="button" onClick={() => void acceptAllFound()}>
          Accept all
        </button>
        <button type="button" onClick={() => void rejectAllFound()}>
          Reject all
        </button>
      </div>
      <p className="muted small">Keys here: N and P choose, A accepts, R rejects.</p>
    </div>
  );
}

/** Keys of the review, whatever of it has the focus. */
function onReviewKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  switch (event.key.toLowerCase()) {
    case 'n':
      chooseFound(1);
      break;
    case 'p':
      chooseFound(-1);
      break;
    case 'a':
      acceptFound();
      break;
    case 'r':
      rejectFound();
      break;
    default:
      return;
  }
  event.preventDefault();
  event.stopPropagation();
}

function Folder(): ReactNode {
  const folder = useFind((state) => state.folder);
  if (!folder) return null;
  const { samples, imageCount } = folder;
  const open = samples.filter(({ isReviewed }) => !isReviewed);
  const objects = samples.reduce((sum, { objectCount }) => sum + objectCount, 0);
  return (
    <div className={styles.folder}>
      <p>
        Dataset: {samples.length} of {plural(imageCount, 'image')} searched, {plural(objects, 'object')}{' '}
        found, {plural(samples.length - open.length, 'image')} reviewed.
      </p>
      {open.length > 0 && (
        <button type="button" onClick={() => void reviewNext()}>
          Review the next image
        </button>
      )}
    </div>
  );
}
