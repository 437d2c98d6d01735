import { type CSSProperties, type ReactNode, useState } from 'react';
import type { PaintedMask } from '../../canvas/layers/masks.ts';
import { MaskCanvas } from './MaskCanvas.tsx';
import styles from './Wipe.module.css';

export interface WipeSide {
  readonly masks: readonly PaintedMask[];
  /** "As it comes", with its figure where there is one. */
  readonly title: string;
  readonly figure: string | null;
}

/** One image with two sets of masks and a divider, moved by mouse, touch or the arrow keys. */
export function Wipe(props: {
  readonly image: ImageBitmap | OffscreenCanvas;
  readonly left: WipeSide;
  readonly right: WipeSide;
  /** What the image shows, for those who do not see it. */
  readonly label: string;
  /** Where the person clicked, in pixels of the image. */
  readonly onClick?: (at: { readonly x: number; readonly y: number }) => void;
}): ReactNode {
  const { image, left, right, label, onClick } = props;
  const [at, setAt] = useState(50);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a button beside the image clicks by key
    // biome-ignore lint/a11y/useKeyWithClickEvents: the same
    <div
      className={styles.wipe}
      style={{ '--at': at / 100, '--aspect': image.width / image.height } as CSSProperties}
      data-clickable={onClick !== undefined}
      onClick={(event) => {
        // The divider is an input of its own.
        if (!onClick || event.target instanceof HTMLInputElement) return;
        const box = event.currentTarget.getBoundingClientRect();
        const x = ((event.clientX - box.left) / box.width) * image.width;
        const y = ((event.clientY - box.top) / box.height) * image.height;
        if (x >= 0 && y >= 0 && x < image.width && y < image.height) onClick({ x, y });
      }}
    >
      <MaskCanvas
        image={image}
        masks={left.masks}
        label={`${label} ${left.title}${left.figure ? `, ${left.figure}` : ''}`}
        className={styles.layer}
      />
      <MaskCanvas
        image={image}
        masks={right.masks}
        label={`${label} ${right.title}${right.figure ? `, ${right.figure}` : ''}`}
        className={`${styles.layer} ${styles.right}`}
      />
      <span className={styles.line} />
      <input
        className={styles.divider}
        type="range"
        min={0}
        max={100}
        value={at}
        aria-label={`Divider between “${left.title}” and “${right.title}”`}
        aria-valuetext={`${at} % ${left.title}, ${100 - at} % ${right.title}`}
        onChange={(event) => setAt(event.currentTarget.valueAsNumber)}
      />
      <Title side={left} className={styles.titleLeft} />
      <Title side={right} className={styles.titleRight} />
    </div>
  );
}

function Title({
  side,
  className,
}: {
  readonly side: WipeSide;
  readonly className: string | undefined;
}): ReactNode {
  return (
    <span className={`${styles.title} ${className}`} aria-hidden="true">
      {side.title}
      {side.figure && <strong> {side.figure}</strong>}
    </span>
  );
}
