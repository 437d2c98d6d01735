import type { ReactNode } from 'react';
import { useSession } from '../../stores/session.ts';

/** A method's label; its id where the engine does not know it. */
export function MethodName({ id }: { readonly id: string }): ReactNode {
  const label = useSession(
    (state) => state.capabilities?.methods.find((method) => method.id === id)?.label ?? id,
  );
  return <>{label}</>;
}
