import { type ReactNode, useId, useState } from 'react';
import type { ModelInfo } from '../../../worker/protocol.ts';
import { SelectField } from '../../components/SelectField.tsx';
import { changeModel, useSession } from '../../stores/session.ts';
import styles from './PreprocessingFields.module.css';
import { formOf, type PreprocessingForm, preprocessingOf } from './preprocessing-form.ts';

/** How images become the model's input, to be changed where it was taken wrongly. */
export function PreprocessingFields({ model }: { readonly model: ModelInfo }): ReactNode {
  const isLoading = useSession((state) => state.modelProgress !== null);
  const [form, setForm] = useState(() => formOf(model.preprocessing));
  const change = (changes: Partial<PreprocessingForm>): void => setForm({ ...form, ...changes });
  const read = preprocessingOf(form);
  const isChanged = JSON.stringify(form) !== JSON.stringify(formOf(model.preprocessing));
  return (
    <form
      className="stack"
      aria-label="Preprocessing"
      onSubmit={(event) => {
        event.preventDefault();
        if (read.ok) void changeModel(read.value);
      }}
    >
      <div className="row">
        <SelectField
          label="Image"
          value={form.aspect}
          options={[
            { value: 'keep', label: 'aspect kept, padded' },
            { value: 'stretch', label: 'stretched to a square' },
          ]}
          onChange={(aspect) => change({ aspect: aspect === 'stretch' ? 'stretch' : 'keep' })}
        />
        <SelectField
          label="Normalised by"
          value={form.kind}
          options={[
            { value: 'mean-std', label: 'mean and deviation' },
            { value: 'min-max', label: 'its minimum and maximum' },
          ]}
          onChange={(kind) => change({ kind: kind === 'min-max' ? 'min-max' : 'mean-std' })}
        />
        {form.kind === 'mean-std' && (
          <SelectField
            label="Of values"
            value={form.range}
            options={[
              { value: '255', label: 'from 0 to 255' },
              { value: '1', label: 'from 0 to 1' },
            ]}
            onChange={(range) => change({ range: range === '1' ? '1' : '255' })}
          />
        )}
      </div>
      {form.kind === 'mean-std' && (
        <div className="row">
          <NumbersField label="Mean" value={form.mean} onChange={(mean) => change({ mean })} />
          <NumbersField label="Deviation" value={form.std} onChange={(std) => change({ std })} />
        </div>
      )}
      {!read.ok && <p role="alert">{read.what}</p>}
      {isChanged && (
        <div className="row">
          <button type="submit" className="primary" disabled={!read.ok || isLoading}>
            Use these settings
          </button>
          <button type="button" onClick={() => setForm(formOf(model.preprocessing))}>
            Undo
          </button>
        </div>
      )}
    </form>
  );
}

function NumbersField(props: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}): ReactNode {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id} className="muted small">
        {props.label}
      </label>
      <input
        id={id}
        type="text"
        value={props.value}
        onChange={(event) => props.onChange(event.target.value)}
      />
    </div>
  );
}
