import type { ReactNode } from 'react';
import { useSession } from '../stores/session.ts';
import { methodColour } from '../theme/colours.ts';
import styles from './MethodSwatch.module.css';

/** A method's colour; decoration beside its name. */
export function MethodSwatch({ id }: { readonly id: string }): ReactNode {
  const colour = useMethodColour(id);
  return <span className={styles.swatch} style={{ background: colour }} aria-hidden="true" />;
}

export function useMethodColour(id: string): string {
  const slot = useSession(
    (state) => state.capabilities?.methods.find((method) => method.id === id)?.colourSlot ?? 0,
  );
  return methodColour(slot);
}
