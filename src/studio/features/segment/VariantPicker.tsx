import type { ReactNode } from 'react';
import { Segmented } from '../../components/Segmented.tsx';
import { duration } from '../../format/format.ts';
import { isUsable, useRuns } from '../../stores/runs.ts';
import { chooseRun, chooseSide, selectEmbedding, useSegment } from '../../stores/segment.ts';
import styles from './ImagePicker.module.css';

/** Which run's weights, and the switch between base and tuned. */
export function VariantPicker(): ReactNode {
  const runs = useRuns((state) => state.runs);
  const usable = runs.filter(isUsable);
  const runId = useSegment((state) => state.runId);
  const side = useSegment((state) => state.side);
  const embedding = useSegment(selectEmbedding);
  return (
    <section className={`panel ${styles.picker}`} aria-label="Weights">
      <h3>Base against tuned</h3>
      {usable.length === 0 ? (
        <p className="muted">
          No trained run fits this model yet. <a href="#/train">Train one</a>, or drop an adapter on the page.
        </p>
      ) : (
        <label className={styles.field}>
          <span className="muted small">Run</span>
          <select
            value={runId ?? ''}
            onChange={(event) => void chooseRun(event.target.value === '' ? null : event.target.value)}
          >
            <option value="">None: base only</option>
            {usable.map((run) => (
              <option key={run.id} value={run.id}>
                {run.name} ({run.status})
              </option>
            ))}
          </select>
        </label>
      )}
      <Segmented
        legend="Weights shown"
        hideLegend
        options={[
          { value: 'base', label: 'Base' },
          { value: 'tuned', label: 'Tuned', disabled: runId === null },
        ]}
        value={side}
        onChange={(value) => void chooseSide(value)}
      />
      {embedding && (
        <p className="muted small">Picture encoded in {duration(embedding.milliseconds / 1000)}.</p>
      )}
    </section>
  );
}
