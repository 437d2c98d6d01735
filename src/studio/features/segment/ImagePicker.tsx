import { type ReactNode, useEffect, useState } from 'react';
import { FileButton } from '../../components/FileButton.tsx';
import { loadSamples, useDatasets } from '../../stores/datasets.ts';
import { openImage, useSegment } from '../../stores/segment.ts';
import styles from './ImagePicker.module.css';

/** A picture of a dataset, or any file. */
export function ImagePicker(): ReactNode {
  const datasets = useDatasets((state) => state.datasets);
  const source = useSegment((state) => state.source);
  const image = useSegment((state) => state.image);
  const opening = useSegment((state) => state.opening);
  const [chosenId, setChosenId] = useState<string | null>(null);
  const openedId = source?.kind === 'sample' ? source.datasetId : null;
  const datasetId =
    [chosenId, openedId, datasets[0]?.id].find((id) => datasets.some((dataset) => dataset.id === id)) ?? null;
  const samples = useDatasets((state) => (datasetId === null ? undefined : state.samples[datasetId]));
  useEffect(() => {
    if (datasetId !== null) void loadSamples(datasetId);
  }, [datasetId]);
  const openedSample = source?.kind === 'sample' && source.datasetId === datasetId ? source.sampleId : '';
  return (
    <section className={`panel ${styles.picker}`} aria-label="Picture">
      <h3>Picture</h3>
      {datasetId !== null && (
        <>
          <label className={styles.field}>
            <span className="muted small">Dataset</span>
            <select value={datasetId} onChange={(event) => setChosenId(event.target.value)}>
              {datasets.map((dataset) => (
                <option key={dataset.id} value={dataset.id}>
                  {dataset.name}
                </option>
              ))}
            </select>
          </label>
          <label className={styles.field}>
            <span className="muted small">Image</span>
            <select
              value={openedSample}
              disabled={opening || !samples}
              onChange={(event) => {
                if (event.target.value !== '')
                  void openImage({ kind: 'sample', datasetId, sampleId: event.target.value });
              }}
            >
              <option value="">Choose an image …</option>
              {(samples ?? []).map((sample) => (
                <option key={sample.id} value={sample.id}>
                  {sample.name}
                  {sample.split ? ` (${sample.split})` : ''}
                </option>
              ))}
            </select>
          </label>
        </>
      )}
      <FileButton
        label="Open a file …"
        accept="image/*,.tif,.tiff"
        multiple={false}
        disabled={opening}
        onFiles={(files) => {
          const file = files[0]?.file;
          if (file) void openImage({ kind: 'file', file });
        }}
      />
      {image && (
        <p className="muted small">
          {image.name} · {image.width} × {image.height}
        </p>
      )}
    </section>
  );
}
