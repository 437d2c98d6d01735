import { type ReactNode, useEffect, useState } from 'react';
import styles from './App.module.css';
import { DropTarget } from './components/DropTarget.tsx';
import { ErrorBoundary } from './components/ErrorBoundary.tsx';
import { FailureNote } from './components/FailureNote.tsx';
import { Header } from './components/Header.tsx';
import { KeysHelp } from './components/KeysHelp.tsx';
import { NoGpuPage } from './components/NoGpuPage.tsx';
import { Notices } from './components/Notices.tsx';
import { SystemNotes } from './components/SystemNotes.tsx';
import { DataPlace } from './features/data/DataPlace.tsx';
import { ExportPlace } from './features/export/ExportPlace.tsx';
import { SegmentPlace } from './features/segment/SegmentPlace.tsx';
import { TrainPlace } from './features/train/TrainPlace.tsx';
import { goTo, PLACE_LABELS, type Place, placeOfKey, usePlace } from './stores/place.ts';
import { useSession } from './stores/session.ts';

/** One page: the header, one of four places, and what may lie above them. */
export function App(): ReactNode {
  const place = usePlace((state) => state.place);
  const [keysShown, setKeysShown] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const typing =
        event.target instanceof HTMLElement && event.target.closest('input, select, textarea') !== null;
      if (event.key === '?' && !typing) setKeysShown(true);
      const target = placeOfKey(event);
      if (target) {
        event.preventDefault();
        goTo(target);
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  return (
    <ErrorBoundary what="The studio">
      <div className={styles.app}>
        <Header onKeys={() => setKeysShown(true)} />
        <main className={styles.main} tabIndex={-1} aria-label={PLACE_LABELS[place]}>
          <SystemNotes />
          <ErrorBoundary key={place} what={`The ${PLACE_LABELS[place]} place`}>
            <CurrentPlace place={place} />
          </ErrorBoundary>
        </main>
      </div>
      <Notices />
      <DropTarget />
      {keysShown && <KeysHelp onClose={() => setKeysShown(false)} />}
    </ErrorBoundary>
  );
}

function CurrentPlace({ place }: { readonly place: Place }): ReactNode {
  const phase = useSession((state) => state.phase);
  const failure = useSession((state) => state.failure);
  const gpu = useSession((state) => state.gpu);
  if (phase === 'failed' && failure) {
    return (
      <FailureNote failure={failure}>
        <button type="button" onClick={() => window.location.reload()}>
          Reload the page
        </button>
      </FailureNote>
    );
  }
  if (phase === 'starting') return <p className="muted">Starting the engine …</p>;
  const needsGpu = place === 'train' || place === 'segment';
  if (needsGpu && gpu?.state === 'missing') return <NoGpuPage failure={gpu.error} />;
  switch (place) {
    case 'data':
      return <DataPlace />;
    case 'train':
      return <TrainPlace />;
    case 'segment':
      return <SegmentPlace />;
    case 'export':
      return <ExportPlace />;
  }
}
