import { type ReactNode, useId } from 'react';
import styles from './SegmentedControl.module.css';

/** A few options side by side, of which one is chosen: radio buttons that look like one control. */
export function SegmentedControl<T extends string>(props: {
  readonly legend: string;
  readonly hideLegend?: boolean;
  readonly options: readonly {
    readonly value: T;
    readonly label: string;
    /** Below the label. */
    readonly note?: string | undefined;
    readonly disabled?: boolean;
  }[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}): ReactNode {
  const name = useId();
  return (
    <fieldset>
      <legend className={props.hideLegend ? 'visually-hidden' : undefined}>{props.legend}</legend>
      <div className={styles.options}>
        {props.options.map((option) => (
          <label key={option.value} className={styles.option}>
            <input
              type="radio"
              className="visually-hidden"
              name={name}
              value={option.value}
              checked={option.value === props.value}
              disabled={option.disabled ?? false}
              onChange={() => props.onChange(option.value)}
            />
            {option.label}
            {option.note && <span className={styles.note}>{option.note}</span>}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
