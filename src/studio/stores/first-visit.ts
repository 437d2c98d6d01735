/** Whether the first minute opens by itself: nothing is stored, no page is asked for, and it was not left before. */
import { callEngine } from './engine-link.ts';
import { isPageNamed, replacePage, usePage } from './page.ts';

const KEY = 'mopeft.first-minute';

export function mayBeFirstVisit(): boolean {
  return !isPageNamed() && !wasLeft();
}

/** Opens the first minute where nothing was ever stored here. @returns whether it did. */
export async function openFirstVisit(): Promise<boolean> {
  if (!mayBeFirstVisit()) return false;
  const [datasets, runs] = await Promise.all([callEngine('data.list', {}), callEngine('train.list', {})]);
  const isEmpty = datasets.ok && datasets.value.length === 0 && runs.ok && runs.value.length === 0;
  if (!isEmpty || isPageNamed()) return false;
  replacePage('first');
  return true;
}

/** Once the first minute is left for another page, it opens only where it is asked for; returns the function that ends this. */
export function rememberLeaving(): () => void {
  return usePage.subscribe(({ page }, before) => {
    if (before.page !== 'first' || page === 'first') return;
    try {
      window.localStorage.setItem(KEY, 'left');
    } catch {
      // It then opens again until there is a dataset.
    }
  });
}

function wasLeft(): boolean {
  try {
    return window.localStorage.getItem(KEY) !== null;
  } catch {
    // The browser may forbid storage.
    return false;
  }
}
