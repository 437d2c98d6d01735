import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { ThumbnailKind } from '../../../worker/protocol.ts';
import { BitmapView } from '../../components/BitmapView.tsx';
import { useAnswer } from '../../components/use-answer.ts';
import { callEngine } from '../../stores/engine-link.ts';
import styles from './Thumbnail.module.css';

/** A small image, on a card with its mask on top, fetched when it comes into view. */
export function Thumbnail(props: {
  readonly datasetId: string;
  readonly sampleId: string;
  readonly label: string;
  readonly kind: ThumbnailKind;
}): ReactNode {
  const { datasetId, sampleId, kind } = props;
  const box = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      setSeen(true);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const answer = useAnswer(
    seen ? () => callEngine('data.thumbnail', { datasetId, sampleId, kind }) : null,
    `${seen} ${datasetId} ${sampleId} ${kind}`,
    ({ bitmap }) => bitmap.close(),
  );
  return (
    <div ref={box} className={styles.box}>
      {answer?.ok && <BitmapView bitmap={answer.value.bitmap} label={props.label} className={styles.image} />}
      {answer && !answer.ok && <span className={styles.broken}>cannot be read</span>}
    </div>
  );
}
