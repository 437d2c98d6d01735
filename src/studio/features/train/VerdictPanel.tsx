import type { ReactNode } from 'react';
import { plural, signed } from '../../../config/words.ts';
import type { Verdict, VerdictMeasure } from '../../../worker/protocol.ts';
import { iou } from '../../format/format.ts';
import styles from './VerdictPanel.module.css';

/**
 * Whether training helped: one sentence, then its figures.
 * @param isBase whether the base model was kept, so that there is no other to compare it with.
 */
export function VerdictPanel(props: { readonly verdict: Verdict; readonly isBase: boolean }): ReactNode {
  const { verdict, isBase } = props;
  const many = verdict.perDataset.length > 1;
  const all = (!many && verdict.perDataset[0]?.name) || 'All datasets';
  return (
    <section className={`panel ${styles.verdict}`} aria-label="Verdict">
      <h3>{verdict.sentence}</h3>
      {verdict.before && <p>{verdict.before.sentence}</p>}
      <p>{verdict.suggestion}</p>
      <div className={styles.scroll}>
        <table className={styles.table}>
          <caption className="visually-hidden">
            {isBase ? 'The base model on the test images' : 'The base and the tuned model on the test images'}
          </caption>
          <thead>
            <tr>
              <th scope="col">Dataset</th>
              <th scope="col">Prompt</th>
              <th scope="col">Base</th>
              {!isBase && (
                <>
                  <th scope="col">Tuned</th>
                  <th scope="col">Gain (95 % interval)</th>
                </>
              )}
              <th scope="col">Tested on</th>
            </tr>
          </thead>
          <tbody>
            <Measure name={all} prompt="box" measure={verdict.box} isBase={isBase} />
            <Measure name={all} prompt="click" measure={verdict.click} isBase={isBase} />
            {many &&
              verdict.perDataset.flatMap((dataset) => [
                <Measure
                  key={`${dataset.datasetId} box`}
                  name={dataset.name}
                  prompt="box"
                  measure={dataset.box}
                  isBase={isBase}
                />,
                <Measure
                  key={`${dataset.datasetId} click`}
                  name={dataset.name}
                  prompt="click"
                  measure={dataset.click}
                  isBase={isBase}
                />,
              ])}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Measure(props: {
  readonly name: string;
  readonly prompt: string;
  readonly measure: VerdictMeasure;
  readonly isBase: boolean;
}): ReactNode {
  const { measure } = props;
  return (
    <tr>
      <th scope="row">{props.name}</th>
      <td>{props.prompt}</td>
      <td>{iou(measure.base)}</td>
      {!props.isBase && (
        <>
          <td>{iou(measure.tuned)}</td>
          <td>
            <strong>{signed(measure.tuned - measure.base)}</strong>{' '}
            {measure.gainHigh - measure.gainLow < 2
              ? `(${signed(measure.gainLow)} to ${signed(measure.gainHigh)})`
              : '(too few images)'}
          </td>
        </>
      )}
      <td>
        {plural(measure.n, 'object')}, {plural(measure.images, 'image')}
      </td>
    </tr>
  );
}
