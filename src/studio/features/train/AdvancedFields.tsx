import { type ReactNode, useId } from 'react';
import type { Capabilities, FieldInfo, FieldValue, TrainSettings } from '../../../worker/protocol.ts';
import {
  changeField,
  fieldProblem,
  forgetScale,
  gateFieldsOf,
  nameFor,
  useSetup,
} from '../../stores/setup.ts';
import { scaleText } from '../data/ScaleField.tsx';
import styles from './AdvancedFields.module.css';
import { MethodPicker } from './MethodPicker.tsx';

/** The method, its gates, and all fields of training and of the chosen methods. */
export function AdvancedFields(props: {
  readonly capabilities: Capabilities;
  readonly settings: TrainSettings;
}): ReactNode {
  const { capabilities, settings } = props;
  const groups = [
    { id: 'gate', label: 'Gate settings', fields: gateFieldsOf(capabilities, settings) },
    { id: 'train', label: 'Training', fields: trainFields(capabilities, settings) },
    ...capabilities.methods.filter((method) => settings.methods.includes(method.id)),
  ];
  const changed = useSetup((state) => Object.keys(state.changed).length);
  const method = nameFor(settings.methods, capabilities);
  return (
    <details>
      <summary>
        Advanced settings
        <span className="muted small">
          {' '}
          · {method}
          {changed > 0 && ` · ${changed} changed`}
        </span>
      </summary>
      <div className={styles.method}>
        <MethodPicker capabilities={capabilities} settings={settings} />
      </div>
      {settings.scale !== undefined && (
        <p className="small">
          The model sees {scaleText(settings.scale)}, as in the run that was copied.{' '}
          <button type="button" className="quiet" onClick={forgetScale}>
            Use each dataset's own scale
          </button>
        </p>
      )}
      {groups.map(
        (group) =>
          group.fields.length > 0 && (
            <fieldset key={group.id} className={styles.group}>
              <legend>{group.label}</legend>
              <div className={styles.fields}>
                {group.fields.map((field) => (
                  <Field key={field.id} field={field} value={settings.values[field.id]} />
                ))}
              </div>
            </fieldset>
          ),
      )}
    </details>
  );
}

function Field(props: { readonly field: FieldInfo; readonly value: FieldValue | undefined }): ReactNode {
  const { field, value } = props;
  const id = useId();
  const problem = fieldProblem(field, value);
  return (
    <div className={styles.field}>
      <label htmlFor={id}>
        {field.label}
        {unitOf(field)}
      </label>
      <Control id={id} field={field} value={value} invalid={problem !== null} />
      <p id={`${id}-help`} className="muted small">
        {problem === null ? field.help : <strong role="alert">{problem}</strong>}
      </p>
    </div>
  );
}

/** The unit in brackets, unless the label contains it. */
function unitOf(field: FieldInfo): ReactNode {
  if (!('unit' in field) || field.unit === '') return null;
  if (field.label.toLowerCase().includes(field.unit)) return null;
  return <span className="muted"> ({field.unit})</span>;
}

function Control(props: {
  readonly id: string;
  readonly field: FieldInfo;
  readonly value: FieldValue | undefined;
  readonly invalid: boolean;
}): ReactNode {
  const { id, field, value, invalid } = props;
  const described = `${id}-help`;
  switch (field.kind) {
    case 'integer':
    case 'number':
      return (
        <input
          id={id}
          type="number"
          min={field.min}
          max={field.max}
          step={field.kind === 'integer' ? 1 : 'any'}
          value={typeof value === 'number' && Number.isFinite(value) ? value : ''}
          aria-invalid={invalid}
          aria-describedby={described}
          onChange={(event) => changeField(field.id, event.target.valueAsNumber)}
        />
      );
    case 'choice':
      return (
        <select
          id={id}
          value={String(value)}
          aria-describedby={described}
          onChange={(event) => changeField(field.id, event.target.value)}
        >
          {field.options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      );
    case 'switch':
      return (
        <input
          id={id}
          type="checkbox"
          role="switch"
          checked={value === true}
          aria-checked={value === true}
          aria-describedby={described}
          onChange={(event) => changeField(field.id, event.target.checked)}
        />
      );
  }
}

/** What tells datasets apart is offered where there are several, or it is on. */
function trainFields({ trainFields: all }: Capabilities, { datasetIds, values }: TrainSettings) {
  return all.filter(({ id }) => id !== TOKEN_ID || datasetIds.length > 1 || values[id] === true);
}

const TOKEN_ID = 'train.token';
