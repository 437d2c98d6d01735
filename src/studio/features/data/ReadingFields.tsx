import { type ReactNode, useId } from 'react';
import type { DatasetPreview, DatasetSettings, ReadingInfo } from '../../../worker/protocol.ts';
import { SegmentedControl } from '../../components/SegmentedControl.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import { AS_FOUND, changeSettings, useDropPreview } from '../../stores/drop-preview.ts';
import styles from './ImportPreview.module.css';

const NONE = 'none';

/** Changes how the masks of one dataset of a drop are read; the preview follows. */
export function ReadingFields({ dataset }: { readonly dataset: DatasetPreview }): ReactNode {
  const { index, name, reading, runs } = dataset;
  const settings = useDropPreview((state) => state.settings[index]) ?? AS_FOUND;
  const change = (changes: DatasetSettings): void => void changeSettings(index, { ...settings, ...changes });
  const { scale, channels, ...ofMasks } = settings;
  const isChanged = Object.keys(ofMasks).length > 0;
  const others: DatasetSettings = {
    ...(scale !== undefined && { scale }),
    ...(channels && { channels }),
  };
  // What was chosen shows at once; the reading follows when the engine has answered.
  const background = String(settings.background ?? reading?.background ?? NONE);
  const ignored = settings.ignore?.map(String) ?? reading?.ignored ?? [];
  const isByValue = settings.instances ?? reading?.meaning === 'objects';
  return (
    <details className="small">
      <summary>Change how masks are read</summary>
      <fieldset className={styles.fields}>
        <legend className="visually-hidden">How the masks of {name} are read</legend>
        {reading && (
          <>
            <SelectField
              label="Background value"
              value={background}
              options={backgroundOptions(reading, background)}
              onChange={(value) => change({ background: value })}
            />
            <IgnoredValues
              samples={reading.samples}
              choices={reading.values.filter(({ value }) => value !== background)}
              ignored={ignored}
              onChange={(ignore) => change({ ignore })}
            />
          </>
        )}
        <ThresholdField
          // A field keeps what is typed; another reading starts it anew.
          key={reading?.threshold ?? ''}
          threshold={reading?.threshold ?? null}
          onChange={(threshold) => change({ threshold })}
        />
        {runs && (
          <SegmentedControl
            legend="Runs go"
            options={RUNS}
            value={settings.runs ?? runs}
            onChange={(order) => change({ runs: order })}
          />
        )}
        {reading && (
          <SegmentedControl
            legend="One object is"
            options={OBJECTS}
            value={isByValue ? 'value' : 'patch'}
            onChange={(object) => change({ instances: object === 'value' })}
          />
        )}
        <p className={`muted ${styles.help}`}>
          The background is no object. Ignored pixels count neither as object nor as background: they are left
          out of the loss, the clicks and the IoU. With a threshold, values at or above it are foreground.
        </p>
        <button type="button" disabled={!isChanged} onClick={() => void changeSettings(index, others)}>
          Read as found
        </button>
      </fieldset>
    </details>
  );
}

const OBJECTS = [
  { value: 'patch', label: 'pixels that touch' },
  { value: 'value', label: 'each value' },
] as const;

const RUNS = [
  { value: 'columns', label: 'down the columns' },
  { value: 'rows', label: 'along the rows' },
] as const;

/** Values that can be chosen; the one in use is among them even where it does not occur. */
function backgroundOptions({ values }: ReadingInfo, background: string): { value: string; label: string }[] {
  const known = values.map(({ value, share }) => ({ value, label: `${value} (${percent(share)})` }));
  const others = [background, NONE].filter((value) => !values.some((one) => one.value === value));
  return [
    ...known,
    ...[...new Set(others)].map((value) => ({
      value,
      label: value === NONE ? 'none, every value is an object or class' : value,
    })),
  ];
}

function IgnoredValues(props: {
  readonly samples: ReadingInfo['samples'];
  readonly choices: ReadingInfo['values'];
  readonly ignored: readonly string[];
  readonly onChange: (ignored: string[]) => void;
}): ReactNode {
  const { choices, ignored, samples } = props;
  if (choices.length === 0) return null;
  return (
    <fieldset>
      <legend className="muted">Ignored values</legend>
      <div className={styles.values}>
        {choices.map(({ value, share }) => (
          <label key={value} className={styles.value}>
            <input
              type="checkbox"
              checked={ignored.includes(value)}
              onChange={(event) =>
                props.onChange(
                  event.target.checked ? [...ignored, value] : ignored.filter((other) => other !== value),
                )
              }
            />
            {samples === 'colour' && value.startsWith('#') && (
              <span className={styles.swatch} style={{ background: value }} aria-hidden="true" />
            )}
            {value} ({percent(share)})
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function ThresholdField(props: {
  readonly threshold: number | null;
  readonly onChange: (threshold: number) => void;
}): ReactNode {
  const id = useId();
  const commit = (text: string): void => {
    const threshold = Number(text);
    if (text.trim() !== '' && Number.isFinite(threshold) && threshold !== props.threshold)
      props.onChange(threshold);
  };
  return (
    <div>
      <label htmlFor={id} className="muted">
        Threshold
      </label>
      <br />
      <input
        id={id}
        type="number"
        step="any"
        placeholder="none"
        defaultValue={props.threshold ?? ''}
        onBlur={(event) => commit(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') commit(event.currentTarget.value);
        }}
      />
    </div>
  );
}

const percent = (share: number): string =>
  share > 0 && share < 0.01 ? 'under 1 %' : `${Math.round(100 * share)} %`;
