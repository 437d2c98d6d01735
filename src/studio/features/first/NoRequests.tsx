import type { ReactNode } from 'react';
import { plural } from '../../../config/words.ts';
import { selectOtherCount, useRequests } from '../../stores/requests.ts';

/** How many requests went to other sites, as the browser counted them. */
export function NoRequests(): ReactNode {
  const own = useRequests((state) => state.own);
  const others = useRequests((state) => state.others);
  const count = useRequests(selectOtherCount);
  const hosts = Object.entries(others).map(([host, times]) => `${times} to ${host}`);
  return (
    <p className="muted small">
      <strong>{plural(count, 'request')}</strong> left this page
      {hosts.length > 0 && ` (${hosts.join(', ')})`}; {own} went to its own site, for the studio and its
      model.
    </p>
  );
}
