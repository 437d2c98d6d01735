import { type ReactNode, useEffect, useRef } from 'react';

/** Draws a bitmap, which the caller keeps and closes. An empty label marks it as decoration. */
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
