import { Fragment, type ReactNode } from 'react';
import type { Capabilities, PlanReport, TrainSettings } from '../../../worker/protocol.ts';
import { FactList } from '../../components/FactList.tsx';
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
  const { memory, images } = plan;
  const share = memory.bufferLimitBytes > 0 ? memory.largestBufferBytes / memory.bufferLimitBytes : 0;
  return (
    <FactList
      className={styles.rows}
      rows={[
        [
          'Trainable',
          <Parts
            key="trainable"
            total={compact(plan.trainableCount)}
            unit="parameters"
            parts={plan.trainable.map((part) => `${part.label}: ${compact(part.count)}`)}
          />,
        ],
        [
          'GPU memory',
          <Parts
            key="memory"
            total={bytes(memory.peakBytes)}
            unit="at the peak"
            parts={memory.parts.map((part) => `${part.label}: ${bytes(part.bytes)}`)}
          />,
        ],
        [
          'Largest buffer',
          <Fragment key="buffer">
            {bytes(memory.largestBufferBytes)} of {bytes(memory.bufferLimitBytes)} allowed
            <meter
              className={styles.meter}
              aria-label="Largest buffer compared with the GPU's limit"
              min={0}
              max={1}
              high={0.9}
              value={Math.min(1, share)}
            />
          </Fragment>,
        ],
        ['Time', <Time key="time" plan={plan} />],
        ['Images', `${images.train} train · ${images.validation} validation · ${images.test} test`],
      ]}
    />
  );
}

function Parts(props: {
  readonly total: string;
  readonly unit: string;
  readonly parts: readonly string[];
}): ReactNode {
  return (
    <>
      <strong>{props.total}</strong> {props.unit}
      <ul className="muted small">
        {props.parts.map((part) => (
          <li key={part}>{part}</li>
        ))}
      </ul>
    </>
  );
}

function Time({ plan }: { readonly plan: PlanReport }): ReactNode {
  if (plan.secondsPerStep === null) return 'known after the first steps';
  return (
    <>
      <strong>{duration(plan.secondsPerStep)}</strong> per step, about{' '}
      {duration(plan.secondsPerStep * plan.steps)} for {plan.steps} steps
    </>
  );
}
