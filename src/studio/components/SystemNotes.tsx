import type { ReactNode } from 'react';
import { recoverDevice, useSession } from '../stores/session.ts';
import { FailureNote } from './FailureNote.tsx';
import { ProgressBar } from './Progress.tsx';
import styles from './SystemNotes.module.css';

/** What concerns every page: a slow adapter, a lost device, no storage, a model that is loading or could not be loaded. */
export function SystemNotes(): ReactNode {
  const gpu = useSession((state) => state.gpu);
  const lost = useSession((state) => state.lost);
  const phase = useSession((state) => state.phase);
  const model = useSession((state) => state.model);
  const modelFailure = useSession((state) => state.modelFailure);
  const storageFailure = useSession((state) => state.storageFailure);
  const progress = useSession((state) => state.modelProgress);
  return (
    <>
      {lost && phase === 'ready' && (
        <FailureNote failure={lost}>
          <button type="button" className="primary" onClick={() => void recoverDevice()}>
            Ask for the GPU again
          </button>
        </FailureNote>
      )}
      {phase === 'ready' && gpu?.state === 'ready' && gpu.isSoftware && (
        <p className={styles.note} role="note">
          <strong>Slow:</strong> this browser offers only a software adapter, which computes on the CPU.
          Everything works; for the GPU, update its driver and turn on hardware acceleration.
        </p>
      )}
      {phase === 'ready' && gpu?.state === 'missing' && (
        <p className={styles.note} role="note">
          <strong>No WebGPU:</strong> data can be added and viewed here; training and segmenting need a
          browser with WebGPU. {gpu.error.cure}
        </p>
      )}
      {storageFailure && (
        <p className={styles.note} role="note">
          <strong>Nothing is kept:</strong> {storageFailure.what} What is made here is gone with this page.{' '}
          {storageFailure.cure}
        </p>
      )}
      {progress && <ProgressBar progress={progress} />}
      {phase === 'ready' && gpu?.state === 'ready' && !model && modelFailure && (
        <FailureNote failure={modelFailure} />
      )}
    </>
  );
}
