import type { ReactNode } from 'react';
import { duration } from '../../../config/words.ts';
import { chooseCandidate, useSegment, useShownAnswer } from '../../stores/segment.ts';
import styles from './CandidateList.module.css';

/** The candidate masks for the prompts, highest predicted IoU first. */
export function CandidateList(): ReactNode {
  const answer = useShownAnswer();
  const count = answer?.prediction.candidates.length ?? 0;
  const total = useSegment((state) => (state.image ? state.image.width * state.image.height : 1));
  return (
    <section className={`panel ${styles.list}`} aria-label="Candidates">
      <h2>Candidates</h2>
      {!answer && <p className="muted">Click on an object, or draw a box around it.</p>}
      {answer && (
        <>
          <ol className={styles.items}>
            {answer.prediction.candidates.map((candidate, index) => (
              <li key={candidate.token}>
                <button
                  type="button"
                  className={styles.item}
                  aria-pressed={index === answer.candidate}
                  onClick={() => chooseCandidate(index)}
                >
                  <span>Mask {index + 1}</span>
                  <span>predicted IoU {candidate.predictedIou.toFixed(3)}</span>
                  <span className="muted" title={`${candidate.area.toLocaleString('en')} pixels`}>
                    {areaText(candidate.area, total)}
                  </span>
                </button>
              </li>
            ))}
          </ol>
          <p className="muted small">
            Enter adds the chosen one{count > 1 && `; 1 to ${count} choose another`}. Found in{' '}
            {duration(answer.prediction.milliseconds / 1000)}.
          </p>
        </>
      )}
    </section>
  );
}

/** The share of the image, or pixels where that would be next to nothing. */
function areaText(area: number, total: number): string {
  const percent = (100 * area) / total;
  return percent >= 0.1 || area === 0 ? `${percent.toFixed(1)} %` : `${area.toLocaleString('en')} px`;
}
