import { useFind } from '../../stores/find-state.ts';
import { useSegment } from '../../stores/segment.ts';
import { selectCanCompute, useSession } from '../../stores/session.ts';

/** Whether a search can begin. */
export function useIsIdle(): boolean {
  const image = useSegment((state) => state.image);
  const canCompute = useSession(selectCanCompute);
  const work = useFind((state) => state.work);
  return canCompute && image !== null && work === null;
}
