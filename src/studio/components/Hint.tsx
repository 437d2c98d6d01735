import { Tooltip as Primitive } from 'radix-ui';
import type { ReactElement, ReactNode } from 'react';
import { closeTopDialog } from '../stores/dialogs.ts';
import styles from './Hint.module.css';

/** Around everything that has hints: the next one comes at once while one was just open. */
export const HintProvider = Primitive.Provider;

/**
 * A sentence about a control, shown when the pointer or the focus rests on it. Empty text shows nothing. Escape takes it away,
 * and with it the dialog that it lies on, which would not hear that key.
 */
export function Hint(props: {
  readonly text: string | null | undefined;
  /** One element, which takes a ref and the properties of its own. */
  readonly children: ReactElement;
}): ReactNode {
  if (!props.text) return props.children;
  return (
    <Primitive.Root>
      <Primitive.Trigger asChild>{props.children}</Primitive.Trigger>
      <Primitive.Portal>
        <Primitive.Content
          className={styles.hint}
          sideOffset={6}
          collisionPadding={8}
          onEscapeKeyDown={closeTopDialog}
        >
          {props.text}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
