import type { ReactNode } from 'react';
import { Dialog } from '../components/Dialog.tsx';
import { REVIEW_KEYS } from '../features/find/keys.ts';
import { SEGMENT_KEYS } from '../features/segment/keys.ts';
import { ANYWHERE_KEYS, UNTYPED_KEYS } from './app-keys.ts';
import styles from './KeysDialog.module.css';

const GROUPS = [ANYWHERE_KEYS, UNTYPED_KEYS, ...SEGMENT_KEYS, REVIEW_KEYS];

/** All keys of the studio; opens with `?`. */
export default function KeysDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  return (
    <Dialog title="Keyboard shortcuts" wide onClose={onClose}>
      <div className={styles.groups}>
        {GROUPS.map((group) => (
          <section key={group.title} className={styles.group}>
            <h3>{group.title}</h3>
            <dl className={styles.keys}>
              {group.bindings
                .flatMap(({ list }) => list)
                .map(([keys, help]) => (
                  <div key={keys} className={styles.pair}>
                    <dt>
                      <kbd>{keys}</kbd>
                    </dt>
                    <dd>{help}</dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
