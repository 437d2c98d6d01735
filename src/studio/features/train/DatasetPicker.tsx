import type { ReactNode } from 'react';
import { plural } from '../../format/format.ts';
import { useDatasets } from '../../stores/datasets.ts';
import { toggleDataset } from '../../stores/setup.ts';
import { scaleText } from '../data/ScaleField.tsx';
import styles from './Choices.module.css';

/** Chooses the datasets to train on; several are sampled evenly. */
export function DatasetPicker({ chosen }: { readonly chosen: readonly string[] }): ReactNode {
  const datasets = useDatasets((state) => state.datasets);
  const trainable = datasets.filter((dataset) => dataset.split.train > 0);
  return (
    <fieldset className="stack">
      <legend>Datasets</legend>
      {trainable.length === 0 && (
        <p>
          No dataset with masks yet. <a href="#/data">Add images with masks, or try the demo</a>.
        </p>
      )}
      <div className={styles.grid}>
        {trainable.map((dataset) => (
          <label key={dataset.id} className={styles.choice}>
            <input
              type="checkbox"
              checked={chosen.includes(dataset.id)}
              onChange={(event) => toggleDataset(dataset.id, event.target.checked)}
            />
            <span className={styles.text}>
              <span>{dataset.name}</span>
              <span className="muted small">
                {plural(dataset.split.train, 'training image')} · {plural(dataset.objectCount, 'object')} ·{' '}
                {scaleText(dataset.scale.chosen)}
              </span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
