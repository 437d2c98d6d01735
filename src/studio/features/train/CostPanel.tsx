import type { ReactNode } from 'react';
import type { Capabilities, PlanReport, TrainSettings } from '../../../worker/protocol.ts';
import { FailureMessage } from '../../components/FailureMessage.tsx';
import { bytes, compact, duration } from '../../format/format.ts';
import { selectActiveRun, startRun, useRuns } from '../../stores/runs.ts';
import { selectCanCompute, useSession } from '../../stores/session.ts';
import { nameFor, nameRun, useSetup } from '../../stores/setup.ts';
import styles from './CostPanel.module.css';

/** What the run would cost, its name, and the button that starts it. */
export function CostPanel(props: {
  readonly settings: TrainSettings;
  readonly capabilities: Capabilities;
}): ReactNode {
  const { settings, capabilities } = props;
  const plan = useSetup((state) => state.plan);
  const failure = useSetup((state) => state.planFailure);
  const planning = useSetup((state) => state.planning);
  const name = useSetup((state) => state.name);
  const active = useRuns(selectActiveRun);
  const starting = useRuns((state) => state.starting);
  const canCompute = useSession(selectCanCompute);
  const reason = startBlocker({
    hasData: settings.datasetIds.length > 0,
    canCompute,
    activeName: active?.name ?? null,
    plan,
  });
  return (
    <aside className={`panel ${styles.panel}`} aria-label="Cost and start">
      <h2>Cost</h2>
      {failure && <FailureMessage failure={failure} />}
      {plan && <PlanTable plan={plan} />}
      {!plan && !failure && (
        <p className="muted">
          {settings.datasetIds.length > 0
            ? 'Calculating …'
            : 'Choose a dataset to see what the run will cost.'}
        </p>
      )}
      {plan?.problems.map((problem) => (
        <FailureMessage key={problem.what} failure={problem} />
      ))}
      <label className={styles.name}>
        Name
        <input
          value={name}
          maxLength={80}
          placeholder={nameFor(settings.methods, capabilities)}
          onChange={(event) => nameRun(event.target.value)}
        />
      </label>
      <div className="row">
        <button
          type="button"
          className="primary"
          disabled={reason !== null || starting || planning}
          onClick={() => void startRun(settings)}
        >
          {starting ? 'Starting …' : 'Start training'}
        </button>
        {reason && <span className="muted small">{reason}</span>}
      </div>
    </aside>
  );
}

function startBlocker(facts: {
  readonly hasData: boolean;
  readonly canCompute: boolean;
  readonly activeName: string | null;
  readonly plan: PlanReport | null;
}): string | null {
  if (!facts.canCompute) return 'Training needs a model and a GPU.';
  if (facts.activeName !== null) return `${facts.activeName} is running. Pause or stop it first.`;
  if (!facts.hasData) return 'Choose a dataset first.';
  if (!facts.plan) return 'Waiting for the cost.';
  if (facts.plan.problems.length > 0) return 'Solve the problem above first.';
  return null;
}

function PlanTable({ plan }: { readonly plan: PlanReport }): ReactNode {
  const { memory } = plan;
  const share = memory.bufferLimitBytes > 0 ? memory.largestBufferBytes / memory.bufferLimitBytes : 0;
  return (
    <dl className={styles.rows}>
      <div>
        <dt>Trainable</dt>
        <dd>
          <strong>{compact(plan.trainableCount)}</strong> parameters
          <ul className="muted small">
            {plan.trainable.map((part) => (
              <li key={part.label}>
                {part.label}: {compact(part.count)}
              </li>
            ))}
          </ul>
        </dd>
      </div>
      <div>
        <dt>GPU memory</dt>
        <dd>
          <strong>{bytes(memory.peakBytes)}</strong> at the peak
          <ul className="muted small">
            {memory.parts.map((part) => (
              <li key={part.label}>
                {part.label}: {bytes(part.bytes)}
              </li>
            ))}
          </ul>
        </dd>
      </div>
      <div>
        <dt>Largest buffer</dt>
        <dd>
          {bytes(memory.largestBufferBytes)} of {bytes(memory.bufferLimitBytes)} that the GPU allows
          <meter
            className={styles.meter}
            aria-label="Largest buffer compared with the GPU's limit"
            min={0}
            max={1}
            high={0.9}
            value={Math.min(1, share)}
          />
        </dd>
      </div>
      <div>
        <dt>Time</dt>
        <dd>
          {plan.secondsPerStep === null ? (
            'known after the first steps'
          ) : (
            <>
              <strong>{duration(plan.secondsPerStep)}</strong> per step, about{' '}
              {duration(plan.secondsPerStep * plan.steps)} for {plan.steps} steps
            </>
          )}
        </dd>
      </div>
      <div>
        <dt>Images</dt>
        <dd>
          {plan.images.train} train · {plan.images.validation} validation · {plan.images.test} test
        </dd>
      </div>
    </dl>
  );
}
