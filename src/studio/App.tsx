import { type ReactNode, Suspense, useEffect, useState } from 'react';
import styles from './App.module.css';
import { DropTarget } from './components/DropTarget.tsx';
import { ErrorBoundary } from './components/ErrorBoundary.tsx';
import { FailureMessage } from './components/FailureMessage.tsx';
import { Header } from './components/Header.tsx';
import { HintProvider } from './components/Hint.tsx';
import { NoGpuPage } from './components/NoGpuPage.tsx';
import { Notices } from './components/Notices.tsx';
import { ShortcutsDialog } from './components/ShortcutsDialog.tsx';
import { SystemMessages } from './components/SystemMessages.tsx';
import { ModelDialogs } from './features/model/ModelDialogs.tsx';
import { PAGE_PARTS } from './pages.ts';
import { openPage, PAGE_LABELS, type Page, pageOfKey, usePage } from './stores/page.ts';
import { useSession } from './stores/session.ts';

/** The header, the current page, and what may lie above it: notices, the drop target, shortcuts. */
export function App(): ReactNode {
  const page = usePage((state) => state.page);
  const [shortcutsShown, setShortcutsShown] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const typing =
        event.target instanceof HTMLElement && event.target.closest('input, select, textarea') !== null;
      if (event.key === '?' && !typing) setShortcutsShown(true);
      const target = pageOfKey(event);
      if (target) {
        event.preventDefault();
        openPage(target);
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  return (
    <ErrorBoundary what="The studio">
      <HintProvider delayDuration={500}>
        <div className={styles.app}>
          <Header onShortcuts={() => setShortcutsShown(true)} />
          <main className={styles.main} tabIndex={-1} aria-label={PAGE_LABELS[page]}>
            <SystemMessages />
            <ErrorBoundary key={page} what={`The ${PAGE_LABELS[page]} page`}>
              <CurrentPage page={page} />
            </ErrorBoundary>
          </main>
        </div>
        <Notices />
        <DropTarget />
        <ModelDialogs />
        {shortcutsShown && <ShortcutsDialog onClose={() => setShortcutsShown(false)} />}
      </HintProvider>
    </ErrorBoundary>
  );
}

function CurrentPage({ page }: { readonly page: Page }): ReactNode {
  const phase = useSession((state) => state.phase);
  const failure = useSession((state) => state.failure);
  const gpu = useSession((state) => state.gpu);
  if (phase === 'failed' && failure) {
    return (
      <FailureMessage failure={failure}>
        <button type="button" onClick={() => window.location.reload()}>
          Reload the page
        </button>
      </FailureMessage>
    );
  }
  if (phase === 'starting') return <p className="muted">Starting the engine …</p>;
  const needsGpu = page === 'train' || page === 'segment';
  if (needsGpu && gpu?.state === 'missing') return <NoGpuPage failure={gpu.error} />;
  const Part = PAGE_PARTS[page];
  return (
    <Suspense fallback={<p className="muted">Opening …</p>}>
      <Part />
    </Suspense>
  );
}
