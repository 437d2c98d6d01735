import type { ReactNode } from 'react';
import { recoverDevice, useSession } from '../stores/session.ts';
import { FailureMessage } from './FailureMessage.tsx';
import { ProgressBar } from './ProgressBar.tsx';
import styles from './SystemMessages.module.css';

/** Messages above every page: slow adapter, lost device, no storage, a new version, model loading or not loaded. */
export function SystemMessages(): ReactNode {
  const gpu = useSession((state) => state.gpu);
  const lost = useSession((state) => state.lost);
  const phase = useSession((state) => state.phase);
  const model = useSession((state) => state.model);
  const modelFailure = useSession((state) => state.modelFailure);
  const storageFailure = useSession((state) => state.storageFailure);
  const hasNewVersion = useSession((state) => state.hasNewVersion);
  const progress = useSession((state) => state.modelProgress);
  return (
    <>
      {lost && phase === 'ready' && (
        <FailureMessage failure={lost}>
          <button type="button" className="primary" onClick={() => void recoverDevice()}>
            Reconnect the GPU
          </button>
        </FailureMessage>
      )}
      {phase === 'ready' && gpu?.state === 'ready' && gpu.isSoftware && (
        <p className={styles.note} role="note">
          <strong>Slow:</strong> this browser offers only a software adapter, which runs on the CPU.
          Everything works, but slowly. To use a GPU, update its driver and turn on graphics acceleration in
          the browser.
        </p>
      )}
      {phase === 'ready' && gpu?.state === 'missing' && (
        <p className={styles.note} role="note">
          <strong>No WebGPU:</strong> you can add and view data, but not train or segment. {gpu.error.cure}
        </p>
      )}
      {storageFailure && (
        <p className={styles.note} role="note">
          <strong>Nothing is saved:</strong> {storageFailure.what} Datasets and runs are lost when this page
          closes. {storageFailure.cure}
        </p>
      )}
      {hasNewVersion && (
        <p className={styles.note} role="note">
          <strong>A new version is ready:</strong> it comes when all tabs of the studio are closed and it is
          opened again.
        </p>
      )}
      {progress && <ProgressBar progress={progress} />}
      {phase === 'ready' && gpu?.state === 'ready' && !model && modelFailure && (
        <FailureMessage failure={modelFailure} />
      )}
    </>
  );
}
