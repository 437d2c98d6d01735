import type { ReactNode } from 'react';
import type { RunInfo } from '../../../worker/protocol.ts';
import { iou } from '../../format/format.ts';
import { STATUS_LABELS } from '../../stores/run-status.ts';
import { compareRuns, selectStep, showRun, useRuns } from '../../stores/runs.ts';
import { QueuePanel } from './QueuePanel.tsx';
import styles from './RunList.module.css';

/** All runs on this device, newest first, and the button for a new one. */
export function RunList(): ReactNode {
  const runs = useRuns((state) => state.runs);
  const shownId = useRuns((state) => state.shownId);
  const isComparing = useRuns((state) => state.isComparing);
  const isNew = shownId === null && !isComparing;
  return (
    <nav className={styles.list} aria-label="Runs">
      <button
        type="button"
        className={isNew ? styles.chosen : undefined}
        aria-pressed={isNew}
        onClick={() => showRun(null)}
      >
        New run
      </button>
      {runs.length > 1 && (
        <button
          type="button"
          className={isComparing ? styles.chosen : undefined}
          aria-pressed={isComparing}
          onClick={compareRuns}
        >
          Compare runs
        </button>
      )}
      <QueuePanel />
      <ul className={styles.runs}>
        {runs.map((run) => (
          <li key={run.id}>
            <button
              type="button"
              className={`${styles.run} ${run.id === shownId ? styles.chosen : ''}`}
              aria-pressed={run.id === shownId}
              onClick={() => showRun(run.id)}
            >
              <span className={styles.name}>{run.name}</span>
              <RunProgress run={run} />
              <span className="muted small">{outcome(run)}</span>
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function RunProgress({ run }: { readonly run: RunInfo }): ReactNode {
  const step = useRuns((state) => selectStep(state, run));
  const status = STATUS_LABELS[run.status];
  return (
    <span className="muted small">
      {run.status === 'imported' ? status : `${status} · ${step} of ${run.steps}`}
    </span>
  );
}

function outcome(run: RunInfo): string | null {
  if (run.status === 'finished' && run.bestStep === 0) return 'kept the base model';
  return run.bestScore === null ? null : `IoU ${iou(run.bestScore)}`;
}
