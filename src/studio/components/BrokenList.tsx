import type { ReactNode } from 'react';
import { plural } from '../../config/words.ts';
import type { BrokenDataset, BrokenRun } from '../../worker/protocol.ts';
import { bytes } from '../format/format.ts';
import styles from './BrokenList.module.css';
import { ConfirmDelete } from './ConfirmDelete.tsx';
import { FailureText } from './FailureMessage.tsx';

/**
 * Stored datasets or runs that cannot be opened: the reason, and a button that deletes them. Renders nothing if there
 * are none.
 */
export function BrokenList(props: {
  readonly kind: 'dataset' | 'run';
  readonly broken: readonly (BrokenDataset | BrokenRun)[];
  readonly onDelete: (id: string) => void;
}): ReactNode {
  if (props.broken.length === 0) return null;
  return (
    <section className="panel stack attention" aria-label="Cannot be opened">
      <h2>{plural(props.broken.length, `stored ${props.kind}`)} cannot be opened</h2>
      <ul className="stack">
        {props.broken.map(({ id, bytes: size, failure }) => (
          <li key={id} className={styles.entry}>
            <FailureText failure={failure} />
            <span className={`muted small ${styles.size}`}>{bytes(size)}</span>
            <ConfirmDelete
              name={id}
              consequence={`This removes what is left of the ${props.kind} (${bytes(size)}) from this device. Your original files are not touched.`}
              onDelete={() => props.onDelete(id)}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
