import type { ReactNode } from 'react';
import { BrokenList } from '../../components/BrokenList.tsx';
import { deleteRun, useRuns } from '../../stores/runs.ts';
import { NewRun } from './NewRun.tsx';
import { RunList } from './RunList.tsx';
import { RunTable } from './RunTable.tsx';
import { RunView } from './RunView.tsx';
import styles from './TrainPage.module.css';

/** The list of runs on the left; the chosen run, all of them side by side, or the form for a new one on the right. */
export function TrainPage(): ReactNode {
  const shown = useRuns((state) => state.runs.find((run) => run.id === state.shownId) ?? null);
  const isComparing = useRuns((state) => state.isComparing);
  const broken = useRuns((state) => state.broken);
  return (
    <div className={styles.page}>
      <RunList />
      <div className={`stack ${styles.content}`}>
        <BrokenList kind="run" broken={broken} onDelete={(id) => void deleteRun(id)} />
        {shown ? <RunView key={shown.id} run={shown} /> : isComparing ? <RunTable /> : <NewRun />}
      </div>
    </div>
  );
}
