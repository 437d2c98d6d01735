import { type ReactNode, useEffect } from 'react';
import { duration, minutes } from '../../../config/words.ts';
import type { Capabilities, RunInfo } from '../../../worker/protocol.ts';
import { FailureMessage } from '../../components/FailureMessage.tsx';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { useAnswer } from '../../components/use-answer.ts';
import { bytes } from '../../format/format.ts';
import { useDatasets } from '../../stores/datasets.ts';
import { callEngine } from '../../stores/engine-link.ts';
import { meanIou, useFirst } from '../../stores/first.ts';
import {
  discardFirst,
  firstSettings,
  gainSentence,
  STEPS,
  TRAIN_IMAGES,
  trainFirst,
  useFirstRun,
  useMadeRun,
} from '../../stores/first-run.ts';
import { openImage } from '../../stores/open-image.ts';
import { openPage } from '../../stores/page.ts';
import { activityText } from '../../stores/run-events.ts';
import { isActive, isUsable } from '../../stores/run-status.ts';
import { loadHistory, resumeRun, selectActiveRun, selectStep, stopRun, useRuns } from '../../stores/runs.ts';
import { chooseRun } from '../../stores/segment.ts';
import { LookWipe } from './LookWipe.tsx';
import styles from './TrainPanel.module.css';

/** The run of the first minute: offered, under way, or what it brought. */
export function TrainPanel({ capabilities }: { readonly capabilities: Capabilities }): ReactNode {
  const run = useMadeRun();
  const isStarting = useFirstRun((state) => state.isStarting);
  const importing = useDatasets((state) => state.importing);
  const activity = useRuns((state) => state.activities[selectActiveRun(state)?.id ?? '']);
  const title = 'Train it';
  return (
    <section className={`panel ${styles.panel}`} aria-label={title} data-run="">
      {isStarting ? (
        <ProgressBar
          progress={
            importing?.progress ??
            activity ?? { done: 0, total: 0, label: 'Getting ready for the first step' }
          }
        />
      ) : run ? (
        <OwnRun run={run} capabilities={capabilities} />
      ) : (
        <Offer capabilities={capabilities} />
      )}
    </section>
  );
}

function Offer({ capabilities }: { readonly capabilities: Capabilities }): ReactNode {
  // How fast the device is, the page's own clicks show.
  const isTimed = useFirst(({ cells }) => meanIou(cells, 'tuned') !== null);
  const plan = useAnswer(
    isTimed ? () => callEngine('train.plan', firstSettings([], capabilities)) : null,
    `plan ${isTimed}`,
  );
  const cost =
    plan?.ok === true
      ? ` About ${minutes(secondsOf(plan.value.secondsPerStep))} on this device, with ${bytes(plan.value.memory.peakBytes)} of its GPU's memory.`
      : '';
  return (
    <>
      <button type="button" className="primary" onClick={() => void trainFirst(capabilities)}>
        Train it on {TRAIN_IMAGES} images now
      </button>
      <p className="muted small">
        It learns from {TRAIN_IMAGES} drawn images of such cells, and is then tested on 4 that it has not
        seen.
        {cost}
      </p>
    </>
  );
}

/** Of the whole run: checks and the test take about as long as twice its steps. */
const secondsOf = (secondsPerStep: number): number => 3 * STEPS * secondsPerStep;

function OwnRun({
  run,
  capabilities,
}: {
  readonly run: RunInfo;
  readonly capabilities: Capabilities;
}): ReactNode {
  const step = useRuns((state) => selectStep(state, run));
  const look = useRuns((state) => state.histories[run.id]?.looks[0]);
  const activity = useRuns((state) => state.activities[run.id]);
  useEffect(() => void loadHistory(run.id), [run.id]);
  if (isActive(run.status)) {
    const left = run.secondsPerStep === null ? null : run.secondsPerStep * (run.steps - step);
    const isOver = step >= run.steps;
    return (
      <>
        {look && <LookWipe look={look} />}
        <div className={styles.words}>
          <h3>{isOver ? 'Testing it' : 'It learns'}</h3>
          <p className={`muted small ${styles.now}`} role="status">
            {activity
              ? `${activityText(activity)}.`
              : isOver
                ? 'All steps are done; the test images are next.'
                : `From ${TRAIN_IMAGES} images; the one shown is not among them.`}
          </p>
          <ProgressBar progress={{ done: step, total: run.steps, label: `Step ${step} of ${run.steps}` }} />
          <p className="small">
            {left === null || isOver
              ? 'Then the test on 4 images.'
              : `${duration(left)} of steps left, then the test.`}
          </p>
          <button type="button" disabled={isOver} onClick={() => void stopRun(run.id)}>
            Stop here
          </button>
        </div>
      </>
    );
  }
  return (
    <div className={styles.words}>
      <Outcome run={run} step={step} />
      {run.verdict && (
        <div className="row">
          <button type="button" className="primary" onClick={() => openPage('data')}>
            Use your own images
          </button>
          {isUsable(run) && (
            <button type="button" onClick={() => segmentWith(run)}>
              Segment with it
            </button>
          )}
        </div>
      )}
      {!run.verdict && run.status !== 'elsewhere' && (
        <div className="row">
          <button type="button" className="primary" onClick={() => void resumeRun(run.id)}>
            Go on
          </button>
          <button type="button" onClick={() => void trainFirst(capabilities)}>
            Begin again
          </button>
          <button type="button" className="quiet" onClick={() => openPage('data')}>
            Use your own images
          </button>
        </div>
      )}
      <Made run={run} />
    </div>
  );
}

function Outcome({ run, step }: { readonly run: RunInfo; readonly step: number }): ReactNode {
  const { verdict, failure } = run;
  if (verdict) {
    const hasLearned = run.bestStep !== null && run.bestStep > 0 && verdict.click.n > 0;
    return (
      <div role="status">
        <h3>{hasLearned ? gainSentence(verdict.click) : verdict.sentence}</h3>
      </div>
    );
  }
  if (failure) return <FailureMessage failure={failure} />;
  if (run.status === 'elsewhere') return <p role="status">It learns in another tab.</p>;
  return (
    <p role="status">
      It was interrupted at step {step} of {run.steps}. Nothing is lost: it goes on from its last checkpoint.
    </p>
  );
}

/** What of it stays on this device. */
function Made({ run }: { readonly run: RunInfo }): ReactNode {
  const datasetId = useFirstRun((state) => state.datasetId);
  const dataset = useDatasets((state) => state.datasets.find(({ id }) => id === datasetId));
  const made = [
    ...(dataset
      ? [`the dataset “${dataset.name}” (${dataset.imageCount} drawn images, ${bytes(dataset.bytes)})`]
      : []),
    `the run “${run.name}” (${bytes(run.bytes)})`,
  ];
  return (
    <p className="muted small">
      This made {made.join(' and ')}. They stay on this device as Data and Train list them, or{' '}
      <button type="button" className={styles.discard} onClick={() => void discardFirst()}>
        discard both
      </button>
      .
    </p>
  );
}

/** Opens a test image with the run's weights. */
function segmentWith(run: RunInfo): void {
  const [datasetId] = run.settings.datasetIds;
  openPage('segment');
  void chooseRun(run.id);
  if (datasetId !== undefined) void openImage({ kind: 'sample', datasetId, sampleId: 'cells-11.png' });
}
