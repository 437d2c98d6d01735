import { type ReactNode, useEffect, useRef } from 'react';

/** Shows a bitmap at its own size; CSS scales it. The bitmap stays the caller's. An empty label makes it decoration. */
export function BitmapView(props: {
  readonly bitmap: ImageBitmap;
  readonly label: string;
  readonly className?: string | undefined;
}): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    canvas.current?.getContext('2d')?.drawImage(props.bitmap, 0, 0);
  }, [props.bitmap]);
  return (
    <canvas
      ref={canvas}
      {...(props.label === '' ? { 'aria-hidden': true } : { role: 'img', 'aria-label': props.label })}
      width={props.bitmap.width}
      height={props.bitmap.height}
      className={props.className}
    />
  );
}
