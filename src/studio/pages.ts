/** The pages, each with code of its own that is loaded when it is first opened. */
import { type ComponentType, lazy } from 'react';
import type { Page } from './stores/page.ts';

const LOADERS: Readonly<Record<Page, () => Promise<{ default: ComponentType }>>> = {
  data: () => import('./features/data/DataPage.tsx').then(({ DataPage }) => ({ default: DataPage })),
  train: () => import('./features/train/TrainPage.tsx').then(({ TrainPage }) => ({ default: TrainPage })),
  segment: () =>
    import('./features/segment/SegmentPage.tsx').then(({ SegmentPage }) => ({ default: SegmentPage })),
  export: () =>
    import('./features/export/ExportPage.tsx').then(({ ExportPage }) => ({ default: ExportPage })),
  first: () => import('./features/first/FirstPage.tsx').then(({ FirstPage }) => ({ default: FirstPage })),
  models: () =>
    import('./features/models/ModelsPage.tsx').then(({ ModelsPage }) => ({ default: ModelsPage })),
};

export const PAGE_PARTS = {
  data: lazy(LOADERS.data),
  train: lazy(LOADERS.train),
  segment: lazy(LOADERS.segment),
  export: lazy(LOADERS.export),
  models: lazy(LOADERS.models),
  first: lazy(LOADERS.first),
} as const satisfies Record<Page, unknown>;

/** Begins to load a page's code. A failure shows when the page is opened. */
export function loadPage(page: Page): void {
  LOADERS[page]().catch(() => undefined);
}
