import { type ReactNode, useEffect } from 'react';
import { FailureMessage } from '../../components/FailureMessage.tsx';
import { selectActiveRun, useRuns } from '../../stores/runs.ts';
import { answerShown, prepareModel, useSegment } from '../../stores/segment.ts';
import { selectCanCompute, useSession } from '../../stores/session.ts';
import { CandidateList } from './CandidateList.tsx';
import { ImageCanvas } from './ImageCanvas.tsx';
import { ImageGates } from './ImageGates.tsx';
import { ImagePicker } from './ImagePicker.tsx';
import styles from './SegmentPage.module.css';
import { Toolbar } from './Toolbar.tsx';
import { VariantPicker } from './VariantPicker.tsx';

/** Any image: click, box, candidates, base against tuned. */
export function SegmentPage(): ReactNode {
  const image = useSegment((state) => state.image);
  const failure = useSegment((state) => state.failure);
  const canCompute = useSession(selectCanCompute);
  // A run that is under way may have planned for all of the device's memory.
  const isTraining = useRuns(selectActiveRun) !== null;
  useEffect(() => {
    if (canCompute && !isTraining) void prepareModel();
  }, [canCompute, isTraining]);
  // Only while a person looks: a run that gets better elsewhere keeps the device to itself.
  const bestStep = useSegment((state) => state.bestStep);
  // biome-ignore lint/correctness/useExhaustiveDependencies: other weights have other answers
  useEffect(() => void answerShown(), [bestStep]);
  return (
    <div className={styles.page}>
      <div className={styles.work}>
        <Toolbar />
        {image ? <ImageCanvas key={image.imageId} image={image} /> : <Empty />}
      </div>
      <aside className={styles.side} aria-label="Image, model and candidates">
        <ImagePicker />
        {failure && <FailureMessage failure={failure} />}
        <VariantPicker />
        <CandidateList />
        <ImageGates />
      </aside>
    </div>
  );
}

function Empty(): ReactNode {
  const opening = useSegment((state) => state.opening);
  return (
    <div className={styles.empty}>
      <p>{opening ? 'Opening the image …' : 'Open an image on the right, from a dataset or a file.'}</p>
    </div>
  );
}
