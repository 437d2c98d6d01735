import { Fragment, type ReactNode, useState } from 'react';
import { duration, minutes, plural } from '../../../config/words.ts';
import type { Capabilities, PlanReport, TrainSettings } from '../../../worker/protocol.ts';
import { FactList } from '../../components/FactList.tsx';
import { FailureMessage } from '../../components/FailureMessage.tsx';
import { bytes, compact } from '../../format/format.ts';
import { comparedRuns, variedChoices } from '../../stores/comparison.ts';
import { notifySuccess } from '../../stores/notices.ts';
import { queueRuns, useRunQueue } from '../../stores/run-queue.ts';
import { selectActiveRun, startRun, useRuns } from '../../stores/runs.ts';
import { selectCanCompute, useSession } from '../../stores/session.ts';
import { nameFor, nameRun, useSetup } from '../../stores/setup.ts';
import { type Compared, CompareFields } from './CompareFields.tsx';
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
  const [compared, setCompared] = useState<Compared>({ id: '', written: '' });
  const choices = variedChoices(settings, capabilities);
  // What the runs were to differ in may be no setting of other methods.
  const isCompared = choices.some(({ id }) => id === compared.id);
  const made = isCompared ? comparedRuns(compared, settings, capabilities) : [settings];
  const runs = typeof made === 'string' ? [] : made;
  const starting = useRuns((state) => state.starting);
  const canCompute = useSession(selectCanCompute);
  const isBusy = useRunQueue(({ waiting }) => waiting.length > 0) || active !== null;
  const start = async (): Promise<void> => {
    const [only] = runs;
    if (only && runs.length === 1 && !isBusy) await startRun(only);
    else if (await queueRuns(runs)) notifySuccess(`${plural(runs.length, 'run')} added to the queue.`);
  };
  const reason = startBlocker({
    hasData: settings.datasetIds.length > 0,
    canCompute,
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
      <CompareFields
        choices={choices}
        compared={compared}
        problem={typeof made === 'string' ? made : null}
        onChange={setCompared}
      />
      <div className="row">
        <button
          type="button"
          className="primary"
          disabled={reason !== null || starting || planning || runs.length === 0}
          onClick={() => void start()}
        >
          {startLabel({ starting, isBusy, count: runs.length })}
        </button>
        {reason && <span className="muted small">{reason}</span>}
        {!reason && isBusy && !starting && (
          <span className="muted small">
            {active ? `${active.name} is running` : 'Other runs wait'}; this starts when its turn comes.
          </span>
        )}
      </div>
    </aside>
  );
}

function startLabel(facts: {
  readonly starting: boolean;
  readonly isBusy: boolean;
  readonly count: number;
}): string {
  if (facts.starting) return 'Starting …';
  if (facts.isBusy) return facts.count > 1 ? `Add ${facts.count} runs to the queue` : 'Add to the queue';
  return facts.count > 1 ? `Start ${facts.count} runs` : 'Start training';
}

function startBlocker(facts: {
  readonly hasData: boolean;
  readonly canCompute: boolean;
  readonly plan: PlanReport | null;
}): string | null {
  if (!facts.canCompute) return 'Training needs a model and a GPU.';
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
  const { secondsPerStep, secondsOfChecks, steps, timing } = plan;
  return (
    <>
      <strong>about {minutes(secondsPerStep * steps + secondsOfChecks)}</strong> for {steps} steps of{' '}
      {duration(secondsPerStep)}
      {secondsOfChecks > 0 && `, and ${minutes(secondsOfChecks)} for the checks and the test`}
      <span className="muted small"> · {TIMINGS[timing]}</span>
    </>
  );
}

const TIMINGS: Readonly<Record<PlanReport['timing'], string>> = {
  measured: 'such steps were timed on this device',
  scaled: 'estimated from other steps on this device',
  guessed: 'a rough guess: no step was timed on this device yet',
};
