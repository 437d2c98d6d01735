import { type ReactNode, useDeferredValue, useEffect, useRef } from 'react';
import type { RunHistory, RunInfo } from '../../../worker/protocol.ts';
import { FactList } from '../../components/FactList.tsx';
import { FailureMessage } from '../../components/FailureMessage.tsx';
import { Tabs } from '../../components/Tabs.tsx';
import { isOver } from '../../stores/run-status.ts';
import { loadHistory, useRuns } from '../../stores/runs.ts';
import { useSession } from '../../stores/session.ts';
import { GatesPanel } from './GatesPanel.tsx';
import { IouCharts } from './IouCharts.tsx';
import { LooksPanel } from './LooksPanel.tsx';
import { LossChart } from './LossChart.tsx';
import { ModulesPanel } from './ModulesPanel.tsx';
import { RunHeader } from './RunHeader.tsx';
import styles from './RunView.module.css';
import { settingRows } from './setting-rows.ts';
import { TimePanel } from './TimePanel.tsx';
import { VerdictPanel } from './VerdictPanel.tsx';
import { PrunedNote, WorthPanel } from './WorthPanel.tsx';

const NOTHING: RunHistory = { steps: [], evals: [], gates: [], modules: [], looks: [] };

/** One run: its progress, verdict, curves, gates and settings. */
export function RunView({ run }: { readonly run: RunInfo }): ReactNode {
  const history = useRuns((state) => state.histories[run.id]);
  useEffect(() => void loadHistory(run.id), [run.id]);
  const top = useRef<HTMLDivElement>(null);
  // The page may be scrolled to the end of the form that started the run. Every run has a view of its own.
  // A block, since scrollTo gives a promise in newer browsers and an effect may give only a function.
  useEffect(() => {
    top.current?.closest('main')?.scrollTo({ top: 0 });
  }, []);
  // Charts may be drawn later than the rest.
  const drawn = useDeferredValue(history ?? NOTHING);
  return (
    <div className="stack" ref={top}>
      <RunHeader run={run} />
      {run.failure && <FailureMessage failure={run.failure} />}
      {run.pruned && <PrunedNote pruned={run.pruned} />}
      {run.verdict && <VerdictPanel verdict={run.verdict} isBase={run.bestStep === 0} />}
      {run.status === 'imported' ? (
        <>
          <p className="muted">
            This adapter was imported, so it has no training curves. You can use it on the Segment page and
            export it.
          </p>
          {run.understood && (
            <ul className="muted" aria-label="How the adapter was understood">
              {run.understood.map((sentence) => (
                <li key={sentence}>{sentence}</li>
              ))}
            </ul>
          )}
        </>
      ) : (
        <Tabs
          label="Parts of the run"
          tabs={[
            ...(run.pruned ? [] : learning(run, drawn)),
            ...(isOver(run.status)
              ? [
                  {
                    id: 'worth',
                    label: 'Worth',
                    content: () => <WorthPanel run={run} gates={drawn.gates} />,
                  },
                ]
              : []),
          ]}
        />
      )}
      <SettingsTable run={run} />
    </div>
  );
}

/** What is shown of a run that was trained. */
function learning(run: RunInfo, history: RunHistory) {
  const { datasets, settings } = run;
  return [
    { id: 'progress', label: 'Progress', content: () => <Progress run={run} history={history} /> },
    {
      id: 'gates',
      label: 'Gates',
      content: () => (
        <>
          <ModulesPanel settings={settings} modules={history.modules} />
          <GatesPanel datasets={datasets} settings={settings} gates={history.gates} />
        </>
      ),
    },
  ];
}

/** What a person looks at while it learns: images first, then curves. */
function Progress({ run, history }: { readonly run: RunInfo; readonly history: RunHistory }): ReactNode {
  return (
    <>
      <LooksPanel datasets={run.datasets} looks={history.looks} />
      <section className={`panel ${styles.charts}`} aria-label="Loss and validation IoU">
        <IouCharts datasets={run.datasets} evals={history.evals} />
        <LossChart steps={history.steps} />
      </section>
      <TimePanel run={run} steps={history.steps} />
    </>
  );
}

function SettingsTable({ run }: { readonly run: RunInfo }): ReactNode {
  const capabilities = useSession((state) => state.capabilities);
  return (
    <details className="panel">
      <summary>Run settings</summary>
      <FactList className={styles.settings} rows={settingRows(run, capabilities)} />
    </details>
  );
}
