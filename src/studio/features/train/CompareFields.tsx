import type { ReactNode } from 'react';
import type { Varied } from '../../stores/comparison.ts';
import styles from './CostPanel.module.css';

/** What the runs of a comparison differ in; an empty id for one run alone. */
export interface Compared {
  readonly id: string;
  readonly written: string;
}

/** Chooses in what several runs differ, and the values that are tried. */
export function CompareFields(props: {
  readonly choices: readonly Varied[];
  readonly compared: Compared;
  readonly problem: string | null;
  readonly onChange: (compared: Compared) => void;
}): ReactNode {
  const { choices, compared, problem, onChange } = props;
  const chosen = choices.find(({ id }) => id === compared.id);
  return (
    <>
      <label className={styles.name}>
        Compare
        <select
          value={chosen?.id ?? ''}
          onChange={({ target }) =>
            onChange({
              id: target.value,
              written: choices.find(({ id }) => id === target.value)?.suggested ?? '',
            })
          }
        >
          <option value="">nothing: one run</option>
          {choices.map(({ id, label }) => (
            <option key={id} value={id}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {chosen && chosen.suggested !== null && (
        <label className={styles.name}>
          Values, separated by commas
          <input
            value={compared.written}
            aria-invalid={problem !== null}
            onChange={({ target }) => onChange({ id: chosen.id, written: target.value })}
          />
        </label>
      )}
      {problem !== null && (
        <p className="small" role="alert">
          <strong>{problem}</strong>
        </p>
      )}
    </>
  );
}
