import type { ReactNode } from 'react';
import styles from './CheckBox.module.css';
import { Hint } from './Hint.tsx';

/** A check box with its name beside it. */
export function CheckBox(props: {
  readonly label: string;
  /** What changes when it is checked; absent where the name says it. */
  readonly hint?: string;
  readonly className?: string | undefined;
  readonly checked: boolean;
  readonly disabled?: boolean;
  readonly onChange: (checked: boolean) => void;
}): ReactNode {
  const { label, hint, className = '', checked, disabled = false, onChange } = props;
  return (
    <Hint text={hint}>
      <label className={`${styles.check} ${className}`}>
        <input
          type="checkbox"
          checked={checked}
          disabled={disabled}
          onChange={(event) => onChange(event.target.checked)}
        />
        {label}
      </label>
    </Hint>
  );
}
