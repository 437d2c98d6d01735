import type { ReactNode } from 'react';
import { plural, signed } from '../../../config/words.ts';
import type { Verdict, VerdictMeasure } from '../../../worker/protocol.ts';
import { iou } from '../../format/format.ts';
import styles from './VerdictPanel.module.css';

/** Whether training helped: one sentence, then its figures. */
export function VerdictPanel({ verdict }: { readonly verdict: Verdict }): ReactNode {
  const many = verdict.perDataset.length > 1;
  const all = (!many && verdict.perDataset[0]?.name) || 'All datasets';
  return (
    <section className={`panel ${styles.verdict}`} aria-label="Verdict">
      <h3>{verdict.sentence}</h3>
      {verdict.before && <p>{verdict.before.sentence}</p>}
      <p>{verdict.suggestion}</p>
      <div className={styles.scroll}>
        <table className={styles.table}>
          <caption className="visually-hidden">The base and the tuned model on the test images</caption>
          <thead>
            <tr>
              <th scope="col">Dataset</th>
              <th scope="col">Prompt</th>
              <th scope="col">Base</th>
              <th scope="col">Tuned</th>
              <th scope="col">Gain (95 % interval)</th>
              <th scope="col">Tested on</th>
            </tr>
          </thead>
          <tbody>
            <Measure name={all} prompt="box" measure={verdict.box} />
            <Measure name={all} prompt="click" measure={verdict.click} />
            {many &&
              verdict.perDataset.flatMap((dataset) => [
                <Measure
                  key={`${dataset.datasetId} box`}
                  name={dataset.name}
                  prompt="box"
                  measure={dataset.box}
                />,
                <Measure
                  key={`${dataset.datasetId} click`}
                  name={dataset.name}
                  prompt="click"
                  measure={dataset.click}
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
}): ReactNode {
  const { measure } = props;
  return (
    <tr>
      <th scope="row">{props.name}</th>
      <td>{props.prompt}</td>
      <td>{iou(measure.base)}</td>
      <td>{iou(measure.tuned)}</td>
      <td>
        <strong>{signed(measure.tuned - measure.base)}</strong>{' '}
        {measure.gainHigh - measure.gainLow < 2
          ? `(${signed(measure.gainLow)} to ${signed(measure.gainHigh)})`
          : '(too few images)'}
      </td>
      <td>
        {plural(measure.n, 'object')}, {plural(measure.images, 'image')}
      </td>
    </tr>
  );
}
