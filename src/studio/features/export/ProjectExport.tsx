import { type ReactNode, useState } from 'react';
import { fileStem } from '../../../config/file-stem.ts';
import { useAnswer } from '../../components/use-answer.ts';
import { bytes } from '../../format/format.ts';
import { useDatasets } from '../../stores/datasets.ts';
import { callEngine } from '../../stores/engine-link.ts';
import { useKept } from '../../stores/kept.ts';
import { writeProjectFile } from '../../stores/output.ts';
import { useRuns } from '../../stores/runs.ts';
import styles from './ExportPage.module.css';
import { WriteButton } from './WriteButton.tsx';

/** Writes datasets with their labels, and runs, as one project. */
export function ProjectExport(): ReactNode {
  const datasets = useDatasets((state) => state.datasets);
  const runs = useRuns((state) => state.runs);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [withCheckpoints, setWithCheckpoints] = useKept('export.checkpoints', false);
  // Sizes change with what is stored.
  const key = [...datasets, ...runs].map((item) => `${item.id} ${item.bytes}`).join('\n');
  const answer = useAnswer(() => callEngine('project.parts', {}), key);
  const parts = answer?.ok ? answer.value : { datasets: [], runs: [] };
  const named = (part: { readonly id: string; readonly bytes: number }, all: readonly Named[]) => ({
    ...part,
    name: all.find(({ id }) => id === part.id)?.name ?? part.id,
    isChosen: !left.has(part.id),
  });
  const sets = parts.datasets.map((part) => named(part, datasets));
  const trained = parts.runs.map((part) => ({ ...part, ...named(part, runs) }));
  const chosenRuns = trained.filter(({ isChosen }) => isChosen);
  const chosen = [...sets, ...trained].filter(({ isChosen }) => isChosen);
  const checkpoints = chosenRuns.reduce((sum, run) => sum + run.checkpointBytes, 0);
  const total = chosen.reduce((sum, item) => sum + item.bytes, withCheckpoints ? checkpoints : 0);
  const toggle = (id: string, isChosen: boolean): void => {
    const next = new Set(left);
    if (isChosen) next.delete(id);
    else next.add(id);
    setLeft(next);
  };
  return (
    <section className="panel stack" aria-label="Project">
      <h2>Export a project</h2>
      <p className="muted">
        One zip with images, labels and runs as they are here, but no model’s weights. Dropped on the page of
        any studio, it adds them beside what is there.
      </p>
      {sets.length + trained.length > 0 && (
        <>
          <fieldset className={styles.parts}>
            <legend className="visually-hidden">What goes out</legend>
            {[...sets, ...trained].map(({ id, name, bytes: size, isChosen }) => (
              <label key={id} className={styles.check}>
                <input
                  type="checkbox"
                  checked={isChosen}
                  onChange={(event) => toggle(id, event.target.checked)}
                />
                {name} <span className="muted small">{bytes(size)}</span>
              </label>
            ))}
          </fieldset>
          {checkpoints > 0 && (
            <label className={styles.check}>
              <input
                type="checkbox"
                checked={withCheckpoints}
                onChange={(event) => setWithCheckpoints(event.target.checked)}
              />
              With checkpoints, so that runs can go on ({bytes(checkpoints)} more)
            </label>
          )}
          <WriteButton
            what="project"
            label="Export the project …"
            disabled={chosen.length === 0}
            onWrite={() =>
              void writeProjectFile(
                {
                  datasetIds: sets.flatMap(({ id, isChosen }) => (isChosen ? [id] : [])),
                  runIds: chosenRuns.map(({ id }) => id),
                  withCheckpoints,
                },
                `${fileStem(chosen[0]?.name ?? '', 'project')}.mopeft.zip`,
              )
            }
          >
            <span className="muted small">about {bytes(total)} before packing</span>
          </WriteButton>
        </>
      )}
    </section>
  );
}

type Named = { readonly id: string; readonly name: string };
