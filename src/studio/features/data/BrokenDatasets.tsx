import type { ReactNode } from 'react';
import type { BrokenDataset } from '../../../worker/protocol.ts';
import { ConfirmDelete } from '../../components/ConfirmDelete.tsx';
import { FailureText } from '../../components/FailureNote.tsx';
import { bytes, plural } from '../../format/format.ts';
import { deleteDataset } from '../../stores/datasets.ts';
import styles from './DataPage.module.css';

/** Datasets in storage that cannot be opened: why, and the way to free their bytes. */
export function BrokenDatasets({ broken }: { readonly broken: readonly BrokenDataset[] }): ReactNode {
  return (
    <section className={`panel ${styles.refusals}`} aria-label="Cannot be opened">
      <h3>{plural(broken.length, 'stored dataset')} cannot be opened</h3>
      <ul className="stack">
        {broken.map(({ id, bytes: size, failure }) => (
          <li key={id} className={styles.broken}>
            <FailureText failure={failure} />
            <ConfirmDelete
              name={id}
              consequence={`This removes what is left of it (${bytes(size)}) from this device. Your original files are not touched.`}
              onDelete={() => void deleteDataset(id)}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
