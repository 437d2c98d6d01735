import { type ReactNode, useEffect, useRef } from 'react';

/** Draws a picture; a bitmap is the caller's, who closes it. An empty label marks it as decoration. */
export function BitmapView(props: {
  readonly bitmap: ImageBitmap | ImageData;
  readonly label: string;
  readonly className?: string | undefined;
  /** A CSS filter. */
  readonly filter?: string;
}): ReactNode {
  const { bitmap, label, className, filter } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    if (bitmap instanceof ImageData) {
      context.putImageData(bitmap, 0, 0);
      return;
    }
    // The one before may show through.
    context.clearRect(0, 0, bitmap.width, bitmap.height);
    context.drawImage(bitmap, 0, 0);
  }, [bitmap]);
  return (
    <canvas
      ref={canvas}
      {...(label === '' ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
      width={bitmap.width}
      height={bitmap.height}
      className={className}
      style={{ filter }}
    />
  );
}
