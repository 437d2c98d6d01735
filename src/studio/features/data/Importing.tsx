import type { ReactNode } from 'react';
import { duration } from '../../../config/words.ts';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { useDatasets } from '../../stores/datasets.ts';
import { useDropPreview } from '../../stores/drop-preview.ts';
import { useImportTurns, type WaitingImport } from '../../stores/import-turns.ts';
import { useProject } from '../../stores/project.ts';
import styles from './Importing.module.css';

/** The import that runs, and those that wait for it, each with a way out. */
export function Importing(): ReactNode {
  const importing = useDatasets((state) => state.importing);
  const waiting = useImportTurns((state) => state.waiting);
  if (!importing && waiting.length === 0) return null;
  return (
    <section className={styles.importing} aria-label="Imports">
      {importing && (
        <div className={styles.running}>
          <ProgressBar progress={{ ...importing.progress, label: labelOf(importing) }} />
          <span className={`muted small ${styles.left}`}>{progressWords(importing)}</span>
          <button type="button" onClick={importing.cancel}>
            Cancel
          </button>
        </div>
      )}
      {waiting.length > 0 && (
        <ul className={styles.waiting} aria-label="Imports that wait">
          {waiting.map((each) => (
            <WaitingRow key={each.id} waiting={each} />
          ))}
        </ul>
      )}
    </section>
  );
}

function WaitingRow({ waiting }: { readonly waiting: WaitingImport }): ReactNode {
  const { name, kind, cancel } = waiting;
  const hasFiles = useDropPreview((state) => state.preview !== null);
  const hasProject = useProject((state) => state.preview !== null);
  return (
    <li className={styles.row}>
      <strong className={styles.name}>{name}</strong>
      <span className="muted small">
        {kind === 'files' && hasFiles && 'waits until you import or discard what is shown'}
        {kind === 'project' && hasProject && 'waits until you add or discard the project that is shown'}
        {!(kind === 'files' && hasFiles) &&
          !(kind === 'project' && hasProject) &&
          'waits for the import before it'}
      </span>
      <button type="button" aria-label={`Cancel ${name}`} onClick={cancel}>
        Cancel
      </button>
    </li>
  );
}

type Running = NonNullable<ReturnType<typeof useDatasets.getState>['importing']>;

/** What is done, and of what, where that does not say it. */
function labelOf({ name, progress: { label } }: Running): string {
  return label.toLowerCase().includes(name.toLowerCase()) ? label : `${name}: ${label}`;
}

/** `3,200 of 10,000 · 40 s left`; nothing where there is no total. */
function progressWords({ progress, left }: Running): string {
  const { done, total } = progress;
  if (total === 0) return '';
  const count = `${done.toLocaleString('en')} of ${total.toLocaleString('en')}`;
  return left === null ? count : `${count} · ${duration(left)} left`;
}
