import { memo, type ReactNode, useEffect, useRef } from 'react';
import { signed } from '../../../config/words.ts';
import type { Look, RunInfo } from '../../../worker/protocol.ts';
import { iou } from '../../format/format.ts';
import styles from './LooksPanel.module.css';

/** The same few validation images at each check: the base model's masks beside those of now. */
export const LooksPanel = memo(function LooksPanel(props: {
  readonly datasets: RunInfo['datasets'];
  readonly looks: readonly Look[];
}): ReactNode {
  const { datasets, looks } = props;
  if (looks.length === 0) return null;
  return (
    <section className="panel stack" aria-label="Validation images">
      <h3>Before and now, on images that it does not learn from</h3>
      <ul className={styles.looks}>
        {looks.map((look) => (
          <li key={`${look.dataset} ${look.sample}`} className={styles.look}>
            <LookView look={look} kind="base" />
            <LookView look={look} kind="now" />
            <p className={`muted small ${styles.name}`}>
              {datasets.length > 1 && `${datasets.find(({ id }) => id === look.dataset)?.name ?? ''} · `}
              {look.sample}
            </p>
          </li>
        ))}
      </ul>
      <p className="muted small">
        Masks by {looks[0]?.prompt}, one for each object that is measured; IoU is their overlap with yours, 0
        to 1.
      </p>
    </section>
  );
});

/** Of what is shown, so that the three figures agree. */
export const changeText = (base: number, now: number): string =>
  signed(Number(now.toFixed(2)) - Number(base.toFixed(2)), 2);

function LookView({ look, kind }: { readonly look: Look; readonly kind: 'base' | 'now' }): ReactNode {
  const shown = look[kind];
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height, rgb } = look;
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const tint = getComputedStyle(document.documentElement).getPropertyValue('--mask').trim().split(/\s+/);
    context.putImageData(pixelsOf(width, height, rgb, shown?.mask ?? null, tint.map(Number)), 0, 0);
  }, [width, height, rgb, shown]);
  const name = kind === 'base' ? 'Base' : shown ? `Step ${shown.step}` : 'Not checked yet';
  const change = kind === 'now' && shown && look.base ? ` (${changeText(look.base.iou, shown.iou)})` : '';
  return (
    <figure className={styles.view}>
      <canvas
        ref={canvas}
        width={width}
        height={height}
        role="img"
        aria-label={`${look.sample}, ${name}${shown ? `, IoU ${iou(shown.iou)}` : ''}`}
      />
      <figcaption className="small">
        {name}
        {shown && (
          <>
            {' '}
            <strong>{shown.iou.toFixed(2)}</strong>
            {change}
          </>
        )}
      </figcaption>
    </figure>
  );
}

/** The image with its mask tinted. */
function pixelsOf(
  width: number,
  height: number,
  rgb: Uint8Array,
  mask: Uint8Array | null,
  tint: readonly number[],
): ImageData {
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const share = mask?.[i] ? 0.5 : 0;
    for (let c = 0; c < 3; c++)
      image.data[4 * i + c] = (1 - share) * (rgb[3 * i + c] ?? 0) + share * (tint[c] ?? 0);
    image.data[4 * i + 3] = 255;
  }
  return image;
}
