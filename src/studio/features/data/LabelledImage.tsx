import { type ReactNode, useMemo } from 'react';
import { objectColourAt, rgbOf } from '../../../config/object-colours.ts';
import type { SampleImage } from '../../../worker/protocol.ts';
import { OverlaidImage } from '../../components/OverlaidImage.tsx';
import styles from './LabelledImage.module.css';

/** The image, with each label value in its own colour over it. */
export function LabelledImage(props: { readonly image: SampleImage; readonly overlay: boolean }): ReactNode {
  const { image, overlay } = props;
  const labels = useMemo(
    () => (overlay && image.labels ? labelImage(image.labels, image.width, image.height) : null),
    [image, overlay],
  );
  const label = `${image.name}${labels ? ' with its mask' : ''}`;
  return <OverlaidImage image={image.bitmap} overlay={labels} label={label} className={styles.image} />;
}

/** The label of pixels that take no part. */
const IGNORED = 65_535;
/** Pixels from one line of their hatching to the next. */
const HATCH = 8;
const WHITE = 0x80ffffff;

/** Colours a label map so that consecutive labels differ; 0 is transparent, and what is ignored is hatched. */
function labelImage(labels: Uint16Array, width: number, height: number): ImageData {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const known = new Map<number, number>();
  for (let index = 0; index < labels.length; index++) {
    const label = labels[index] ?? 0;
    if (label === 0) continue;
    if (label === IGNORED) {
      const diagonal = (index % width) + Math.floor(index / width);
      if (diagonal % HATCH < HATCH / 2) pixels[index] = WHITE;
      continue;
    }
    let colour = known.get(label);
    if (colour === undefined) {
      colour = labelColour(label);
      known.set(label, colour);
    }
    pixels[index] = colour;
  }
  return image;
}

/** Half transparent, as an ABGR word: every machine that runs a browser is little-endian. */
function labelColour(label: number): number {
  const [red, green, blue] = rgbOf(objectColourAt(label - 1));
  return ((128 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
