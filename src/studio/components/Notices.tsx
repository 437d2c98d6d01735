import type { ReactNode } from 'react';
import { createPortal } from 'react-dom';
import { useTopDialog } from '../stores/dialogs.ts';
import { dismissNotice, useNotices } from '../stores/notices.ts';
import { FailureText } from './FailureMessage.tsx';
import styles from './Notices.module.css';

/** The notices in the corner and the live region for screen readers, inside the topmost modal dialog if one is open. */
export function Notices(): ReactNode {
  const notices = useNotices((state) => state.notices);
  const announcement = useNotices((state) => state.announcement);
  const dialog = useTopDialog();
  const shown = (
    <aside aria-label="Notifications">
      <div className="visually-hidden" role="status" aria-live="polite" data-testid="announcement">
        {announcement}
      </div>
      <ul className={styles.list}>
        {notices.map((notice) => (
          <li key={notice.id} className={styles[notice.tone]}>
            {notice.tone === 'failure' ? <FailureText failure={notice.failure} /> : <p>{notice.text}</p>}
            <button
              type="button"
              className="quiet"
              aria-label="Dismiss notification"
              onClick={() => dismissNotice(notice.id)}
            >
              ×
            </button>
          </li>
        ))}
      </ul>
    </aside>
  );
  return dialog ? createPortal(shown, dialog) : shown;
}
