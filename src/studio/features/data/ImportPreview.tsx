import { type ReactNode, useState } from 'react';
import { plural } from '../../../config/words.ts';
import type { DatasetPreview, PreviewSample } from '../../../worker/protocol.ts';
import { CheckBox } from '../../components/CheckBox.tsx';
import { OverlaidImage } from '../../components/OverlaidImage.tsx';
import { StretchContrast } from '../../components/StretchContrast.tsx';
import { leftOutOrToCheck } from '../../format/left-out.ts';
import {
  AS_FOUND,
  changeSettings,
  discardPreview,
  importPreview,
  useDropPreview,
} from '../../stores/drop-preview.ts';
import { ChannelFields } from './ChannelFields.tsx';
import styles from './ImportPreview.module.css';
import { ReadingFields } from './ReadingFields.tsx';
import { RefusalList } from './RefusalList.tsx';
import { ScaleField } from './ScaleField.tsx';

/** What a drop would become, before it is stored: how masks are read and why, three images, and what to change. */
export function ImportPreview(): ReactNode {
  const preview = useDropPreview((state) => state.preview);
  const [withMasks, setWithMasks] = useState(true);
  if (!preview) return null;
  const { datasets, refusals } = preview;
  const hasMasks = datasets.some(({ maskedCount }) => maskedCount > 0);
  return (
    <section className={`panel stack ${styles.preview}`} aria-label="Before the import">
      <div className={styles.head}>
        <div>
          <h2>{hasMasks ? 'Are the masks read right?' : 'Are the images shown right?'}</h2>
          <p className="muted">
            Nothing is stored yet.{hasMasks && ' Compare the coloured objects with your images.'}
          </p>
        </div>
        <div className="row">
          <StretchContrast />
          <CheckBox label="Show objects" checked={withMasks} onChange={setWithMasks} />
        </div>
      </div>
      {datasets.map((dataset) => (
        <PreviewedDataset key={dataset.index} dataset={dataset} withMasks={withMasks} />
      ))}
      {refusals.length > 0 && (
        <details className="small" open={datasets.length === 0}>
          <summary>{leftOutOrToCheck(refusals)}</summary>
          <RefusalList refusals={refusals} />
        </details>
      )}
      <div className="row">
        <button
          type="button"
          className="primary"
          disabled={datasets.length === 0}
          onClick={() => void importPreview()}
        >
          Import {plural(datasets.length, 'dataset')}
        </button>
        <button type="button" onClick={() => void discardPreview()}>
          Discard
        </button>
      </div>
    </section>
  );
}

function PreviewedDataset(props: {
  readonly dataset: DatasetPreview;
  readonly withMasks: boolean;
}): ReactNode {
  const { dataset, withMasks } = props;
  const { index, name, imageCount, maskedCount, evidence, remarks, samples, scale, channels } = dataset;
  const settings = useDropPreview((state) => state.settings[index]) ?? AS_FOUND;
  return (
    <article className={styles.dataset} aria-label={`Preview of ${name}`}>
      <h3>
        {name}{' '}
        <span className="muted small">
          {plural(imageCount, 'image')}, {maskedCount} with a mask
        </span>
      </h3>
      <div className={styles.samples}>
        {samples.map((sample) => (
          <PreviewedSample key={sample.name} sample={sample} withMasks={withMasks} />
        ))}
      </div>
      {channels && (
        <ChannelFields
          channels={channels}
          onChange={(shown) => void changeSettings(index, { ...settings, channels: shown })}
        />
      )}
      {maskedCount > 0 && (
        <>
          {evidence.length > 0 && (
            <ul className={`small ${styles.evidence}`} aria-label={`How the masks of ${name} are read`}>
              {evidence.map((sentence) => (
                <li key={sentence}>{sentence}</li>
              ))}
            </ul>
          )}
          {remarks.length > 0 && (
            <details className={`small attention ${styles.remarks}`} open={remarks.length <= 4}>
              <summary>{plural(remarks.length, 'remark')} to check</summary>
              <RefusalList refusals={remarks} />
            </details>
          )}
          <ReadingFields dataset={dataset} />
          {scale && (
            <div className={styles.scale}>
              <ScaleField
                scale={scale}
                note={
                  settings.scale === undefined && samples.length < maskedCount
                    ? 'This is by the images shown; all objects decide when you import, unless you choose.'
                    : undefined
                }
                onChange={(chosen) => void changeSettings(index, { ...settings, scale: chosen })}
              />
            </div>
          )}
        </>
      )}
    </article>
  );
}

function PreviewedSample(props: { readonly sample: PreviewSample; readonly withMasks: boolean }): ReactNode {
  const { name, objectCount, image, objects } = props.sample;
  const count = plural(objectCount, 'object');
  return (
    <figure className={styles.sample}>
      <OverlaidImage
        image={image}
        overlay={props.withMasks ? objects : null}
        label={`${name}, ${count}`}
        className={styles.image}
      />
      <figcaption className="muted small">
        {name} · {count}
      </figcaption>
    </figure>
  );
}
