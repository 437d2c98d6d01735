import { type ReactNode, useEffect } from 'react';
import { FileButton } from '../../components/FileButton.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import { loadSamples, useDatasets } from '../../stores/datasets.ts';
import { useKept } from '../../stores/kept.ts';
import { statusWords } from '../../stores/labels.ts';
import { openImage, useOpening } from '../../stores/open-image.ts';
import { useSegment } from '../../stores/segment.ts';
import styles from './ImagePicker.module.css';

/** Opens an image of a dataset or any image file. */
export function ImagePicker(): ReactNode {
  const datasets = useDatasets((state) => state.datasets);
  const source = useSegment((state) => state.source);
  const image = useSegment((state) => state.image);
  const opening = useOpening((state) => state.opening);
  const [chosenId, setChosenId] = useKept('segment.dataset', '');
  const openedId = source?.kind === 'sample' ? source.datasetId : null;
  const datasetId =
    [chosenId, openedId, datasets[0]?.id].find((id) => datasets.some((dataset) => dataset.id === id)) ?? null;
  const samples = useDatasets((state) => (datasetId === null ? undefined : state.samples[datasetId]));
  useEffect(() => {
    if (datasetId !== null) void loadSamples(datasetId);
  }, [datasetId]);
  const openedSample = source?.kind === 'sample' && source.datasetId === datasetId ? source.sampleId : '';
  return (
    <section className={`panel ${styles.picker}`} aria-label="Open an image">
      <h2>Image</h2>
      {datasetId !== null && (
        <>
          <SelectField
            label="Dataset"
            value={datasetId}
            options={datasets.map((dataset) => ({ value: dataset.id, label: dataset.name }))}
            onChange={setChosenId}
          />
          <SelectField
            label="Image"
            value={openedSample}
            disabled={opening || !samples}
            options={[
              { value: '', label: 'Choose an image …' },
              ...(samples ?? []).map((sample) => ({
                value: sample.id,
                label: `${sample.name} (${sample.split ?? statusWords(sample.status)})`,
              })),
            ]}
            onChange={(sampleId) => {
              if (sampleId !== '') void openImage({ kind: 'sample', datasetId, sampleId });
            }}
          />
        </>
      )}
      <div className="row">
        <FileButton
          label="Open a file …"
          accept="image/*,.tif,.tiff,.ppm,.pgm,.nii,.nii.gz,.dcm,.npy"
          multiple={false}
          disabled={opening}
          onFiles={(files) => {
            const file = files[0]?.file;
            if (file) void openImage({ kind: 'file', file });
          }}
        />
        {image && (
          <span className="muted small">
            {source?.kind === 'file' && `${image.name} · `}
            {image.width} × {image.height} pixels
          </span>
        )}
      </div>
    </section>
  );
}
