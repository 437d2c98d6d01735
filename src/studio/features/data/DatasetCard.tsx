import type { ReactNode } from 'react';
import { plural } from '../../../config/words.ts';
import type { DatasetInfo, DatasetMaskKind, SplitOrder } from '../../../worker/protocol.ts';
import { ConfirmDelete } from '../../components/ConfirmDelete.tsx';
import { EditableName } from '../../components/EditableName.tsx';
import { FactList } from '../../components/FactList.tsx';
import { bytes } from '../../format/format.ts';
import { leftOutOrToCheck } from '../../format/left-out.ts';
import { deleteDataset, renameDataset, setScale, setSplitOrder } from '../../stores/datasets.ts';
import { labelDataset } from '../../stores/label-queue.ts';
import { useRuns } from '../../stores/runs.ts';
import { useSession } from '../../stores/session.ts';
import { consequenceOfDeleting } from './consequence.ts';
import styles from './DatasetCard.module.css';
import { RefusalList } from './RefusalList.tsx';
import { ScaleField } from './ScaleField.tsx';
import { Thumbnail } from './Thumbnail.tsx';

const MASK_KINDS: Readonly<Record<DatasetMaskKind, string>> = {
  binary: 'binary: nonzero is foreground',
  threshold: 'smoothed, read with a threshold',
  labels: 'labels, one value per class',
  instances: 'instances, one value per object',
  mixed: 'of different kinds',
  none: 'none yet: label some images, and it can be trained on',
};

/** One dataset: thumbnails, counts, how its masks were read, its split. */
export function DatasetCard(props: {
  readonly dataset: DatasetInfo;
  readonly onView: () => void;
}): ReactNode {
  const { dataset } = props;
  const runs = useRuns((state) => state.runs);
  return (
    <article className={`panel ${styles.card}`} aria-label={dataset.name}>
      <EditableName level={3} name={dataset.name} onRename={(name) => void renameDataset(dataset.id, name)} />
      <div className={styles.thumbnails}>
        {dataset.shown.map((sample) => (
          <Thumbnail
            key={sample.id}
            datasetId={dataset.id}
            sampleId={sample.id}
            label={`${sample.name}, ${plural(sample.objectCount, 'object')}`}
            kind="card"
          />
        ))}
      </div>
      <FactList className={styles.facts} rows={factsOf(dataset)} />
      {dataset.maskedCount === 0 && (
        <p className={styles.none}>
          No image of this dataset is labelled yet. Click on objects or paint them; images that you mark as
          done can be trained on.
        </p>
      )}
      {dataset.evidence.length > 0 && (
        <details className="small">
          <summary>How its masks were read</summary>
          <ul className={styles.evidence}>
            {dataset.evidence.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </details>
      )}
      {dataset.maskedCount > 0 && (
        <ScaleField scale={dataset.scale} onChange={(scale) => void setScale(dataset.id, scale)} />
      )}
      <SplitBar dataset={dataset} />
      {dataset.refusals.length > 0 && (
        <details className="small">
          <summary>{leftOutOrToCheck(dataset.refusals)}</summary>
          <RefusalList refusals={dataset.refusals} name={`${dataset.name} files to check.csv`} />
        </details>
      )}
      <div className="row">
        <LabelButton dataset={dataset} />
        <button type="button" onClick={props.onView}>
          View
        </button>
        <ConfirmDelete
          name={dataset.name}
          consequence={consequenceOfDeleting(dataset, runs)}
          onDelete={() => void deleteDataset(dataset.id)}
        />
      </div>
    </article>
  );
}

/** Leads to the editor, on the image that should be labelled next. */
function LabelButton({ dataset }: { readonly dataset: DatasetInfo }): ReactNode {
  const possible = useSession((state) => state.gpu?.state === 'ready');
  const { unlabelled, inWork } = dataset.labelling;
  return (
    <button
      type="button"
      className={dataset.maskedCount === 0 ? 'primary' : undefined}
      disabled={!possible}
      onClick={() => void labelDataset(dataset.id)}
    >
      {unlabelled + inWork > 0 ? 'Label these images' : 'Correct the labels'}
    </button>
  );
}

function factsOf(dataset: DatasetInfo): readonly (readonly [string, string])[] {
  const classes = dataset.classes.map((entry) => `${entry.name} (${entry.objectCount})`).join(', ');
  return [
    ['Images', `${dataset.imageCount} (${dataset.maskedCount} with a mask)`],
    ...(dataset.labelling.inWork > 0
      ? [['In work', `${plural(dataset.labelling.inWork, 'image')} to finish`] as const]
      : []),
    ['Objects', dataset.objectCount.toLocaleString('en')],
    ['Masks', MASK_KINDS[dataset.maskKind]],
    ...(dataset.classes.length > 1 ? [['Classes', classes] as const] : []),
    ['Storage', bytes(dataset.bytes)],
  ];
}

const ORDERS: readonly { readonly value: SplitOrder; readonly label: string }[] = [
  { value: 'shuffled', label: 'Shuffled' },
  { value: 'name', label: 'In blocks by name, for slices of one volume' },
];

function SplitBar({ dataset }: { readonly dataset: DatasetInfo }): ReactNode {
  const { train, validation, test } = dataset.split;
  if (train + validation + test === 0) return null;
  return (
    <div className={styles.split}>
      <div className={styles.bar} aria-hidden="true">
        <span style={{ flexGrow: train }} className={styles.train} />
        <span style={{ flexGrow: validation }} className={styles.validation} />
        <span style={{ flexGrow: test }} className={styles.test} />
      </div>
      <div className={styles.splitLine}>
        <span>
          {train} train · {validation} validation · {test} test
        </span>
        <select
          aria-label={`Split order of ${dataset.name}`}
          value={dataset.splitOrder}
          onChange={(event) => {
            const order = ORDERS.find((candidate) => candidate.value === event.target.value);
            if (order) void setSplitOrder(dataset.id, order.value);
          }}
        >
          {ORDERS.map((order) => (
            <option key={order.value} value={order.value}>
              {order.label}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}
