import { Toast } from 'radix-ui';
import type { ReactNode } from 'react';
import { createPortal } from 'react-dom';
import { useTopDialog } from '../stores/dialogs.ts';
import { dismissNotice, useNotices } from '../stores/notices.ts';
import { FailureText } from './FailureMessage.tsx';
import styles from './Notices.module.css';

/** Milliseconds that a success is shown; it waits while the pointer or the focus is on the notices. */
const SHOWN_FOR = 8000;

/**
 * The notices in the corner, inside the topmost modal dialog if one is open, and the live region for other announcements.
 * F8 moves the focus to them.
 */
export function Notices(): ReactNode {
  const notices = useNotices((state) => state.notices);
  const announcement = useNotices((state) => state.announcement);
  const dialog = useTopDialog();
  const viewport = <Toast.Viewport className={styles.list} label="Notifications ({hotkey})" />;
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
