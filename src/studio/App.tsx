import { lazy, type ReactNode, Suspense, useCallback, useEffect, useState } from 'react';
import styles from './App.module.css';
import { ANYWHERE_KEYS, UNTYPED_KEYS } from './commands/app-keys.ts';
import { runKey } from './commands/key-binding.ts';
import { DropTarget } from './components/DropTarget.tsx';
import { ErrorBoundary } from './components/ErrorBoundary.tsx';
import { FailureMessage } from './components/FailureMessage.tsx';
import { Header } from './components/Header.tsx';
import { HintProvider } from './components/Hint.tsx';
import { keepFocus } from './components/keep-focus.ts';
import { NoGpuPage } from './components/NoGpuPage.tsx';
import { Notices } from './components/Notices.tsx';
import { SystemMessages } from './components/SystemMessages.tsx';
import { ModelDialogs } from './features/model/ModelDialogs.tsx';
import { PAGE_PARTS } from './pages.ts';
import { PAGE_LABELS, type Page, usePage } from './stores/page.ts';
import { useSession } from './stores/session.ts';

const KeysDialog = lazy(() => import('./commands/KeysDialog.tsx'));
const Palette = lazy(() => import('./commands/Palette.tsx'));

/** The header, the current page, and what may lie above it: notices, the drop target, keys, the palette. */
export function App(): ReactNode {
  const page = usePage((state) => state.page);
  const [dialog, setDialog] = useState<'keys' | 'palette' | null>(null);
  useEffect(keepFocus, []);
  useEffect(() => {
    const dialogs = { showKeys: () => setDialog('keys'), showPalette: () => setDialog('palette') };
    const onKey = (event: KeyboardEvent): void => {
      const isTyping =
        event.target instanceof HTMLElement && event.target.closest('input, select, textarea') !== null;
      const groups = isTyping ? [ANYWHERE_KEYS] : [ANYWHERE_KEYS, UNTYPED_KEYS];
      if (runKey(groups, event, dialogs)) event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  const close = useCallback(() => setDialog(null), []);
  const showKeys = useCallback(() => setDialog('keys'), []);
  return (
    <ErrorBoundary what="The studio">
      <HintProvider delayDuration={500}>
        <div className={styles.app}>
          <Header onKeys={showKeys} onPalette={() => setDialog('palette')} />
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
        <Suspense>
          {dialog === 'keys' && <KeysDialog onClose={close} />}
          {dialog === 'palette' && <Palette onClose={close} onKeys={showKeys} />}
        </Suspense>
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
  // The first minute has something to show before that.
  if (phase === 'starting' && page !== 'first') return <p className="muted">Starting the engine …</p>;
  const needsGpu = page === 'train' || page === 'segment' || page === 'first';
  if (needsGpu && gpu?.state === 'missing') return <NoGpuPage failure={gpu.error} />;
  const Part = PAGE_PARTS[page];
  return (
    <Suspense fallback={<p className="muted">Opening …</p>}>
      <Part />
    </Suspense>
  );
}
