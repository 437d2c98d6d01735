import { type ReactNode, useEffect, useId, useRef } from 'react';
import { FIND_FIELDS } from '../../../config/find.ts';
import { plural } from '../../../config/words.ts';
import type { FoundObject } from '../../../worker/protocol.ts';
import { classifyFound, findAll, loosen, searchFiner } from '../../stores/find.ts';
import {
  acceptAllFound,
  acceptFound,
  chooseFound,
  rejectAllFound,
  rejectFound,
} from '../../stores/find-review.ts';
import { useFind } from '../../stores/find-state.ts';
import { useLabels } from '../../stores/labels.ts';
import { useSegment } from '../../stores/segment.ts';
import styles from './FindPanel.module.css';
import { useIsIdle } from './use-is-idle.ts';

/** Found objects of the open image, to be accepted or rejected one by one. */
export function FindReview(): ReactNode {
  const image = useSegment((state) => state.image);
  const objects = useFind((state) => state.objects);
  const chosen = useFind((state) => state.chosen);
  const labelled = useFind((state) => state.labelled);
  const isSearched = useFind((state) => state.isSearched);
  const box = useRef<HTMLDivElement>(null);
  const searchId = useFind((state) => state.searchId);
  const isEmpty = objects.length === 0;
  useEffect(() => {
    // The button that was pressed last is gone, or could not be pressed during the search: what has the focus is around here.
    if ((isEmpty || searchId !== null) && document.activeElement?.contains(box.current)) box.current?.focus();
  }, [isEmpty, searchId]);
  if (!image || !isSearched) return null;
  const object = objects[chosen];
  return (
    <div className={styles.review} ref={box} tabIndex={-1}>
      {!object && <NothingLeft />}
      {object && (
        <>
          <p className="muted small">Found objects are striped until you accept them.</p>
          <p>
            {plural(objects.length, 'object')}
            <span className="muted">
              {' '}
              · {chosen + 1}: {object.likeness !== undefined && `likeness ${object.likeness.toFixed(2)}, `}
              predicted IoU {object.predictedIou.toFixed(2)}, stability {object.stability.toFixed(2)},{' '}
              {plural(object.area, 'pixel')}
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
      {labelled > 0 && (
        <p className="muted small">
          {plural(labelled, 'more object')} {labelled === 1 ? 'is' : 'are'} labelled already.
        </p>
      )}
      <p className="muted small">
        Keys, unless the image has the focus: N and P choose, A accepts, R rejects, with Shift all; 1 to 9
        give a class, G opens the next image to review.
      </p>
    </div>
  );
}

/** Why there is nothing to review, and what helps. */
function NothingLeft(): ReactNode {
  const passing = useFind((state) => state.passing);
  const looser = useFind((state) => state.looser);
  const isLive = useFind((state) => state.searchId !== null);
  const isAlike = useFind((state) => state.isAlike);
  const points = useFind((state) => state.settings.pointsPerSide);
  const isIdle = useIsIdle();
  if (passing > 0) return <p className="muted">No object is left to review.</p>;
  if (looser) {
    const [iou, stability] = [looser.iou.toFixed(2), looser.stability.toFixed(2)];
    return (
      <>
        <p>
          Nothing passes. The masks that come closest have a predicted IoU from {iou} and a stability from{' '}
          {stability}
          {isAlike && `, and a likeness from ${looser.likeness.toFixed(2)}`}.
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
