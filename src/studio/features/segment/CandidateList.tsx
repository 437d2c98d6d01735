import type { ReactNode } from 'react';
import { duration } from '../../format/format.ts';
import { chooseCandidate, selectAnswer, useSegment } from '../../stores/segment.ts';
import styles from './CandidateList.module.css';

/** The candidate masks for the prompts, highest predicted IoU first. */
export function CandidateList(): ReactNode {
  const answer = useSegment(selectAnswer);
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
                  <span className="muted" title="Share of the image">
                    {((100 * candidate.area) / total).toFixed(1)} %
                  </span>
                </button>
              </li>
            ))}
          </ol>
          <p className="muted small">Found in {duration(answer.prediction.milliseconds / 1000)}.</p>
        </>
      )}
    </section>
  );
}
