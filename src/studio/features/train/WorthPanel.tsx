import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { minutes, plural } from '../../../config/words.ts';
import type { DatasetWorth, GatePoint, RunInfo, RunWorth } from '../../../worker/protocol.ts';
import { LineGraph, type LineOf } from '../../charts/LineGraph.tsx';
import { gateRows } from '../../charts/series.ts';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { SegmentedControl } from '../../components/SegmentedControl.tsx';
import { bytes, compact, iou } from '../../format/format.ts';
import { useDatasets } from '../../stores/datasets.ts';
import { isUsable, missingDatasets } from '../../stores/run-status.ts';
import { selectActiveRun, useRuns } from '../../stores/runs.ts';
import { selectCanCompute, useSession } from '../../stores/session.ts';
import {
  cancelWorth,
  loadWorth,
  measureWorth,
  pruneRun,
  useWorth,
  type WorthWork,
} from '../../stores/worth.ts';
import { GateHeatMap, HeatLegend } from './GateHeatMap.tsx';
import panels from './GatesPanel.module.css';
import { MethodName } from './MethodName.tsx';
import { TaylorMap } from './TaylorMap.tsx';
import { WorthHeatMap, type WorthPrompt } from './WorthHeatMap.tsx';
import styles from './WorthPanel.module.css';
import { forecastText, greedySentence } from './worth-text.ts';

/** What a run's modules are worth: how much IoU is lost without each. */
export function WorthPanel(props: {
  readonly run: RunInfo;
  readonly gates: readonly GatePoint[];
}): ReactNode {
  const { run, gates } = props;
  const worth = useWorth((state) => state.worths[run.id] ?? null);
  const taylor = useWorth((state) => state.taylors[run.id] ?? null);
  const forecast = useWorth((state) => state.forecasts[run.id]);
  const work = useWorth((state) => state.work);
  const reason = useReasonAgainst(run);
  const canMeasure = reason === null;
  useEffect(() => {
    void loadWorth(run.id, canMeasure);
  }, [run.id, canMeasure]);
  const own = work?.runId === run.id ? work : null;
  return (
    <section className="panel stack" aria-label="Worth of modules">
      <h3>What each module is worth</h3>
      <p className="muted small">
        A module’s worth is how much IoU is lost on the validation images without it, in hundredths (points).
        How far its gate is open does not say that.
      </p>
      {worth && <Measured run={run} worth={worth} gates={gates} />}
      {taylor && <TaylorMap scores={taylor} methods={run.settings.methods} />}
      {own && <Working work={own} />}
      {reason !== null && <p className="muted">{reason}</p>}
      {!own && (
        <div className="row">
          {!worth && (
            <button
              type="button"
              className="primary"
              disabled={!canMeasure || work !== null}
              onClick={() => void measureWorth(run.id)}
            >
              Measure the worth
            </button>
          )}
          {!worth && forecast && <span className="muted small">{forecastText(forecast)}</span>}
          {worth && <Prune run={run} worth={worth} disabled={!canMeasure || work !== null} />}
        </div>
      )}
    </section>
  );
}

/** Why nothing can be measured of a run now, or null. */
function useReasonAgainst(run: RunInfo): string | null {
  const canCompute = useSession(selectCanCompute);
  const isBusy = useRuns((state) => selectActiveRun(state) !== null);
  const loaded = useDatasets((state) => state.loaded);
  const datasets = useDatasets((state) => state.datasets);
  const [deleted] = loaded ? missingDatasets(run, datasets) : [];
  if (run.settings.methods.length === 0) return 'Only the mask decoder was trained: there is no module.';
  if (run.bestStep === 0) return 'The base model was kept: there is no module.';
  if (run.bestStep === null) return 'There are no weights to measure yet.';
  if (!canCompute) return 'A model has to be open on a GPU to measure it.';
  if (!isUsable(run)) return `Load ${run.modelName} to measure it.`;
  if (deleted !== undefined) return `It cannot be measured without the deleted dataset ${deleted}.`;
  return isBusy ? 'It can be measured when no run is under way.' : null;
}

function Working({ work: { progress, secondsLeft } }: { readonly work: WorthWork }): ReactNode {
  const left = secondsLeft === null ? '' : `, about ${minutes(secondsLeft)} left`;
  return (
    <div className="stack">
      <ProgressBar
        progress={{
          done: progress?.done ?? 0,
          total: progress?.total ?? 0,
          label: `${progress?.label ?? 'Reading the run'}${left}`,
        }}
      />
      <div className="row">
        <button type="button" onClick={cancelWorth}>
          Cancel
        </button>
      </div>
    </div>
  );
}

type View = WorthPrompt | 'gates';

