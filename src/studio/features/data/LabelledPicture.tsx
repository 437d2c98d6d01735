import { type ReactNode, useEffect, useRef } from 'react';
import type { SamplePicture } from '../../../worker/protocol.ts';
import styles from './LabelledPicture.module.css';

/** The picture with each label value in its own colour. */
export function LabelledPicture(props: {
  readonly picture: SamplePicture;
  readonly overlay: boolean;
}): ReactNode {
  const { picture, overlay } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    context.clearRect(0, 0, picture.width, picture.height);
    context.drawImage(picture.bitmap, 0, 0);
    if (!overlay || !picture.labels) return;
    const layer = new OffscreenCanvas(picture.width, picture.height);
    layer.getContext('2d')?.putImageData(labelImage(picture.labels, picture.width, picture.height), 0, 0);
    context.globalAlpha = 0.5;
    context.drawImage(layer, 0, 0);
    context.globalAlpha = 1;
  }, [picture, overlay]);
  return (
    <canvas
      ref={canvas}
      role="img"
      aria-label={`${picture.name}${overlay && picture.labels ? ' with its mask' : ''}`}
      width={picture.width}
      height={picture.height}
      className={styles.picture}
    />
  );
}

/** Label values to colours that differ between neighbours; 0 is transparent. */
function labelImage(labels: Uint16Array, width: number, height: number): ImageData {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const known = new Map<number, number>();
  for (let index = 0; index < labels.length; index++) {
    const label = labels[index] ?? 0;
    if (label === 0) continue;
    let colour = known.get(label);
    if (colour === undefined) {
      colour = labelColour(label);
      known.set(label, colour);
    }
    pixels[index] = colour;
  }
  return image;
}

/** Okabe and Ito's colours, as ABGR words (every machine that runs a browser is little-endian). */
const PALETTE = [0xffffb45c, 0xff009fe6, 0xff739e00, 0xffa779cc, 0xff42e4f0, 0xff005ed5, 0xffe9b456];

function labelColour(label: number): number {
  return PALETTE[(label - 1) % PALETTE.length] ?? 0xffffb45c;
}
