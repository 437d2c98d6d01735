import type { ReactNode } from 'react';
import { duration } from '../../../config/words.ts';
import type { DatasetChoice } from '../../../worker/protocol.ts';
import { SegmentedControl } from '../../components/SegmentedControl.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import { caution, isUsable, STATUS_LABELS } from '../../stores/run-status.ts';
import { useRuns } from '../../stores/runs.ts';
import {
  chooseDataset,
  chooseRun,
  chooseSide,
  selectDatasetNames,
  selectEmbedding,
  useSegment,
} from '../../stores/segment.ts';
import { scaleText } from '../data/ScaleField.tsx';
import styles from './ImagePicker.module.css';

/** Chooses a run and switches between the base and the tuned model. */
export function VariantPicker(): ReactNode {
  const runs = useRuns((state) => state.runs);
  const usable = runs.filter(isUsable);
  const runId = useSegment((state) => state.runId);
  const side = useSegment((state) => state.side);
  const scale = runs.find(({ id }) => id === runId)?.scale;
  const embedding = useSegment(selectEmbedding);
  const names = useSegment(selectDatasetNames);
  return (
    <section className={`panel ${styles.picker}`} aria-label="Model">
      <h2>Model</h2>
      {usable.length === 0 ? (
        <p className="muted">
          No run fits this model yet. <a href="#/train">Train one</a>, or drop an adapter on the page.
        </p>
      ) : (
        <SelectField
          label="Run"
          value={runId ?? ''}
          options={[
            { value: '', label: 'None, only the base model' },
            ...usable.map((run) => ({
              value: run.id,
              label: `${run.name} (${caution(run) ?? STATUS_LABELS[run.status]})`,
            })),
          ]}
          onChange={(value) => void chooseRun(value === '' ? null : value)}
        />
      )}
      <SegmentedControl
        legend="Model shown"
        hideLegend
        options={[
          { value: 'base', label: 'Base' },
          { value: 'tuned', label: 'Tuned', disabled: runId === null },
        ]}
        value={side}
        onChange={(value) => void chooseSide(value)}
      />
      {names && <DatasetPicker names={names} asked={embedding?.asked ?? null} />}
      {typeof scale === 'number' && (
        <p className="muted small">
          Trained on {scaleText(scale)}: zoom in until about as much of the image is visible.
        </p>
      )}
      {embedding && (
        <p className="muted small">Image encoded in {duration(embedding.milliseconds / 1000)}.</p>
      )}
    </section>
  );
}

/**
 * Which of the datasets that the run tells apart is meant.
 * @param asked the one that the image is encoded for; null while it is being encoded.
 */
function DatasetPicker(props: {
  readonly names: readonly string[];
  readonly asked: DatasetChoice | null;
}): ReactNode {
  const { names, asked } = props;
  const chosen = useSegment((state) => state.dataset);
  return (
    <>
      <SelectField
        label="Segment as in"
        value={String(chosen ?? asked?.index ?? '')}
        options={names.map((name, index) => ({ value: String(index), label: name }))}
        onChange={(value) => void chooseDataset(Number(value))}
      />
      <p className="muted small">{asked ? reason(asked.by) : 'Encoding the image …'}</p>
    </>
  );
}

function reason(by: DatasetChoice['by']): string {
  switch (by) {
    case 'name':
      return 'The same click means what this dataset calls an object.';
    case 'features':
      return 'Its images are most like this one. Choose another if you mean that.';
    case 'default':
      return 'The first dataset of the training. Choose another if you mean that.';
  }
}
