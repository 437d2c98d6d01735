import { type ReactNode, useEffect, useState } from 'react';
import { plural } from '../../../config/words.ts';
import type { DatasetInfo, SampleInfo } from '../../../worker/protocol.ts';
import { CheckBox } from '../../components/CheckBox.tsx';
import { Dialog } from '../../components/Dialog.tsx';
import { FailureMessage } from '../../components/FailureMessage.tsx';
import { StretchContrast } from '../../components/StretchContrast.tsx';
import { useAnswer } from '../../components/use-answer.ts';
import { VirtualList } from '../../components/VirtualList.tsx';
import { loadSamples, useDatasets } from '../../stores/datasets.ts';
import { callEngine } from '../../stores/engine-link.ts';
import { labelDataset } from '../../stores/label-queue.ts';
import { statusWords } from '../../stores/labels.ts';
import { useSession } from '../../stores/session.ts';
import styles from './DatasetViewer.module.css';
import { LabelledImage } from './LabelledImage.tsx';
import { Thumbnail } from './Thumbnail.tsx';

/** A dataset's images one by one, with and without the mask. */
export function DatasetViewer(props: {
  readonly dataset: DatasetInfo;
  readonly onClose: () => void;
}): ReactNode {
  const { dataset } = props;
  const samples = useDatasets((state) => state.samples[dataset.id]);
  const [chosen, setChosen] = useState<SampleInfo | null>(null);
  const [overlay, setOverlay] = useState(true);
  useEffect(() => void loadSamples(dataset.id), [dataset.id]);
  const shown = chosen ?? samples?.[0] ?? null;
  return (
    <Dialog title={dataset.name} wide onClose={props.onClose}>
      <div className={styles.viewer}>
        <VirtualList
          label="Images"
          items={samples ?? []}
          rowHeight={54}
          render={(sample) => (
            <button
              type="button"
              className={styles.item}
              aria-pressed={sample.id === shown?.id}
              onClick={() => setChosen(sample)}
            >
              <span className={styles.thumb}>
                <Thumbnail datasetId={dataset.id} sampleId={sample.id} label="" kind="list" />
              </span>
              <span className={styles.name}>
                {sample.name}
                <span className="muted small">
                  {sample.hasMask
                    ? `${plural(sample.objectCount, 'object')} · ${sample.split ?? ''}`
                    : statusWords(sample.status)}
                </span>
              </span>
            </button>
          )}
        />
        {shown && (
          <div className={styles.shown}>
            <div className="row">
              <strong className={styles.title}>{shown.name}</strong>
              <span className="muted">
                {shown.width} × {shown.height}
              </span>
              <CheckBox label="Show mask" checked={overlay} disabled={!shown.hasMask} onChange={setOverlay} />
              <StretchContrast />
              <EditLabels datasetId={dataset.id} sample={shown} />
            </div>
            <SampleView datasetId={dataset.id} sample={shown} overlay={overlay} />
          </div>
        )}
      </div>
    </Dialog>
  );
}

function EditLabels(props: { readonly datasetId: string; readonly sample: SampleInfo }): ReactNode {
  const possible = useSession((state) => state.gpu?.state === 'ready');
  return (
    <button
      type="button"
      className="primary"
      disabled={!possible}
      onClick={() => void labelDataset(props.datasetId, props.sample.id)}
    >
      {props.sample.hasMask ? 'Correct the labels' : 'Label this image'}
    </button>
  );
}

function SampleView(props: {
  readonly datasetId: string;
  readonly sample: SampleInfo;
  readonly overlay: boolean;
}): ReactNode {
  const { datasetId } = props;
  const sampleId = props.sample.id;
  const answer = useAnswer(
    () => callEngine('data.image', { datasetId, sampleId }),
    `${datasetId} ${sampleId}`,
    ({ bitmap }) => bitmap.close(),
  );
  if (!answer) return <p className="muted">Opening …</p>;
  if (!answer.ok) return <FailureMessage failure={answer.error} />;
  return <LabelledImage image={answer.value} overlay={props.overlay} />;
}
