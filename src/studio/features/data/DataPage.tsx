import { type ReactNode, useState } from 'react';
import type { FailureRecord } from '../../../worker/protocol.ts';
import { BrokenList } from '../../components/BrokenList.tsx';
import { FileButton } from '../../components/FileButton.tsx';
import { importFiles } from '../../drop/import-files.ts';
import { leftOutOrToCheck } from '../../format/left-out.ts';
import { addDemo, deleteDataset, useDatasets } from '../../stores/datasets.ts';
import { useDropPreview } from '../../stores/drop-preview.ts';
import { useProject } from '../../stores/project.ts';
import styles from './DataPage.module.css';
import { DatasetCard } from './DatasetCard.tsx';
import { DatasetViewer } from './DatasetViewer.tsx';
import { Importing } from './Importing.tsx';
import { ImportPreview } from './ImportPreview.tsx';
import { ProjectPanel } from './ProjectPanel.tsx';
import { RefusalList } from './RefusalList.tsx';

/** Imports files and lists the datasets, the files that were left out, and datasets that cannot be opened. */
export function DataPage(): ReactNode {
  const datasets = useDatasets((state) => state.datasets);
  const broken = useDatasets((state) => state.broken);
  const loaded = useDatasets((state) => state.loaded);
  const busy = useDatasets((state) => state.importing !== null);
  const refusals = useDatasets((state) => state.refusals);
  const [viewedId, setViewedId] = useState<string | null>(null);
  const viewed = datasets.find((dataset) => dataset.id === viewedId);
  const hasPreview = useDropPreview((state) => state.preview !== null);
  const hasProject = useProject((state) => state.preview !== null);
  const isDeciding = hasPreview || hasProject;
  return (
    <>
      <section className={styles.add} aria-label="Add data">
        <div className={styles.addText}>
          <h2>Your images and masks</h2>
          <p className="muted">
            Drop files, folders or zips anywhere on the page. Images and masks are paired by their names and
            folders, such as <code>images/</code> and <code>masks/</code>; COCO, LabelMe, YOLO and other
            annotations are read too. You see how everything was understood before it is stored. Your files
            never leave this device. You can also drop a SAM model, an adapter or a project.
          </p>
        </div>
        <div className="row">
          <FileButton label="Add files …" primary onFiles={(files) => void importFiles(files)} />
          <FileButton label="Add a folder …" folder onFiles={(files) => void importFiles(files)} />
          <button type="button" disabled={busy} onClick={() => void addDemo('domains')}>
            Try the demo
          </button>
        </div>
      </section>
      <Importing />
      <ProjectPanel />
      <ImportPreview />
      {refusals.length > 0 && <LastRefusals refusals={refusals} />}
      <BrokenList kind="dataset" broken={broken} onDelete={(id) => void deleteDataset(id)} />
      {loaded && datasets.length === 0 && !busy && !isDeciding && <NoData />}
      <div className={styles.cards}>
        {datasets.map((dataset) => (
          <DatasetCard key={dataset.id} dataset={dataset} onView={() => setViewedId(dataset.id)} />
        ))}
      </div>
      {viewed && <DatasetViewer dataset={viewed} onClose={() => setViewedId(null)} />}
    </>
  );
}

function LastRefusals({ refusals }: { readonly refusals: readonly FailureRecord[] }): ReactNode {
  return (
    <section className="panel stack attention" aria-label="Files to check">
      <h3>Last import: {leftOutOrToCheck(refusals)}</h3>
      <RefusalList refusals={refusals} />
    </section>
  );
}

function NoData(): ReactNode {
  return (
    <section className={styles.empty}>
      <div className={styles.invitation}>
        <svg className={styles.tray} viewBox="0 0 48 48" aria-hidden="true">
          <path d="M24 6v22m-9-9 9 9 9-9M7 30v9h34v-9" />
        </svg>
        <h2>No data yet: drop your images here</h2>
        <p>
          New here? <a href="#/first">The first minute</a> shows on a drawn image what the studio is for.
        </p>
      </div>
      <ol className={styles.steps}>
        <li>
          <strong>1. Add images</strong>
          <span>20 to 500 of your own, with or without masks; or try the demo.</span>
        </li>
        <li>
          <strong>2. Label a few</strong>
          <span>Where there are no masks: six to twelve images by click and brush, in Segment.</span>
        </li>
        <li>
          <strong>3. Train</strong>
          <span>See what it takes, start, and read what was gained on images that took no part.</span>
        </li>
        <li>
          <strong>4. Find the rest</strong>
          <span>The tuned model finds the objects of all images; labels and model go out as files.</span>
        </li>
      </ol>
    </section>
  );
}
