/**
 * Notices in the corner, which announce themselves, and announcements without one. Those of success leave by themselves,
 * the others stay until they are dismissed.
 */
import { create } from 'zustand';
import { CANCELLED, type FailureRecord, type Result } from '../../worker/protocol.ts';

export type Notice =
  | { readonly id: number; readonly tone: 'success' | 'warning'; readonly text: string }
  | { readonly id: number; readonly tone: 'failure'; readonly failure: FailureRecord };

interface NoticesState {
  readonly notices: readonly Notice[];
  /** The latest sentence for the live region. */
  readonly announcement: string;
}

export const useNotices = create<NoticesState>()(() => ({ notices: [], announcement: '' }));

let nextId = 1;
const SHOWN_AT_ONCE = 4;

function push(notice: Notice): void {
  useNotices.setState(({ notices }) => ({ notices: [...notices, notice].slice(-SHOWN_AT_ONCE) }));
}

/** Something was done that the page does not show by itself. */
export function notifySuccess(text: string): void {
  push({ id: nextId++, tone: 'success', text });
}

/** Something went wrong besides what was asked for. The same text is not shown twice. */
export function notifyWarning(text: string): void {
  const isShown = useNotices.getState().notices.some((notice) => 'text' in notice && notice.text === text);
  if (!isShown) push({ id: nextId++, tone: 'warning', text });
}

/** Something failed. Cancellations are not shown, and what failed again is shown once, as the newest. */
export function notifyFailure(failure: FailureRecord): void {
  if (failure.code === CANCELLED) return;
  dismissFailure(failure);
  push({ id: nextId++, tone: 'failure', failure });
}

/** Takes a failure back that is none any more. */
export function dismissFailure({ what, where }: FailureRecord): void {
  useNotices.setState(({ notices }) => ({
    notices: notices.filter(
      (notice) => notice.tone !== 'failure' || notice.failure.what !== what || notice.failure.where !== where,
    ),
  }));
}

/** Shows only the first failure: calls that were made together mostly fail for one reason. */
export function notifyFirstFailure(results: readonly Result<unknown>[]): void {
  for (const result of results) {
    if (result.ok) continue;
    notifyFailure(result.error);
    return;
  }
}

/** Tells screen readers of a change that can be seen on the page. */
export function announce(text: string): void {
  useNotices.setState({ announcement: text });
}

export function dismissNotice(id: number): void {
  useNotices.setState((state) => ({ notices: state.notices.filter((notice) => notice.id !== id) }));
}
