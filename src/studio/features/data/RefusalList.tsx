import type { ReactNode } from 'react';
import { refusalsCsv } from '../../../config/csv.ts';
import type { FailureRecord } from '../../../worker/protocol.ts';
import { FailureText } from '../../components/FailureMessage.tsx';
import { VirtualList } from '../../components/VirtualList.tsx';
import { saveFile } from '../../stores/files.ts';
import styles from './RefusalList.module.css';

/**
 * Files that were left out or need a look, with the reason and the cure, and a button that saves the list.
 * @param name of the file that is saved.
 */
export function RefusalList(props: {
  readonly refusals: readonly FailureRecord[];
  readonly name?: string;
}): ReactNode {
  const { refusals, name = 'files to check.csv' } = props;
  return (
    <div className="stack">
      <VirtualList
        className={styles.list}
        label="Files to check"
        items={refusals}
        rowHeight={44}
        render={(refusal) => (
          <div className={styles.entry}>
            <FailureText failure={refusal} />
          </div>
        )}
      />
      <div>
        <button type="button" className="small" onClick={() => saveRefusals(refusals, name)}>
          Save the list (CSV)
        </button>
      </div>
    </div>
  );
}

function saveRefusals(refusals: readonly FailureRecord[], name: string): void {
  saveFile({ name, mime: 'text/csv', bytes: new TextEncoder().encode(refusalsCsv(refusals)) });
}
