import type { ReactNode } from 'react';
import { fileStem } from '../../../config/file-stem.ts';
import type { RunInfo } from '../../../worker/protocol.ts';
import { SelectField } from '../../components/SelectField.tsx';
import { useAnswer } from '../../components/use-answer.ts';
import { callEngine } from '../../stores/engine-link.ts';
import { useKept } from '../../stores/kept.ts';
import { writeModelFile } from '../../stores/output.ts';
import { useSession } from '../../stores/session.ts';
import { WriteButton } from './WriteButton.tsx';

/** Writes a run as other programs read it, or says why it cannot. */
export function ModelExport({ run }: { readonly run: RunInfo }): ReactNode {
  const openHash = useSession((state) => state.model?.hash ?? null);
  const [formId, setFormId] = useKept('export.form', '');
  const [chosenDataset, setDataset] = useKept('export.as', '');
  const key = `${run.id} ${run.bestStep} ${openHash}`;
  const answer = useAnswer(() => callEngine('output.exportChoices', { runId: run.id }), key);
  if (!answer) return null;
  if (!answer.ok)
    return (
      <p className="muted small">
        {answer.error.what} {answer.error.cure}
      </p>
    );
  const { forms, datasets } = answer.value;
  const form =
    forms.find(({ id }) => id === formId) ?? forms.find(({ refusal }) => refusal === null) ?? forms[0];
  if (!form) return null;
  const dataset = datasets.find((name) => name === chosenDataset) ?? datasets[0] ?? null;
  const isForOne = datasets.length > 1 && form.id !== 'adapter';
  const plain = fileStem(run.name, 'adapter');
  return (
    <>
      <div className="row">
        <SelectField
          label="Form"
          value={form.id}
          options={forms.map(({ id, label, refusal }) => ({
            value: id,
            label: refusal ? `${label} (not possible)` : label,
          }))}
          onChange={setFormId}
        />
        {isForOne && dataset !== null && (
          <SelectField
            label="For the dataset"
            value={dataset}
            options={datasets.map((name) => ({ value: name, label: name }))}
            onChange={setDataset}
          />
        )}
      </div>
      <p className="muted small">{form.help}</p>
      {form.refusal && (
        <p role="status">
          {form.refusal.what} {form.refusal.cure}
        </p>
      )}
      <WriteButton
        what="model"
        label="Export the model …"
        disabled={form.refusal !== null}
        onWrite={() =>
          void writeModelFile({ runId: run.id, form: form.id, dataset }, `${plain} ${form.id}.zip`)
        }
      />
    </>
  );
}
