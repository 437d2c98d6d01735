import { openPage, PAGES } from '../stores/page.ts';
import type { KeyGroup } from './key-binding.ts';

/** What keys of the whole studio open. */
export interface AppDialogs {
  showKeys(): void;
  showPalette(): void;
}

/** Keys that work wherever the focus is. */
export const ANYWHERE_KEYS: KeyGroup<AppDialogs> = {
  title: 'Everywhere',
  bindings: [
    {
      on: ['Ctrl+k'],
      list: [['Ctrl + K or ⌘ + K', 'find a page, a dataset, an image, a run or an action']],
      run: (dialogs) => dialogs.showPalette(),
    },
    ...PAGES.map((page, index) => ({
      on: [`Alt+${index + 1}`],
      list: index === 0 ? ([['Alt + 1 … 5', 'open Data, Train, Segment, Export or Models']] as const) : [],
      run: () => openPage(page),
    })),
  ],
};

/** Keys that write a character, so they work outside of text fields only. */
export const UNTYPED_KEYS: KeyGroup<AppDialogs> = {
  title: 'Everywhere but in text',
  bindings: [
    { on: ['?'], list: [['?', 'show the list of keys']], run: (dialogs) => dialogs.showKeys() },
    { on: [], list: [['F8', 'go to the notices']], run: () => undefined },
    { on: [], list: [['Tab', 'go to the next control']], run: () => undefined },
  ],
};
