import { type KeyboardEvent, type ReactNode, useEffect, useId, useMemo, useRef } from 'react';
import { FIND_FIELDS, type FindSettings, PREVIEW_FLOOR } from '../../../config/find.ts';
import type { FindCounts, FoundObject } from '../../../worker/protocol.ts';
import { runKey } from '../../commands/key-binding.ts';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { duration, plural } from '../../format/format.ts';
import { useDatasets } from '../../stores/datasets.ts';
import {
  acceptAllFound,
  acceptFound,
  calibrate,
  cancelFinding,
  changeFindSetting,
  chooseFound,
  classifyFound,
  findAll,
  findInFolders,
  imagesToReview,
  loosen,
  measureFinding,
  rejectAllFound,
  rejectFound,
  resumeJob,
  reviewNext,
  searchFiner,
  toggleFurther,
  useFind,
} from '../../stores/find.ts';
import { useLabels } from '../../stores/labels.ts';
import { useSegment } from '../../stores/segment.ts';
import { selectCanCompute, useSession } from '../../stores/session.ts';
import { TimeLeft } from '../../stores/time-left.ts';
import styles from './FindPanel.module.css';
import { REVIEW_KEYS } from './keys.ts';

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
      <Work />
      <Review />
      <details>
        <summary>Thresholds</summary>
        <div className={styles.fields}>
          {THRESHOLDS.map((name) => (
            <Threshold key={name} name={name} />
          ))}
        </div>
        {isSample && <Known />}
      </details>
      <Folders />
    </section>
  );
}

/** Whether a search can begin. */
function useIsIdle(): boolean {
  const image = useSegment((state) => state.image);
  const canCompute = useSession(selectCanCompute);
  const work = useFind((state) => state.work);
  return canCompute && image !== null && work === null;
}

const THRESHOLDS = [
  'iou',
  'stability',
  'maskOverlap',
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
  const isIdle = useIsIdle();
  return (
    <>
      <div className={styles.actions}>
        <button type="button" disabled={!isIdle} onClick={() => void calibrate()}>
          Choose by labelled images
        </button>
        <button type="button" disabled={!isIdle} onClick={() => void measureFinding('validation')}>
          Measure on validation images
        </button>
        <button type="button" disabled={!isIdle} onClick={() => void measureFinding('test')}>
          Measure on test images
        </button>
      </div>
      <Calibrated />
      <Quality />
    </>
  );
}

