import { type ReactNode, useMemo } from 'react';
import type { DemoImage } from '../../../worker/protocol.ts';
import type { CellClick } from '../../stores/first.ts';
import styles from './CloseUp.module.css';
import { MaskCanvas } from './MaskCanvas.tsx';

/** Pixels of the image around a click. */
const SIDE = 96;
const COLOUR = [230, 159, 0] as const;

/** One click answered by both, side by side. */
export function CloseUp(props: {
  readonly image: DemoImage;
  readonly click: CellClick;
  readonly tunedTitle: string;
  readonly onNext: () => void;
}): ReactNode {
  const { image, click, tunedTitle, onNext } = props;
  const part = useMemo(() => {
    const from = (middle: number, length: number): number =>
      Math.max(0, Math.min(length - SIDE, middle - SIDE / 2));
    return { x: from(click.x, image.width), y: from(click.y, image.height), side: SIDE };
  }, [click.x, click.y, image]);
  return (
    <section className={`panel ${styles.closeUp}`} aria-label="One click, both answers">
      <Answer {...{ image, click, part }} side="base" title="As it comes" />
      <Answer {...{ image, click, part }} side="tuned" title={tunedTitle} />
      <div className={styles.words}>
        <h3>One click</h3>
        <p className="muted small">Click any cell in the large image, or let the page do it.</p>
        <button type="button" onClick={onNext}>
          Click the next cell
        </button>
      </div>
    </section>
  );
}

function Answer(props: {
  readonly image: DemoImage;
  readonly click: CellClick;
  readonly part: { readonly x: number; readonly y: number; readonly side: number };
  readonly side: 'base' | 'tuned';
  readonly title: string;
}): ReactNode {
  const { image, click, part, side, title } = props;
  const mask = click.masks[side];
  const masks = useMemo(
    () => (mask ? [{ ...mask, id: side, colour: COLOUR, strong: true }] : []),
    [mask, side],
  );
  const iou = mask?.iou ?? null;
  const words = mask ? (iou === null ? 'bare ground' : `IoU ${iou.toFixed(2)}`) : 'working …';
  const at = { left: (click.x - part.x) / part.side, top: (click.y - part.y) / part.side };
  return (
    <figure className={styles.answer}>
      <div className={styles.view}>
        <MaskCanvas
          image={image.bitmap}
          masks={masks}
          part={part}
          label={`${title}: ${words}`}
          className={styles.canvas}
        />
        <span className={styles.mark} style={{ left: `${100 * at.left}%`, top: `${100 * at.top}%` }} />
      </div>
      <figcaption className="small">
        {title} <strong>{words}</strong>
      </figcaption>
    </figure>
  );
}
