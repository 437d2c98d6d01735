import { type ReactNode, useEffect, useRef } from 'react';
import type { FoundObject, OpenedImage } from '../../../worker/protocol.ts';
import styles from './FindPanel.module.css';

/** Longest side of the preview, pixels. */
const SIDE = 640;
/** Okabe and Ito's colours, told apart by colour-blind people too. */
const COLOURS = ['#e69f00', '#56b4e9', '#009e73', '#f0e442', '#d55e00', '#cc79a7'] as const;

/** The image with what was found, each object in its colour and the chosen one whole. */
export function FoundImage(props: {
  readonly image: OpenedImage;
  readonly objects: readonly FoundObject[];
  readonly chosen: number;
}): ReactNode {
  const { image, objects, chosen } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const scale = Math.min(1, SIDE / Math.max(image.width, image.height));
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const frame = requestAnimationFrame(() => {
      context.globalAlpha = 1;
      context.drawImage(image.bitmap, 0, 0, width, height);
      for (const [i, { runs }] of objects.entries()) {
        context.fillStyle = COLOURS[i % COLOURS.length] as string;
        context.globalAlpha = i === chosen ? 0.85 : 0.4;
        context.fill(pathOf(runs, image.width, scale));
      }
    });
    return () => cancelAnimationFrame(frame);
  }, [image, objects, chosen, width, height, scale]);
  return (
    <canvas
      ref={canvas}
      className={styles.preview}
      width={width}
      height={height}
      role="img"
      aria-label={`${image.name} with ${objects.length} found objects, the ${chosen + 1}. of them chosen`}
    />
  );
}

/** The runs as a path of rectangles of a pixel's height at least. */
function pathOf(runs: Uint32Array, width: number, scale: number): Path2D {
  const path = new Path2D();
  for (let i = 0; i < runs.length; i += 2) {
    let at = runs[i] as number;
    const end = at + (runs[i + 1] as number);
    while (at < end) {
      const y = Math.floor(at / width);
      const to = Math.min(end, (y + 1) * width);
      path.rect((at - y * width) * scale, y * scale, (to - at) * scale, scale);
      at = to;
    }
  }
  return path;
}