function Measured(props: {
  readonly run: RunInfo;
  readonly worth: RunWorth;
  readonly gates: readonly GatePoint[];
}): ReactNode {
  const { run, worth, gates } = props;
  const [view, setView] = useState<View>('click');
  const varies = useSession(
    (state) => state.capabilities?.gateForms.find(({ id }) => id === run.settings.gate)?.varies !== 'never',
  );
  const nameOf = (key: string) => run.datasets.find(({ id }) => id === key)?.name ?? key;
  return (
    <>
      <div className={panels.head}>
        <SegmentedControl
          legend="Show of each module"
          hideLegend
          options={[
            { value: 'click', label: 'Lost by click' },
            { value: 'box', label: 'Lost by box' },
            ...(varies ? [{ value: 'gates' as const, label: 'Gate' }] : []),
          ]}
          value={view}
          onChange={setView}
        />
        {view === 'gates' && <HeatLegend view="now" />}
      </div>
      {view === 'gates' ? (
        <p className="muted small">How far each gate is open on the validation images, from 0 to 1.</p>
      ) : (
        <p className="muted small">
          Grey, in brackets: within two errors of 0, so not told from nothing. Below 0: better without it.
          {!varies && ' The modules of this run have no gates.'}
        </p>
      )}
      <div className={panels.maps}>
        {worth.datasets.map((dataset) =>
          view === 'gates' ? (
            <Gates key={dataset.key} run={run} dataset={dataset} title={nameOf(dataset.key)} gates={gates} />
          ) : (
            <WorthHeatMap key={dataset.key} title={nameOf(dataset.key)} worth={dataset} prompt={view} />
          ),
        )}
      </div>
      {run.datasets.length > worth.datasets.length && (
        <p className="muted small">
          A dataset with fewer than two validation images with objects is left out.
        </p>
      )}
      <div className={panels.curves}>
        {worth.datasets.map((dataset) => (
          <Greedy
            key={dataset.key}
            dataset={dataset}
            name={run.datasets.length > 1 ? nameOf(dataset.key) : null}
          />
        ))}
      </div>
    </>
  );
}

function Gates(props: {
  readonly run: RunInfo;
  readonly dataset: DatasetWorth;
  readonly title: string;
  readonly gates: readonly GatePoint[];
}): ReactNode {
  const { run, dataset, title, gates } = props;
  const map = gateRows(gates, dataset.key, run.settings.methods);
  if (!map) return <p className="muted small">{title}: no gates are kept of this run.</p>;
  return <GateHeatMap title={title} step={map.step} rows={map.rows} view="now" />;
}

const LINES: readonly LineOf[] = [
  { key: 'box', label: 'by box', colour: 'var(--accent)' },
  { key: 'click', label: 'by click', colour: 'var(--accent)', dashed: true },
];

/** How many modules it takes for all of the gain, and which. */
function Greedy({
  dataset,
  name,
}: {
  readonly dataset: DatasetWorth;
  readonly name: string | null;
}): ReactNode {
  const { greedy, none, modules } = dataset;
  const data = useMemo(
    () => [none, ...greedy].map(({ box, click }, step) => ({ step, box, click })),
    [none, greedy],
  );
  return (
    <div className={styles.greedy}>
      <p>
        {name !== null && `${name}: `}
        <strong>{greedySentence(greedy.length, modules.length)}</strong>
      </p>
      {greedy.length > 0 && (
        <>
          <LineGraph title="IoU by modules put in" low data={data} lines={LINES} per="module" />
          <details>
            <summary>Which ones, the one that gains most first</summary>
            <ol className={styles.steps}>
              {greedy.map(({ method, block, box, click }) => (
                <li key={`${method} ${block}`}>
                  <MethodName id={method} />, block {block}: IoU {iou(box)} by box, {iou(click)} by click
                </li>
              ))}
            </ol>
          </details>
        </>
      )}
    </div>
  );
}

function Prune(props: {
  readonly run: RunInfo;
  readonly worth: RunWorth;
  readonly disabled: boolean;
}): ReactNode {
  const { run, worth, disabled } = props;
  const all = worth.datasets[0]?.modules.length ?? 0;
  const needed = new Set(
    worth.datasets.flatMap(({ greedy }) => greedy.map(({ method, block }) => `${method} ${block}`)),
  ).size;
  if (needed === all) return <p className="muted small">All modules are needed, so nothing can be pruned.</p>;
  return (
    <>
      <button type="button" disabled={disabled} onClick={() => void pruneRun(run.id)}>
        Prune to {plural(needed, 'module')}
      </button>
      <span className="muted small">
        Measures on the test images without the others, and saves that as a run of its own if it is not worse.
      </span>
    </>
  );
}

/** Of a pruned run: what it comes from, and how much smaller and faster it is. */
export function PrunedNote({ pruned }: { readonly pruned: NonNullable<RunInfo['pruned']> }): ReactNode {
  const { name, before, after } = pruned;
  return (
    <p className="panel">
      Pruned from {name}: {after.modules} of {plural(before.modules, 'module')}, {compact(after.numbers)} of{' '}
      {compact(before.numbers)} parameters, {bytes(after.bytes)} instead of {bytes(before.bytes)}; encoding an
      image takes {after.dispatches} dispatches on the GPU instead of {before.dispatches}.
    </p>
  );
}
