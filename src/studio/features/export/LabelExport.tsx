import type { ReactNode } from 'react';
import { fileStem } from '../../../config/file-stem.ts';
import { plural } from '../../../config/words.ts';
import type { LabelsRequest, OutFormatInfo } from '../../../worker/protocol.ts';
import { SelectField } from '../../components/SelectField.tsx';
import { useAnswer } from '../../components/use-answer.ts';
import { useDatasets } from '../../stores/datasets.ts';
import { callEngine } from '../../stores/engine-link.ts';
import { useKept } from '../../stores/kept.ts';
import { useKeptMasks } from '../../stores/kept-masks.ts';
import { useOutput, writeLabelFile } from '../../stores/output.ts';
import styles from './ExportPage.module.css';
import { WriteButton } from './WriteButton.tsx';

/** The value of the choice "masks kept in Segment" among datasets. */
const KEPT = 'kept masks';

/** Writes the labels of a dataset, or the kept masks, in a format that other tools read. */
export function LabelExport(): ReactNode {
  const datasets = useDatasets((state) => state.datasets).filter(({ maskedCount }) => maskedCount > 0);
  const kept = useKeptMasks((state) => state.kept);
  const lost = useOutput((state) => state.lost);
  const formats = useAnswer(() => callEngine('output.formats', {}), 'formats');
  const [sourceId, setSourceId] = useKept('export.labels', '');
  const [formatId, setFormatId] = useKept('export.format', '');
  const [wantsImages, setWantsImages] = useKept('export.images', true);
  const [pixelSize, setPixelSize] = useKept('export.pixel', '');
  const known = formats?.ok ? formats.value : [];
  const format = known.find(({ id }) => id === formatId) ?? known[0];
  const sources = [
    ...datasets.map(({ id, name, maskedCount }) => ({
      value: id,
      label: `${name} (${plural(maskedCount, 'image')} done)`,
    })),
    ...(kept.length > 0 ? [{ value: KEPT, label: `Kept in Segment (${plural(kept.length, 'mask')})` }] : []),
  ];
  const source = sources.find(({ value }) => value === sourceId) ?? sources[0];
  if (!source || !format) {
    return (
      <section className="panel stack" aria-label="Labels">
        <h2>Export labels</h2>
        <p className="muted">
          Images that are done on the <a href="#/data">Data</a> page, and masks that you keep on the{' '}
          <a href="#/segment">Segment</a> page, go out from here.
        </p>
      </section>
    );
  }
  const isKept = source.value === KEPT;
  const withImages = wantsImages && !isKept;
  const measures = format.id === 'csv';
  const wrongSize = measures && pixelSize.trim() !== '' && sizeOf(pixelSize) === null;
  const request = {
    source: isKept ? ({ kind: 'kept' } as const) : { kind: 'dataset' as const, datasetId: source.value },
    format: format.id,
    withImages,
    pixelSize: measures ? sizeOf(pixelSize) : null,
  };
  const dataset = datasets.find(({ id }) => id === source.value);
  return (
    <section className="panel stack" aria-label="Labels">
      <h2>Export labels</h2>
      <div className="row">
        <SelectField label="Labels of" value={source.value} options={sources} onChange={setSourceId} />
        <SelectField
          label="Format"
          value={format.id}
          options={known.map(({ id, label }) => ({ value: id, label }))}
          onChange={setFormatId}
        />
      </div>
      <p className="muted small">{format.help}</p>
      {dataset && dataset.labelling.inWork > 0 && (
        <p className="attention small">{leftOut(dataset.labelling.inWork)}</p>
      )}
      {!isKept && (
        <label className={styles.check}>
          <input
            type="checkbox"
            checked={wantsImages}
            onChange={(event) => setWantsImages(event.target.checked)}
          />
          With the images: dropped on the page, the zip is a dataset again
        </label>
      )}
      {measures && (
        <label className={styles.check}>
          Side of a pixel, if known
          <input
            type="text"
            size={10}
            placeholder="0.5 µm"
            value={pixelSize}
            aria-invalid={wrongSize}
            onChange={(event) => setPixelSize(event.target.value)}
          />
          {wrongSize && <span>Write a number and a unit, such as 0.5 µm.</span>}
        </label>
      )}
      <WriteButton
        what="labels"
        label="Export the labels …"
        disabled={wrongSize}
        onWrite={() => void writeLabelFile(request, fileName(dataset?.name ?? 'masks', format, withImages))}
      />
      {lost && (
        <div className="small">
          <p>{lost.name} could not hold everything:</p>
          <ul>
            {lost.remarks.map(({ code, where, what, cure }) => (
              <li key={`${code} ${where}`}>
                {where}: {what} {cure}
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

/** "0.5 µm" as a number and its unit; null where it is neither. */
function sizeOf(text: string): LabelsRequest['pixelSize'] {
  const [, size = '', unit = ''] = /^\s*(\d+(?:[.,]\d+)?|[.,]\d+)\s*(\p{L}{1,10})\s*$/u.exec(text) ?? [];
  const value = Number(size.replace(',', '.'));
  return value > 0 ? { size: value, unit } : null;
}

function fileName(name: string, { onlyFile, id }: OutFormatInfo, withImages: boolean): string {
  const plain = fileStem(name, 'labels');
  return onlyFile !== null && !withImages ? `${plain} ${onlyFile}` : `${plain} ${id}.zip`;
}

/** What is not exported, of images whose labelling was begun. */
export const leftOut = (inWork: number): string =>
  `${plural(inWork, 'image')} in work ${inWork === 1 ? 'is' : 'are'} left out; what is marked as done goes out.`;
