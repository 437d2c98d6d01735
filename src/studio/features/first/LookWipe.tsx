import { type ReactNode, useMemo } from 'react';
import { boxOf, runsOfBitmap } from '../../../data/labels/runs.ts';
import type { Look } from '../../../worker/protocol.ts';
import styles from './LookWipe.module.css';
import { Wipe } from './Wipe.tsx';

const COLOUR = [86, 180, 233] as const;

/** A validation image of a run: the base model's masks and those of the last check. */
export function LookWipe({ look }: { readonly look: Look }): ReactNode {
  const { width, height, rgb, base, now } = look;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the image stays the same at each check
  const image = useMemo(() => {
    const data = new ImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      data.data.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
      data.data[4 * i + 3] = 255;
    }
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext('2d')?.putImageData(data, 0, 0);
    return canvas;
  }, [look.sample]);
  const left = useMemo(() => maskOf(base?.mask, width), [base, width]);
  const right = useMemo(() => maskOf(now?.mask, width), [now, width]);
  return (
    <div className={styles.look}>
      <Wipe
        image={image}
        left={{ masks: left, title: 'As it comes', figure: base && `IoU ${base.iou.toFixed(2)}` }}
        right={{
          masks: right,
          title: now ? `Step ${now.step}` : 'Not yet',
          figure: now && `IoU ${now.iou.toFixed(2)}`,
        }}
        label="An image that it does not learn from:"
      />
    </div>
  );
}

function maskOf(mask: Uint8Array | undefined, width: number) {
  if (!mask) return [];
  const runs = runsOfBitmap(mask);
  return [
    {
      id: 'look',
      runs,
      extent: boxOf(runs, width) ?? ([0, 0, 0, 0] as const),
      colour: COLOUR,
      strong: false,
    },
  ];
}
