import type { ReactNode } from 'react';
import type { RunInfo } from '../../../worker/protocol.ts';
import { FileButton } from '../../components/FileButton.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import { importAdapter } from '../../drop/import-files.ts';
import { callEngine } from '../../stores/engine-link.ts';
import { saveFile } from '../../stores/files.ts';
import { useKept } from '../../stores/kept.ts';
import { notifyFailure } from '../../stores/notices.ts';
import { caution, hasWeights, STATUS_LABELS } from '../../stores/run-status.ts';
import { useRuns } from '../../stores/runs.ts';
import styles from './ExportPage.module.css';
import { KeptMaskList } from './KeptMaskList.tsx';
import { LabelExport } from './LabelExport.tsx';
import { ModelExport } from './ModelExport.tsx';
import { ProjectExport } from './ProjectExport.tsx';
import { pythonLines } from './python-lines.ts';

/** Downloads adapters, reports, labels, masks and whole projects; imports adapters. */
export function ExportPage(): ReactNode {
  const runs = useRuns((state) => state.runs);
  const shownId = useRuns((state) => state.shownId);
  const [chosenId, setChosenId] = useKept('export.run', '');
  const exportable = runs.filter(hasWeights);
  const run = exportable.find((entry) => entry.id === (chosenId || shownId)) ?? exportable[0] ?? null;
  return (
    <div className={styles.page}>
      <section className="panel stack" aria-label="Adapter">
        <h2>Export an adapter</h2>
        {run === null ? (
          <p className="muted">
            There is no trained run yet. <a href="#/train">Train one</a>, or import an adapter.
          </p>
        ) : (
          <>
            <SelectField
              label="Run"
              value={run.id}
              options={exportable.map((entry) => ({
                value: entry.id,
                label: `${entry.name} (${STATUS_LABELS[entry.status]})`,
              }))}
              onChange={setChosenId}
            />
            <RunDownloads run={run} />
          </>
        )}
      </section>
      <div className="stack">
        <LabelExport />
        <ProjectExport />
        <KeptMaskList />
        <section className="panel stack" aria-label="Import">
          <h2>Import an adapter</h2>
          <p>
            Choose <code>adapter.safetensors</code>, or drop it anywhere on the page; one from an older
            version needs its <code>adapter.json</code> too. With the same base model it gives the same masks
            as where it was trained. LoRA of PEFT (<code>adapter_model.safetensors</code> with{' '}
            <code>adapter_config.json</code>) and of Sam_LoRA can be imported too.
          </p>
          <div className="row">
            <FileButton
              label="Import an adapter …"
              accept=".safetensors,.json,.zip,.bin,.pth,.pt"
              onFiles={(files) => void importAdapter(files)}
            />
          </div>
        </section>
      </div>
    </div>
  );
}

async function downloadAdapter(runId: string): Promise<void> {
  const result = await callEngine('output.adapter', { runId });
  if (!result.ok) {
    notifyFailure(result.error);
    return;
  }
  for (const file of result.value) saveFile(file);
}

async function downloadHistory(runId: string): Promise<void> {
  const result = await callEngine('output.historyCsv', { runId });
  if (result.ok) saveFile(result.value);
  else notifyFailure(result.error);
}

async function downloadReport(runId: string): Promise<void> {
  const result = await callEngine('output.report', { runId });
  if (result.ok) saveFile(result.value);
  else notifyFailure(result.error);
}

function RunDownloads({ run }: { readonly run: RunInfo }): ReactNode {
  return (
    <>
      <p className="muted small">
        Base model: {run.modelName} ({run.modelHash.slice(0, 12)})
        {run.bestStep !== null && ` · best checkpoint: step ${run.bestStep}`}
      </p>
      {run.bestStep === 0 ? (
        <p>This run kept the base model: its adapter has no module and changes nothing.</p>
      ) : (
        caution(run) && <p>By its test images this adapter is {caution(run)}.</p>
      )}
      <div className="row">
        <button type="button" className="primary" onClick={() => void downloadAdapter(run.id)}>
          Download the adapter
        </button>
        <button
          type="button"
          disabled={run.status === 'imported'}
          onClick={() => void downloadReport(run.id)}
        >
          Download the report (HTML)
        </button>
        <button
          type="button"
          disabled={run.status === 'imported'}
          onClick={() => void downloadHistory(run.id)}
        >
          Download losses and gates (CSV)
        </button>
      </div>
      <h3>For other programs</h3>
      <ModelExport key={run.id} run={run} />
      <h3>Load it in Python</h3>
      <p className="muted small">
        With the project’s package mopeft (<code>pip install ./python</code> in its repository). The second
        name is the folder or file of the base model.
      </p>
      <pre>
        <code>{pythonLines(run.modelName)}</code>
      </pre>
    </>
  );
}
