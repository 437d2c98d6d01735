import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { minutes, signed } from '../../../config/words.ts';
import type { Capabilities, RunInfo, VerdictMeasure } from '../../../worker/protocol.ts';
import { LineGraph, type LineOf } from '../../charts/LineGraph.tsx';
import { Hint } from '../../components/Hint.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import { compact, iou } from '../../format/format.ts';
import { callEngine } from '../../stores/engine-link.ts';
import { useKept } from '../../stores/kept.ts';
import { showAnswer } from '../../stores/latest.ts';
import { notifyFailure } from '../../stores/notices.ts';
import { STATUS_LABELS } from '../../stores/run-status.ts';
import { annotateRun, loadHistory, showRun, useRuns } from '../../stores/runs.ts';
import { useSession } from '../../stores/session.ts';
import { branchFrom, nameFor } from '../../stores/setup.ts';
import styles from './RunTable.module.css';
import { type RunRow, runRows, type SortBy, scoreSeries } from './run-rows.ts';

/** Runs whose curves are drawn: as many as have a colour. */
const DRAWN = 5;

const COLUMNS: readonly { readonly by: SortBy; readonly label: string; readonly help: string }[] = [
  { by: 'name', label: 'Run', help: 'Opens the run.' },
  {
    by: 'gain',
    label: 'Gain',
    help: 'On the test images, object by object: mean of box and click, ± half the 95 % interval, by Student’s t over images.',
  },
  { by: 'parameters', label: 'Parameters', help: 'Numbers that the run trains.' },
  { by: 'time', label: 'Time', help: 'Of its steps, without the checks.' },
  { by: 'created', label: 'Newest', help: 'When it was started.' },
];

/** All runs side by side: what each gained, with what and in what time; their validation curves in one chart. */
export function RunTable(): ReactNode {
  const runs = useRuns((state) => state.runs);
  const capabilities = useSession((state) => state.capabilities);
  const [column, sortBy] = useKept('runs.by', '');
  const by = COLUMNS.find((each) => each.by === column)?.by ?? 'gain';
  const compared = useMemo(() => runs.filter(({ status }) => status !== 'imported'), [runs]);
  const tested = compared.filter(({ verdict }) => verdict !== null);
  const [chosen, chooseAgainst] = useKept('runs.against', '');
  const against = tested.some(({ id }) => id === chosen) ? chosen : '';
  const gains = useGainsAgainst(against, tested);
  const rows = useMemo(() => runRows(compared, by, gains), [compared, by, gains]);
  return (
    <div className="stack">
      <section className="panel stack" aria-label="Runs side by side">
        <h2>Runs side by side</h2>
        <p className="muted small">
          Runs on the same datasets have the same split: images that a run knew keep their part. Click a
          heading to sort.
        </p>
        {tested.length > 1 && (
          <SelectField
            label="Gain over"
            value={against}
            options={[
              { value: '', label: 'the base model' },
              ...tested.map(({ id, name }) => ({ value: id, label: name })),
            ]}
            onChange={chooseAgainst}
          />
        )}
        <div className={styles.scroll}>
          <table className={styles.table}>
            <thead>
              <tr>
                {COLUMNS.map((column) => (
                  <th key={column.by} scope="col" aria-sort={column.by === by ? 'other' : 'none'}>
                    <Hint text={column.help}>
                      <button type="button" className="quiet" onClick={() => sortBy(column.by)}>
                        {column.label}
                        {column.by === by && ' ↓'}
                      </button>
                    </Hint>
                  </th>
                ))}
                <th scope="col">Method and datasets</th>
                <th scope="col">Note</th>
                <th scope="col">Settings</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <Row key={row.run.id} row={row} capabilities={capabilities} />
              ))}
            </tbody>
          </table>
        </div>
      </section>
      <Curves rows={rows} />
    </div>
  );
}

/** Gains over a run by id, object by object on the test images of both; null for those over the base model. */
function useGainsAgainst(
  against: string,
  runs: readonly RunInfo[],
): ReadonlyMap<string, VerdictMeasure | null> | null {
  const [gains, setGains] = useState<ReadonlyMap<string, VerdictMeasure | null> | null>(null);
  const ids = runs.map(({ id }) => id).join(' ');
  useEffect(() => {
    // Of what they were compared with before.
    setGains(against === '' ? null : new Map());
    if (against === '') return;
    return showAnswer(
      callEngine('train.compare', { runIds: ids.split(' '), against }),
      (answer) => {
        if (answer.ok) setGains(new Map(answer.value.map(({ runId, gain }) => [runId, gain])));
        else notifyFailure(answer.error);
      },
      () => undefined,
    );
  }, [against, ids]);
  return gains;
}

function Row(props: { readonly row: RunRow; readonly capabilities: Capabilities | null }): ReactNode {
  const { run, gain, seconds } = props.row;
  const { capabilities } = props;
  const { settings, trainableCount } = run;
  const method = capabilities ? nameFor(settings.methods, capabilities) : settings.methods.join(' + ');
  return (
    <tr>
      <th scope="row">
        <button type="button" className="quiet" onClick={() => showRun(run.id)}>
          {run.name}
        </button>
      </th>
      <td>
        {gain
          ? `${signed(gain.mean)} ${gain.error === null ? '(too few images)' : `± ${iou(gain.error)}`}`
          : run.verdict
            ? '–'
            : STATUS_LABELS[run.status]}
      </td>
      <td>{trainableCount === undefined ? '–' : compact(trainableCount)}</td>
      <td>{seconds === null ? '–' : minutes(seconds)}</td>
      <td>{new Date(run.created).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })}</td>
      <td className="muted small">
        {method} · {run.datasets.map(({ name }) => name).join(', ')}
      </td>
      <td>
        <Note run={run} />
      </td>
      <td>
        <button
          type="button"
          className="quiet"
          aria-label={`Copy the settings of ${run.name}`}
          title="Fills the form with these settings, for you to change."
          disabled={!capabilities}
          onClick={() => {
            if (capabilities) branchFrom(run, capabilities);
            showRun(null);
          }}
        >
          Copy
        </button>
      </td>
    </tr>
  );
}

function Note({ run }: { readonly run: RunInfo }): ReactNode {
  const { id, name, note = '' } = run;
  return (
    <input
      key={note}
      aria-label={`Note on ${name}`}
      defaultValue={note}
      maxLength={200}
      onBlur={(event) => {
        if (event.target.value.trim() !== note) void annotateRun(id, event.target.value);
      }}
    />
  );
}

function Curves({ rows }: { readonly rows: readonly RunRow[] }): ReactNode {
  const histories = useRuns((state) => state.histories);
  const drawn = useMemo(
    () => rows.slice(0, DRAWN).map(({ run }) => ({ id: run.id, name: run.name })),
    [rows],
  );
  useEffect(() => {
    for (const { id } of drawn) void loadHistory(id);
  }, [drawn]);
  const data = useMemo(
    () =>
      scoreSeries(new Map(drawn.flatMap(({ id }) => (histories[id] ? [[id, histories[id]] as const] : [])))),
    [drawn, histories],
  );
  const lines = useMemo(
    () => drawn.map(({ id, name }, i): LineOf => ({ key: id, label: name, colour: `var(--method-${i})` })),
    [drawn],
  );
  return (
    <section className="panel" aria-label="Validation IoU of the runs">
      <LineGraph
        title={`Validation IoU, mean of box and click${rows.length > DRAWN ? `, of the first ${DRAWN} runs` : ''}`}
        data={data}
        lines={lines}
      />
    </section>
  );
}
