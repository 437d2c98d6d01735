/** How many requests left this site, counted from the browser's own list of what the page and the engine's worker asked for. */
import { create } from 'zustand';

interface RequestsState {
  /** To the site that the page came from: its code and the embedded model. */
  readonly own: number;
  /** To other sites, by host. */
  readonly others: Readonly<Record<string, number>>;
}

export const useRequests = create<RequestsState>()(() => ({ own: 0, others: {} }));

export const selectOtherCount = ({ others }: RequestsState): number =>
  Object.values(others).reduce((sum, count) => sum + count, 0);

/** Begins to count the page's requests, those before this one among them. */
export function watchRequests(): void {
  new PerformanceObserver((list) => countRequests(list.getEntries().map(({ name }) => name))).observe({
    type: 'resource',
    buffered: true,
  });
}

/** Adds requests by their addresses; what lies inside the page (`blob:`, `data:`) is none. */
export function countRequests(addresses: readonly string[], site: Pick<URL, 'host'> = window.location): void {
  const hosts = addresses.flatMap((address) => {
    const { protocol, host } = new URL(address);
    return /^(https?|wss?):$/.test(protocol) ? [host] : [];
  });
  useRequests.setState(({ own, others }) => {
    const counts = { ...others };
    for (const host of hosts) if (host !== site.host) counts[host] = (counts[host] ?? 0) + 1;
    return { own: own + hosts.filter((host) => host === site.host).length, others: counts };
  });
}
