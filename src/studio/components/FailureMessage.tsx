import type { ReactNode } from 'react';
import type { FailureRecord } from '../../worker/protocol.ts';
import { cureText } from '../format/cure.ts';
import styles from './FailureMessage.module.css';

/** What happened, to which file or setting, and the cure. */
export function FailureMessage(props: {
  readonly failure: FailureRecord;
  readonly children?: ReactNode;
}): ReactNode {
  return (
    <div className={styles.note} role="alert">
      <FailureText failure={props.failure} />
      {props.children}
    </div>
  );
}

/** The same as plain text, for lists. */
export function FailureText({ failure }: { readonly failure: FailureRecord }): ReactNode {
  return (
    <p>
      {failure.where && <strong>{failure.where}: </strong>}
      {failure.what} <span className={styles.cure}>{cureText(failure)}</span>
    </p>
  );
}
