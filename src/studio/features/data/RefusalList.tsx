import type { ReactNode } from 'react';
import type { FailureRecord } from '../../../worker/protocol.ts';
import { FailureText } from '../../components/FailureMessage.tsx';
import styles from './RefusalList.module.css';

/** Files that were left out or need a look, with the reason and the cure. */
export function RefusalList({ refusals }: { readonly refusals: readonly FailureRecord[] }): ReactNode {
  return (
    <ul className={styles.list}>
      {refusals.map((refusal, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: one file may be refused twice for one reason; the list never changes
        <li key={index}>
          <FailureText failure={refusal} />
        </li>
      ))}
    </ul>
  );
}
