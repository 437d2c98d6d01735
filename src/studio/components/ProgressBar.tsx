import type { ReactNode } from 'react';
import type { Progress } from '../../worker/protocol.ts';
import styles from './ProgressBar.module.css';

/** A labelled bar; indeterminate without a total. */
export function ProgressBar({ progress }: { readonly progress: Progress }): ReactNode {
  const { done, total, label } = progress;
  const known = total > 0;
  return (
    <div className={styles.progress}>
      <span className={styles.label}>{label}</span>
      <progress
        className={styles.bar}
        aria-label={label}
        {...(known ? { value: Math.min(done, total), max: total } : {})}
      />
      {known && <span className={styles.share}>{Math.floor((100 * Math.min(done, total)) / total)} %</span>}
    </div>
  );
}
