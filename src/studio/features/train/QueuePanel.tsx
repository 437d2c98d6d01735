import type { ReactNode } from 'react';
import { minutes, plural } from '../../../config/words.ts';
import {
  goOnWithQueue,
  moveQueued,
  removeQueued,
  secondsInAll,
  useRunQueue,
} from '../../stores/run-queue.ts';
import { selectActiveRun, useRuns } from '../../stores/runs.ts';
import styles from './QueuePanel.module.css';

/** The runs that wait for their turn: in which order, how long in all, and what holds them. */
export function QueuePanel(): ReactNode {
  const { waiting, held } = useRunQueue();
  const active = useRuns(selectActiveRun);
  if (waiting.length === 0 && held === null) return null;
  const { seconds, isWhole } = secondsInAll(active, waiting);
  const ids = waiting.map(({ id }) => id);
  return (
    <section className={`panel ${styles.queue}`} aria-label="Queue of runs">
      <h2>Queue</h2>
      {active && <p className="small">{active.name} is under way.</p>}
      <p className="muted small">
        {plural(waiting.length, 'run waits', 'runs wait')}
        {seconds > 0 && ` · ${isWhole ? 'about' : 'more than'} ${minutes(seconds)} in all`}. When you close
        this page, the queue goes on in another window of the studio, or when you come back.
      </p>
      {held && (
        <div className="attention stack small" role="status">
          <p>
            {held.what} {held.cure}
          </p>
          {waiting.length > 0 && (
            <button type="button" onClick={() => void goOnWithQueue()}>
              Go on with the next run
            </button>
          )}
        </div>
      )}
      <ol className={styles.runs}>
        {waiting.map(({ id, settings, seconds: own, failure }, i) => (
          <li key={id} className={styles.run}>
            <span>
              {settings.name}
              {own !== null && <span className="muted small"> · {minutes(own)}</span>}
              {failure && <span className="small"> · could not start</span>}
            </span>
            <span className={styles.buttons}>
              <button
                type="button"
                className="quiet"
                aria-label={`Start ${settings.name} earlier`}
                disabled={i === 0}
                onClick={() => void moveQueued(id, i - 1)}
              >
                ↑
              </button>
              <button
                type="button"
                className="quiet"
                aria-label={`Start ${settings.name} later`}
                disabled={i === waiting.length - 1}
                onClick={() => void moveQueued(id, i + 1)}
              >
                ↓
              </button>
              <button
                type="button"
                className="quiet"
                aria-label={`Remove ${settings.name} from the queue`}
                onClick={() => void removeQueued([id])}
              >
                ×
              </button>
            </span>
          </li>
        ))}
      </ol>
      {waiting.length > 1 && (
        <button type="button" className="quiet" onClick={() => void removeQueued(ids)}>
          Remove all
        </button>
      )}
    </section>
  );
}
