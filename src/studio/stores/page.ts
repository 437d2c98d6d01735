/** Which page is shown. The address's hash holds it, so the browser's back button works. */
import { create } from 'zustand';

export const PAGES = ['data', 'train', 'segment', 'export', 'models'] as const;
export type Page = (typeof PAGES)[number];

export const PAGE_LABELS: Readonly<Record<Page, string>> = {
  data: 'Data',
  train: 'Train',
  segment: 'Segment',
  export: 'Export',
  models: 'Models',
};

/** "#/train" → "train"; anything unknown → "data". */
function pageOfHash(hash: string): Page {
  return PAGES.find((page) => `#/${page}` === hash) ?? 'data';
}

export const usePage = create<{ readonly page: Page }>()(() => ({ page: 'data' }));

export function openPage(page: Page): void {
  window.location.hash = `#/${page}`;
}

/** Keeps the store in step with the address; returns the function that ends it. */
export function followAddress(): () => void {
  const follow = (): void => usePage.setState({ page: pageOfHash(window.location.hash) });
  follow();
  window.addEventListener('hashchange', follow);
  return () => window.removeEventListener('hashchange', follow);
}
