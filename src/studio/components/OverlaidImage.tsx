import type { ReactNode } from 'react';
import { BitmapView } from './BitmapView.tsx';
import styles from './OverlaidImage.module.css';
import { useStretchFilter } from './StretchContrast.tsx';

/** An image, its contrast stretched if a person wants that, with something of the same size over it, whose colours stay. */
export function OverlaidImage(props: {
  readonly image: ImageBitmap;
  readonly overlay: ImageBitmap | ImageData | null;
  readonly label: string;
  /** Of either. */
  readonly className: string | undefined;
}): ReactNode {
  const { image, overlay, label, className = '' } = props;
  const filter = useStretchFilter(image);
  return (
    <div className={styles.layers}>
      <BitmapView bitmap={image} label={label} className={className} filter={filter} />
      {overlay && <BitmapView bitmap={overlay} label="" className={`${className} ${styles.overlay}`} />}
    </div>
  );
}
