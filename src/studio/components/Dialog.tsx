import { type ReactNode, useEffect, useId, useRef } from 'react';
import { showDialog } from '../stores/dialogs.ts';
import styles from './Dialog.module.css';

/** A modal dialog, as the browser's own `<dialog>`: keeps the focus inside, closes with Escape, restores the focus. */
export function Dialog(props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly wide?: boolean;
  readonly children: ReactNode;
}): ReactNode {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    if (element.current) return showDialog(element.current);
  }, []);
  return (
    <dialog
      ref={element}
      className={props.wide ? `${styles.dialog} ${styles.wide}` : styles.dialog}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
    >
      <div className={styles.head}>
        <h2 id={titleId}>{props.title}</h2>
        <button type="button" className="quiet" onClick={props.onClose}>
          Close
        </button>
      </div>
      <div className={styles.body}>{props.children}</div>
    </dialog>
  );
}
