import { type ReactNode, useEffect, useRef, useState } from 'react';
import { BitmapView } from '../../components/BitmapView.tsx';
import { ask } from '../../stores/engine-link.ts';
import styles from './Thumbnail.module.css';

const SIZE = 192;

/** An image with its mask laid over it; asked for when it comes into view. */
export function Thumbnail(props: {
  readonly datasetId: string;
  readonly sampleId: string;
  readonly label: string;
  readonly overlay: boolean;
}): ReactNode {
  const { datasetId, sampleId, overlay } = props;
  const box = useRef<HTMLDivElement>(null);
  const [bitmap, setBitmap] = useState<ImageBitmap | null>(null);
  const [broken, setBroken] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    let gone = false;
    let made: ImageBitmap | null = null;
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      void ask('data.thumbnail', { datasetId, sampleId, size: SIZE, overlay }).then((result) => {
        if (!result.ok) {
          if (!gone) setBroken(true);
          return;
        }
        if (gone) {
          result.value.bitmap.close();
          return;
        }
        made = result.value.bitmap;
        setBitmap(made);
      });
    });
    observer.observe(element);
    return () => {
      gone = true;
      observer.disconnect();
      made?.close();
    };
  }, [datasetId, sampleId, overlay]);
  return (
    <div ref={box} className={styles.box}>
      {bitmap && <BitmapView bitmap={bitmap} label={props.label} className={styles.image} />}
      {broken && <span className={styles.broken}>cannot be read</span>}
    </div>
  );
}
