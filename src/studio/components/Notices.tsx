import { Toast } from 'radix-ui';
import { type ReactNode, useEffect, useRef } from 'react';
import { createPortal } from 'react-dom';
import { closeTopDialog, useTopDialog } from '../stores/dialogs.ts';
import { dismissNotice, useNotices } from '../stores/notices.ts';
import { FailureText } from './FailureMessage.tsx';
import { type FocusPlace, focusAgain, focusPlace } from './keep-focus.ts';
import styles from './Notices.module.css';

/** Milliseconds that a success is shown; it waits while the pointer or the focus is on the notices. */
const SHOWN_FOR = 8000;

/**
 * The notices in the corner, inside the topmost modal dialog if one is open, and the live region for other announcements.
 * F8 moves the focus to them, and with the last of them it goes back.
 */
export function Notices(): ReactNode {
  const notices = useNotices((state) => state.notices);
  const announcement = useNotices((state) => state.announcement);
  const dialog = useTopDialog();
  const list = useRef<HTMLOListElement>(null);
  const before = useRef<FocusPlace>(null);
  const isEmpty = notices.length === 0;
  const goBack = (): void => {
    if (before.current) focusAgain(before.current);
    else list.current?.blur();
  };
  useEffect(() => {
    const remember = ({ target }: FocusEvent): void => {
      // Radix has more around the list than the list.
      const region = list.current?.parentElement;
      if (target instanceof Element && !region?.contains(target)) before.current = focusPlace(target);
    };
    document.addEventListener('focusin', remember);
    return () => document.removeEventListener('focusin', remember);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once the last notice is gone
  useEffect(() => {
    if (isEmpty && list.current?.contains(document.activeElement)) goBack();
  }, [isEmpty]);
  const viewport = (
    <Toast.Viewport
      ref={list}
      className={styles.list}
      label="Notifications ({hotkey})"
      onFocus={() => isEmpty && goBack()}
    />
  );
  return (
    <>
      <div className="visually-hidden" role="status" aria-live="polite" data-testid="announcement">
        {announcement}
      </div>
      <Toast.Provider label="Notification" {...(dialog ? { announcerContainer: dialog } : {})}>
        {notices.map((notice) => (
          <Toast.Root
            key={notice.id}
            className={styles[notice.tone]}
            type={notice.tone === 'failure' ? 'foreground' : 'background'}
            duration={notice.tone === 'success' ? SHOWN_FOR : Number.POSITIVE_INFINITY}
            onOpenChange={() => dismissNotice(notice.id)}
            onEscapeKeyDown={(event) => {
              // Of a dialog whose notices do not have the focus, that key closes the dialog.
              if (!dialog || list.current?.contains(document.activeElement)) return;
              event.preventDefault();
              closeTopDialog();
            }}
            open
          >
            {notice.tone === 'failure' ? <FailureText failure={notice.failure} /> : <p>{notice.text}</p>}
            <Toast.Close className="quiet" aria-label="Dismiss notification">
              ×
            </Toast.Close>
          </Toast.Root>
        ))}
        {dialog ? createPortal(viewport, dialog) : viewport}
      </Toast.Provider>
    </>
  );
}
