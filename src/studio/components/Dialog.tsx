import { Dialog as Primitive } from 'radix-ui';
import { type ReactNode, useEffect, useEffectEvent, useState } from 'react';
import { stackDialog } from '../stores/dialogs.ts';
import styles from './Dialog.module.css';
import { focusAgain, focusPlace } from './keep-focus.ts';

/** A modal dialog: keeps the focus inside, closes with Escape or a click beside it, and gives the focus back. */
export function Dialog(props: {
  readonly title: string;
  readonly onClose: () => void;
  readonly wide?: boolean;
  readonly children: ReactNode;
}): ReactNode {
  const [element, setElement] = useState<HTMLDivElement | null>(null);
  // Before anything in the dialog takes it.
  const [opener] = useState(() => focusPlace());
  const close = useEffectEvent(() => props.onClose());
  useEffect(() => (element ? stackDialog({ element, close: () => close() }) : undefined), [element]);
  return (
    <Primitive.Root open onOpenChange={props.onClose}>
      <Primitive.Portal>
        <Primitive.Overlay className={styles.backdrop} />
        <Primitive.Content
          ref={setElement}
          className={props.wide ? `${styles.dialog} ${styles.wide}` : styles.dialog}
          aria-describedby={undefined}
          onCloseAutoFocus={(event) => {
            // Radix would give it to a trigger of its own, which there is none of.
            event.preventDefault();
            focusAgain(opener);
          }}
        >
          <div className={styles.head}>
            <Primitive.Title>{props.title}</Primitive.Title>
            <Primitive.Close className="quiet">Close</Primitive.Close>
          </div>
          <div className={styles.body}>{props.children}</div>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
