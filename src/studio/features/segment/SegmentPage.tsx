import { type ReactNode, useEffect } from 'react';
import { FailureMessage } from '../../components/FailureMessage.tsx';
import { useDatasets } from '../../stores/datasets.ts';
import { labelDataset } from '../../stores/label-queue.ts';
import { reopenImage, useOpening } from '../../stores/open-image.ts';
import { openPage } from '../../stores/page.ts';
import { selectActiveRun, useRuns } from '../../stores/runs.ts';
import { answerShown, prepareModel, useSegment } from '../../stores/segment.ts';
import { selectCanCompute, useSession } from '../../stores/session.ts';
import { FindPanel } from '../find/FindPanel.tsx';
import { LabelPanel } from '../label/LabelPanel.tsx';
import { ObjectPanel } from '../label/ObjectPanel.tsx';
import { CandidateList } from './CandidateList.tsx';
import { ImageCanvas } from './ImageCanvas.tsx';
import { ImageGates } from './ImageGates.tsx';
import { ImagePicker } from './ImagePicker.tsx';
import styles from './SegmentPage.module.css';
import { Toolbar } from './Toolbar.tsx';
import { VariantPicker } from './VariantPicker.tsx';

/** The editor: segments an image by clicks and boxes, with the base or a tuned model, and labels images of datasets. */
export function SegmentPage(): ReactNode {
  const image = useSegment((state) => state.image);
  const failure = useSegment((state) => state.failure);
  const canCompute = useSession(selectCanCompute);
  // A run in progress may need all of the device's memory.
  const isTraining = useRuns(selectActiveRun) !== null;
  useEffect(() => {
    if (canCompute && !isTraining) void prepareModel();
  }, [canCompute, isTraining]);
  const loaded = useDatasets((state) => state.loaded);
  useEffect(() => {
    if (loaded) void reopenImage();
  }, [loaded]);
  // Only while this page is open: otherwise an improving run keeps the device to itself.
  const bestStep = useSegment((state) => state.bestStep);
  // biome-ignore lint/correctness/useExhaustiveDependencies: other weights have other answers
  useEffect(() => void answerShown(), [bestStep]);
  return (
    <div className={styles.page}>
      <div className={styles.work}>
        <Toolbar />
        {image ? <ImageCanvas image={image} /> : <Empty />}
      </div>
      <aside className={styles.side} aria-label="Image, labels, candidates and model">
        <ImagePicker />
        <LabelPanel />
        {failure && <FailureMessage failure={failure} />}
        {/* Above the objects, of which there may be many: a person chooses among candidates before each of them. */}
        <CandidateList />
        <ObjectPanel />
        <FindPanel />
        <VariantPicker />
        <ImageGates />
      </aside>
    </div>
  );
}

/** How many datasets are offered by a button; the list beside the canvas has all. */
const OFFERED = 4;

/** In place of an image: ways to open one. */
function Empty(): ReactNode {
  const opening = useOpening((state) => state.opening);
  const datasets = useDatasets((state) => state.datasets);
  if (opening) {
    return (
      <div className={styles.empty}>
        <p>Opening the image …</p>
      </div>
    );
  }
  return (
    <div className={styles.empty}>
      <div className="stack">
        <p>
          {datasets.length > 0
            ? 'Open an image of a dataset, or any file.'
            : 'Open a file, or add a dataset to label its images.'}
        </p>
        <div className={`row ${styles.offers}`}>
          {datasets.slice(0, OFFERED).map(({ id, name }) => (
            <button type="button" key={id} onClick={() => void labelDataset(id)}>
              Open {name}
            </button>
          ))}
          {datasets.length === 0 && (
            <button type="button" onClick={() => openPage('data')}>
              Add a dataset
            </button>
          )}
        </div>
      </div>
    </div>
  );
}
