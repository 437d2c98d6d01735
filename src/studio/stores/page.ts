/** Which page is shown. The address's hash holds it, so the browser's back button works. */
import { create } from 'zustand';

/** Those of the header, in its order. */
export const PAGES = ['data', 'train', 'segment', 'export', 'models'] as const;
/** `first`: the first minute, which has no place in the header. */
export type Page = (typeof PAGES)[number] | 'first';

export const PAGE_LABELS: Readonly<Record<Page, string>> = {
  data: 'Data',
  train: 'Train',
  segment: 'Segment',
  export: 'Export',
  models: 'Models',
  first: 'First minute',
};

/** "#/train" → "train"; anything unknown → "data". */
function pageOfHash(hash: string): Page {
  const known: readonly Page[] = [...PAGES, 'first'];
  return known.find((page) => `#/${page}` === hash) ?? 'data';
}

export const usePage = create<{ readonly page: Page }>()(() => ({ page: 'data' }));

export function openPage(page: Page): void {
  window.location.hash = `#/${page}`;
}

/** Whether the address names a page. */
export const isPageNamed = (): boolean => window.location.hash !== '';

/** Opens a page that the person did not ask for: the back button does not lead to what was there before. */
export function replacePage(page: Page): void {
  window.history.replaceState(null, '', `#/${page}`);
  usePage.setState({ page });
}

/** Keeps the store in step with the address; returns the function that ends it. */
export function followAddress(): () => void {
  const follow = (): void => usePage.setState({ page: pageOfHash(window.location.hash) });
  follow();
  window.addEventListener('hashchange', follow);
  return () => window.removeEventListener('hashchange', follow);
}
