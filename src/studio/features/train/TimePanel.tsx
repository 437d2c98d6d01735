import { type ReactNode, useMemo, useState } from 'react';
import { duration } from '../../../config/words.ts';
import type { RunInfo, StepPoint, StepProfile } from '../../../worker/protocol.ts';
import { BarGraph, type BarOf } from '../../charts/BarGraph.tsx';
import { busyShare, kindSeries, type TimePoint, timeSeries } from '../../charts/series.ts';
import { profileRun, useRuns } from '../../stores/runs.ts';

const SPANS: readonly (BarOf & { readonly key: Exclude<keyof TimePoint, 'step'> })[] = [
  { key: 'data', label: 'waiting for images', colour: 'var(--method-0)' },
  { key: 'encoding', label: 'recording commands', colour: 'var(--method-1)' },
  { key: 'waiting', label: 'waiting for the GPU', colour: 'var(--accent)' },
  { key: 'other', label: 'other work', colour: 'var(--method-2)' },
];
const KIND: readonly BarOf[] = [{ key: 'ms', label: 'time', colour: 'var(--accent)' }];

interface TimeProps {
  readonly run: RunInfo;
  readonly steps: readonly StepPoint[];
}

/** Behind a switch: what the last steps of a run waited for, and what the GPU did in one of them. */
export function TimePanel(props: TimeProps): ReactNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="panel" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Where the time goes</summary>
      {isOpen && <Times {...props} />}
    </details>
  );
}

function Times({ run, steps }: TimeProps): ReactNode {
  const data = useMemo(() => timeSeries(steps), [steps]);
  const busy = busyShare(steps);
  const last = data.at(-1);
  if (!last)
    return <p className="muted small">Steps of this visit say where their time went once there are any.</p>;
  const parts = SPANS.map(({ key, label }) => `${label} ${duration(last[key] / 1000)}`);
  return (
    <div className="stack">
      <BarGraph
        title="Time of the last steps"
        summary={`step ${last.step}: ${parts.join(', ')}`}
        data={data}
        by="step"
        bars={SPANS}
      />
      <p className="muted small">
        Images are prepared and commands recorded while the GPU works, so a step that mostly waits for the GPU
        is as fast as this GPU allows.
        {busy !== null && ` In these steps it had work for ${Math.round(100 * busy)} % of the time.`}
      </p>
      <Kinds run={run} />
    </div>
  );
}

function Kinds({ run }: Pick<TimeProps, 'run'>): ReactNode {
  const known = useRuns((state) => state.profiles[run.id]);
  const isRunning = run.status === 'running';
  const isAsked = known === 'asked' && isRunning;
  return (
    <>
      <div className="row">
        <button type="button" disabled={!isRunning || isAsked} onClick={() => void profileRun(run.id)}>
          {isAsked ? 'Timing the next step …' : 'Time the parts of the next step'}
        </button>
        <span className="muted small">
          {isRunning
            ? 'Every part is timed alone, so this step takes longer; what it learns is the same.'
            : 'This is possible while the run is under way.'}
        </span>
      </div>
      {known && known !== 'asked' && <KindGraph profile={known} />}
    </>
  );
}

function KindGraph({ profile }: { readonly profile: StepProfile }): ReactNode {
  const data = useMemo(() => kindSeries(profile), [profile]);
  const total = data.reduce((sum, { ms }) => sum + ms, 0);
  const most = data.slice(0, 3).map(({ kind, ms }) => `${kind} ${Math.round((100 * ms) / total)} %`);
  return (
    <>
      <BarGraph
        title={`Step ${profile.step} by kind of work`}
        summary={`${duration(total / 1000)}, most of it ${most.join(', ')}`}
        data={data}
        by="kind"
        bars={KIND}
        isList
      />
      {profile.clock === 'fences' && (
        <p className="muted small">
          This GPU adapter has no timestamps, so each part was timed from outside and seems longer than it is.
        </p>
      )}
    </>
  );
}
