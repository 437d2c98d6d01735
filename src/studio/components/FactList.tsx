import type { ReactNode } from 'react';
import styles from './FactList.module.css';

/** Labels with values, one a row. `--label-width` and `--row-gap` of the class adjust it. */
export function FactList(props: {
  readonly rows: readonly (readonly [label: string, value: ReactNode])[];
  readonly className?: string | undefined;
}): ReactNode {
  return (
    <dl className={`${styles.list} ${props.className ?? ''}`}>
      {props.rows.map(([label, value]) => (
        <div key={label}>
          <dt className="muted">{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