function Calibrated(): ReactNode {
  const calibration = useFind((state) => state.calibration);
  if (!calibration) return null;
  const { images, before, after } = calibration;
  const counts = ({ right, found }: FindCounts): string => `${right} found and ${found - right} too many`;
  return (
    <p>
      Chosen by {plural(images, 'labelled image')}: of {plural(after.objects, 'object')} {counts(after)}. With
      the thresholds before: {counts(before)}.
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

function Review(): ReactNode {
  const image = useSegment((state) => state.image);
  const objects = useFind((state) => state.objects);
  const chosen = useFind((state) => state.chosen);
  const isSearched = useFind((state) => state.isSearched);
  const box = useRef<HTMLDivElement>(null);
  const isEmpty = objects.length === 0;
  useEffect(() => {
    // The button that was pressed last is gone; keys go on.
    if (isEmpty && document.activeElement === document.body) box.current?.focus();
  }, [isEmpty]);
  if (!image || !isSearched) return null;
  const object = objects[chosen];
  return (
    <div className={styles.review} ref={box} tabIndex={-1}>
      {!object && <NothingLeft />}
      {object && (
        <>
          <p>
            {plural(objects.length, 'object')}
            <span className="muted">
              {' '}
              · {chosen + 1}: predicted IoU {object.predictedIou.toFixed(2)}, stability{' '}
              {object.stability.toFixed(2)}, {plural(object.area, 'pixel')}
            </span>
          </p>
          <FoundClass object={object} />
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
            <button type="button" onClick={acceptAllFound} aria-keyshortcuts="Shift+A">
              Accept all
            </button>
            <button type="button" onClick={rejectAllFound} aria-keyshortcuts="Shift+R">
              Reject all
            </button>
          </div>
        </>
      )}
      <p className="muted small">
        Keys here: N and P choose, A accepts, R rejects, with Shift all; 1 to 9 give a class, G opens the next
        image to review.
      </p>
    </div>
  );
}

/** Why there is nothing to review, and what helps. */
function NothingLeft(): ReactNode {
  const passing = useFind((state) => state.passing);
  const looser = useFind((state) => state.looser);
  const isLive = useFind((state) => state.searchId !== null);
  const points = useFind((state) => state.settings.pointsPerSide);
  const isIdle = useIsIdle();
  if (passing > 0) return <p className="muted">No object is left to review.</p>;
  if (looser) {
    const [iou, stability] = [looser.iou.toFixed(2), looser.stability.toFixed(2)];
    return (
      <>
        <p>
          Nothing passes. The masks that come closest have a predicted IoU from {iou} and a stability from{' '}
          {stability}.
        </p>
        <div className={styles.actions}>
          <button type="button" onClick={() => void loosen()}>
            Show them
          </button>
        </div>
      </>
    );
  }
  if (!isLive)
    return (
      <>
        <p>Nothing was found in this image when its dataset was searched.</p>
        <div className={styles.actions}>
          <button type="button" disabled={!isIdle} onClick={() => void findAll()}>
            Search this image alone
          </button>
        </div>
      </>
    );
  const most = 2 * points <= FIND_FIELDS.pointsPerSide.max;
  return (
    <>
      <p>
        The model made no mask at {points} × {points} points
        {most ? '.' : ': a tuned model, or another scale of the dataset, may find what this one does not.'}
      </p>
      {most && (
        <div className={styles.actions}>
          <button type="button" disabled={!isIdle} onClick={() => void searchFiner()}>
            Search at {2 * points} × {2 * points} points
          </button>
        </div>
      )}
    </>
  );
}

/** The class of the chosen object, where there is a choice. */
function FoundClass({
  object: { classValue, classConfidence },
}: {
  readonly object: FoundObject;
}): ReactNode {
  const classes = useLabels((state) => state.classes);
  const told = useFind((state) => state.classes);
  const next = useLabels((state) => state.classValue);
  const id = useId();
  if (classes.length < 2) return null;
  return (
    <>
      <p className={styles.class}>
        <label htmlFor={id}>Class</label>
        <select
          id={id}
          value={classValue ?? next}
          onChange={(event) => classifyFound(Number(event.target.value))}
        >
          {classes.map(({ value, name }) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
        {classConfidence !== undefined && (
          <span className="muted">{Math.round(100 * classConfidence)} % sure</span>
        )}
      </p>
      {told && (
        <p className="muted small">
          Classes are told by labelled objects: of {told.objects}, {told.right} are told rightly by the
          others.
        </p>
      )}
    </>
  );
}

/** Keys of the review, whatever has the focus but a field that takes keys itself. */
function onReviewKey(event: KeyboardEvent): void {
  if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
  if (!runKey([REVIEW_KEYS], event.nativeEvent, null)) return;
  event.preventDefault();
  event.stopPropagation();
}

/** The search of whole datasets, and the review of what it found. */
function Folders(): ReactNode {
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
  // After a reload no image is open yet, and what was begun is there.
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
            {further.some((id) => id !== open) ? 'Of the whole datasets' : 'Of the whole dataset'}
          </button>
        </div>
      )}
      {job && work === null && (
        <>
          <p>
            The search of {job.datasetIds.map(nameOf).join(', ')} is not finished
            {job.isModelOpen ? '.' : `. It was begun with ${job.modelName}: open that model to go on.`}
          </p>
          <div className={styles.actions}>
            <button type="button" disabled={!canCompute || !job.isModelOpen} onClick={() => void resumeJob()}>
              Go on with the search
            </button>
          </div>
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
