import type { ReactNode } from 'react';
import { minutes } from '../../../config/words.ts';
import type { Capabilities, EvalPoint, RunInfo, RunStatus } from '../../../worker/protocol.ts';
import { ConfirmDelete } from '../../components/ConfirmDelete.tsx';
import { EditableName } from '../../components/EditableName.tsx';
import { Hint } from '../../components/Hint.tsx';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { bytes, iou, when } from '../../format/format.ts';
import { useDatasets } from '../../stores/datasets.ts';
import { hasDiverged, lowerRates } from '../../stores/lower-rates.ts';
import { openPage } from '../../stores/page.ts';
import { activityText } from '../../stores/run-events.ts';
import {
  isActive,
  isOver,
  isResumable,
  isUsable,
  missingDatasets,
  STATUS_LABELS,
} from '../../stores/run-status.ts';
import {
  deleteRun,
  pauseRun,
  renameRun,
  resumeRun,
  selectActiveRun,
  selectStep,
  showRun,
  stopRun,
  trainAgain,
  trainLower,
  useRuns,
} from '../../stores/runs.ts';
import { chooseRun } from '../../stores/segment.ts';
import { selectCanCompute, useSession } from '../../stores/session.ts';
import { branchFrom } from '../../stores/setup.ts';
import { scaleText } from '../data/ScaleField.tsx';
import { nowSentence } from './now-sentence.ts';
import styles from './RunHeader.module.css';

const NONE: readonly EvalPoint[] = [];
const STOPPABLE: readonly RunStatus[] = ['running', 'pausing', 'paused', 'interrupted'];

/** A run's name, status and remaining time, with the buttons that act on it. */
export function RunHeader({ run }: { readonly run: RunInfo }): ReactNode {
  const running = isActive(run.status);
  const step = useRuns((state) => selectStep(state, run));
  const activity = useRuns((state) => state.activities[run.id]);
  const evals = useRuns((state) => state.histories[run.id]?.evals ?? NONE);
  const sentence = nowSentence(run, step, activity !== undefined, evals);
  return (
    <section className={`panel ${styles.head}`} aria-label="Run">
      <div className={styles.line}>
        <EditableName level={2} name={run.name} onRename={(name) => void renameRun(run.id, name)} />
        <Buttons run={run} step={step} />
      </div>
      {run.status !== 'imported' && (
        <ProgressBar
          progress={{
            done: step,
            total: run.steps,
            label: `${STATUS_LABELS[run.status]} · step ${step} of ${run.steps}${running ? timeLeft(run, step) : ''}`,
          }}
        />
      )}
      {sentence && <p>{sentence}</p>}
      {running && activity && <ProgressBar progress={{ ...activity, label: activityText(activity) }} />}
      <p className="muted small">
        {run.datasets.map((dataset) => dataset.name).join(', ')}
        {typeof run.scale === 'number' && ` in ${scaleText(run.scale)}`}
        {run.bestScore !== null &&
          ` · best validation IoU ${iou(run.bestScore)} at step ${run.bestStep ?? 0}`}
        {run.checkpointStep !== null &&
          run.status !== 'finished' &&
          ` · checkpoint at step ${run.checkpointStep}`}
        {` · ${when(run.created)} · ${bytes(run.bytes)}`}
      </p>
    </section>
  );
}

function timeLeft(run: RunInfo, step: number): string {
  if (run.secondsLeft === undefined || step >= run.steps) return '';
  return ` · about ${minutes(run.secondsLeft)} left`;
}

/** Why the run cannot be resumed, or null. @param deleted names of its deleted datasets. */
function resumeBlocker(run: RunInfo, deleted: readonly string[]): string | null {
  if (deleted.length > 0) return `Cannot be resumed without the deleted dataset ${deleted.join(', ')}.`;
  return run.fitsModel ? null : `Load ${run.modelName} to resume this run.`;
}

function segmentWith(run: RunInfo): void {
  void chooseRun(run.id);
  openPage('segment');
}

/** Trains again at lower learning rates, which the hint names. */
function TrainLower(props: {
  readonly run: RunInfo;
  readonly capabilities: Capabilities;
  readonly disabled: boolean;
}): ReactNode {
  const { run, capabilities, disabled } = props;
  const rates = lowerRates(run.settings.values, capabilities);
  const changes = rates.map(({ label, before, now }) => `${label} ${now} in place of ${before}`);
  return (
    <Hint text={`From the base model, with the same settings but ${changes.join(', ')}.`}>
      <button
        type="button"
        className="primary"
        disabled={disabled}
        onClick={() => void trainLower(run, rates)}
      >
        Train again with lower learning rates
      </button>
    </Hint>
  );
}

function Buttons({ run, step }: { readonly run: RunInfo; readonly step: number }): ReactNode {
  const canCompute = useSession(selectCanCompute);
  const capabilities = useSession((state) => state.capabilities);
  const otherActive = useRuns((state) => {
    const active = selectActiveRun(state);
    return active !== null && active.id !== run.id;
  });
  const datasetsLoaded = useDatasets((state) => state.loaded);
  const datasets = useDatasets((state) => state.datasets);
  const deleted = datasetsLoaded ? missingDatasets(run, datasets) : [];
  const reason = resumeBlocker(run, deleted);
  const mayResume = canCompute && !otherActive && reason === null;
  return (
    <div className="row">
      {run.status === 'running' && (
        <button type="button" onClick={() => void pauseRun(run.id)}>
          Pause
        </button>
      )}
      {isResumable(run) && (
        <button
          type="button"
          className="primary"
          disabled={!mayResume}
          onClick={() => void resumeRun(run.id)}
        >
          {run.step < run.steps ? 'Resume' : 'Finish testing'}
        </button>
      )}
      {isResumable(run) && reason && <span className="muted small">{reason}</span>}
      {STOPPABLE.includes(run.status) && (
        <button type="button" onClick={() => void stopRun(run.id)}>
          Stop
        </button>
      )}
      {run.status === 'stopping' && step > 0 && (
        <button type="button" onClick={() => void pauseRun(run.id)}>
          End without the test
        </button>
      )}
      {capabilities && hasDiverged(run) && (
        <TrainLower run={run} capabilities={capabilities} disabled={!mayResume || deleted.length > 0} />
      )}
      {isOver(run.status) && (
        <Hint text="From the base model, with the same settings and all images that are done by now. The verdict compares with this run.">
          <button
            type="button"
            disabled={!mayResume || deleted.length > 0}
            onClick={() => void trainAgain(run)}
          >
            Train again with what I corrected
          </button>
        </Hint>
      )}
      {run.status !== 'imported' && (
        <Hint text="Fills the form with these settings, for you to change.">
          <button
            type="button"
            className="quiet"
            disabled={!capabilities}
            onClick={() => {
              if (capabilities) branchFrom(run, capabilities);
              showRun(null);
            }}
          >
            Copy these settings
          </button>
        </Hint>
      )}
      {isUsable(run) && (
        <button type="button" className="quiet" onClick={() => segmentWith(run)}>
          Use in Segment
        </button>
      )}
      <ConfirmDelete
        name={run.name}
        consequence={`This removes its weights, checkpoints and history (${bytes(run.bytes)}) from this device. Export the adapter first if you want to keep it.`}
        disabled={isActive(run.status) || run.status === 'elsewhere'}
        onDelete={() => void deleteRun(run.id)}
      />
    </div>
  );
}
