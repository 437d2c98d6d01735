import { type ReactNode, useEffect } from 'react';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { SegmentedControl } from '../../components/SegmentedControl.tsx';
import { VirtualList } from '../../components/VirtualList.tsx';
import { useDatasets } from '../../stores/datasets.ts';
import {
  doneAndNext,
  loadQueue,
  nextEntry,
  openBeside,
  orderQueue,
  useQueue,
} from '../../stores/label-queue.ts';
import { setStatus, statusWords, useLabels } from '../../stores/labels.ts';
import { openImage } from '../../stores/open-image.ts';
import { openPage } from '../../stores/page.ts';
import { chooseDataset } from '../../stores/setup.ts';
import styles from './LabelPanel.module.css';

/** How far the open image is labelled, and which image comes next. */
export function LabelPanel(): ReactNode {
  const ref = useLabels((state) => state.ref);
  if (!ref) return null;
  return (
    <section className={`panel ${styles.panel}`} aria-label="Labels of this image">
      <div className={styles.head}>
        <h2>Labels</h2>
        <SavedState />
      </div>
      <Status />
      <div className={styles.next}>
        <button type="button" className="primary" onClick={() => void doneAndNext()}>
          Done and next
        </button>
        <button type="button" aria-label="Image before" onClick={() => void openBeside(-1)}>
          ‹
        </button>
        <button type="button" aria-label="Image after" onClick={() => void openBeside(1)}>
          ›
        </button>
      </div>
      <Queue datasetId={ref.datasetId} />
    </section>
  );
}

function SavedState(): ReactNode {
  const saved = useLabels((state) => state.saved);
  const words = { saved: 'Saved', saving: 'Saving …', failed: 'Not saved yet' }[saved];
  return <span className={`small ${saved === 'failed' ? styles.failed : 'muted'}`}>{words}</span>;
}

function Status(): ReactNode {
  const status = useLabels((state) => state.status);
  return (
    <SegmentedControl
      legend="Status of this image"
      hideLegend
      options={[
        { value: 'unlabelled', label: 'Unlabelled' },
        { value: 'in-work', label: 'In work' },
        { value: 'done', label: 'Done' },
      ]}
      value={status}
      onChange={(value) => void setStatus(value)}
    />
  );
}

function trainOn(datasetId: string): void {
  chooseDataset(datasetId);
  openPage('train');
}

/** From so many images on, some are left for validation and for the test. */
const LEAST_TO_TRAIN = 3;
/** Fewer teach little, and leave one image to test on. */
const GOOD_TO_TRAIN = 6;

/** The dataset's images in the order in which they should be labelled, each with its reason. */
function Queue({ datasetId }: { readonly datasetId: string }): ReactNode {
  const openId = useLabels((state) => state.ref?.sampleId);
  const queue = useQueue();
  const samples = useDatasets((state) => state.samples[datasetId]);
  useEffect(() => {
    if (useQueue.getState().datasetId !== datasetId) void loadQueue(datasetId);
  }, [datasetId]);
  if (queue.datasetId !== datasetId) return null;
  const { entries, ordering } = queue;
  const nameOf = (id: string): string => samples?.find((sample) => sample.id === id)?.name ?? id;
  const next = nextEntry(entries, openId);
  const done = entries.filter(({ status }) => status === 'done').length;
  const isOpenLeft = entries.some(({ sampleId, status }) => sampleId === openId && status !== 'done');
  const left = next
    ? `Next: ${nameOf(next.sampleId)}. ${next.reason}`
    : isOpenLeft
      ? 'This is the last one to label.'
      : 'None is left to label.';
  return (
    <>
      <p className="small muted">
        {done} of {entries.length} images {done === 1 ? 'is' : 'are'} done
        {done < GOOD_TO_TRAIN && ', and six to twelve are enough to train for the first time'}. {left}
      </p>
      {done >= LEAST_TO_TRAIN && (
        <button type="button" onClick={() => trainOn(datasetId)}>
          Train on what is done
        </button>
      )}
      <details className="small">
        <summary>Order of the images</summary>
        <div className={styles.order}>
          {ordering ? (
            <>
              <ProgressBar progress={ordering.progress} />
              <button type="button" onClick={ordering.cancel}>
                Cancel
              </button>
            </>
          ) : (
            <button type="button" onClick={() => void orderQueue(datasetId)}>
              Put first what helps most
            </button>
          )}
        </div>
        <VirtualList
          label="Order of the images"
          className={styles.list}
          items={entries}
          rowHeight={44}
          render={({ sampleId, status, reason }) => (
            <button
              type="button"
              className={styles.entry}
              aria-current={sampleId === openId}
              onClick={() => void openImage({ kind: 'sample', datasetId, sampleId })}
            >
              <span>
                {nameOf(sampleId)} <span className="muted">{statusWords(status)}</span>
              </span>
              <span className="muted">{reason}</span>
            </button>
          )}
        />
      </details>
    </>
  );
}
