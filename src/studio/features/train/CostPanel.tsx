import { Fragment, type ReactNode, useState } from 'react';
import type { Capabilities, PlanReport, TrainSettings } from '../../../worker/protocol.ts';
import { FactList } from '../../components/FactList.tsx';
import { FailureMessage } from '../../components/FailureMessage.tsx';
import { bytes, compact, duration, minutes } from '../../format/format.ts';
import { comparedRuns } from '../../stores/comparison.ts';
import { queueRuns } from '../../stores/run-queue.ts';
import { selectActiveRun, useRuns } from '../../stores/runs.ts';
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
  const [comparison, setComparison] = useState('');
  const runs =
    comparison === 'methods' || comparison === 'seeds'
      ? comparedRuns(comparison, settings, capabilities)
      : [settings];
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
      <h2>Before you start</h2>
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
      <label className={styles.name}>
        Compare
        <select value={comparison} onChange={(event) => setComparison(event.target.value)}>
          <option value="">nothing: one run</option>
          <option value="methods">methods: four runs, one after the other</option>
          <option value="seeds">seeds: the same run three times</option>
        </select>
      </label>
      <div className="row">
        <button
          type="button"
          className="primary"
          disabled={reason !== null || starting || planning}
          onClick={() => void queueRuns(runs)}
        >
          {starting ? 'Starting …' : runs.length > 1 ? `Start ${runs.length} runs` : 'Start training'}
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
  const { memory, images, objects } = plan;
  const share = memory.bufferLimitBytes > 0 ? memory.largestBufferBytes / memory.bufferLimitBytes : 0;
  const splits = ({ train, validation, test }: PlanReport['images']) =>
    `${train} to learn from · ${validation} validation · ${test} test`;
  return (
    <>
      <FactList
        className={styles.rows}
        rows={[
          ['Images', splits(images)],
          ['Objects', splits(objects)],
          ['Time', <Time key="time" plan={plan} />],
          [
            'GPU memory',
            <span key="memory">
              <strong>{bytes(memory.peakBytes)}</strong> at the peak
            </span>,
          ],
        ]}
      />
      {plan.outlook.sentences.length > 0 && (
        <ul className={`small ${styles.outlook}`} aria-label="What so few objects can show">
          {plan.outlook.sentences.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      )}
      <details>
        <summary>Parameters and memory</summary>
        <FactList className={styles.rows} rows={detailRows(plan, share)} />
      </details>
    </>
  );
}

function detailRows(plan: PlanReport, share: number): readonly (readonly [string, ReactNode])[] {
  const { memory } = plan;
  return [
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
  ];
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
  const { secondsPerStep, steps, timing } = plan;
  return (
    <>
      <strong>about {minutes(secondsPerStep * steps)}</strong> for {steps} steps of {duration(secondsPerStep)}
      , and the checks in between
      <span className="muted small"> · {TIMINGS[timing]}</span>
    </>
  );
}

const TIMINGS: Readonly<Record<PlanReport['timing'], string>> = {
  measured: 'such steps were timed on this device',
  scaled: 'estimated from other steps on this device',
  stated: 'a rough guess: no step was timed on this device yet',
};
