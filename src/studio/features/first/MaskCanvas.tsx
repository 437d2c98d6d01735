import { type ReactNode, useEffect, useSyncExternalStore } from 'react';
import { density, watchDensity } from '../../canvas/density.ts';
import { type PaintedMask, paintMasks } from '../../canvas/layers/masks.ts';
import { useSize } from '../../charts/use-size.ts';

/** An image with masks, or a square part of it, as large as its box. */
export function MaskCanvas(props: {
  readonly image: ImageBitmap | OffscreenCanvas;
  readonly masks: readonly PaintedMask[];
  /** Pixels of the image; the whole image without one. */
  readonly part?: { readonly x: number; readonly y: number; readonly side: number } | undefined;
  readonly label: string;
  readonly className?: string | undefined;
}): ReactNode {
  const { image, masks, part, label, className } = props;
  const { ref, size } = useSize<HTMLCanvasElement>();
  const perPixel = useSyncExternalStore(watchDensity, density);
  useEffect(() => {
    const canvas = ref.current;
    if (!canvas || !size || size.width === 0) return;
    canvas.width = Math.round(size.width * perPixel);
    canvas.height = Math.round(size.height * perPixel);
    const context = canvas.getContext('2d');
    if (!context) return;
    const scale = canvas.width / (part?.side ?? image.width);
    const view = { scale, left: -scale * (part?.x ?? 0), top: -scale * (part?.y ?? 0) };
    context.imageSmoothingQuality = 'high';
    context.drawImage(image, view.left, view.top, scale * image.width, scale * image.height);
    const { width, height } = canvas;
    const painted = new ImageData(width, height);
    const pixels = paintMasks(masks, image, view, { x: 0, y: 0, width, height });
    new Uint32Array(painted.data.buffer).set(pixels);
    const layer = new OffscreenCanvas(width, height);
    layer.getContext('2d')?.putImageData(painted, 0, 0);
    context.drawImage(layer, 0, 0);
  }, [ref, size, perPixel, image, masks, part]);
  return (
    <canvas
      ref={ref}
      className={className}
      {...(label === '' ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
    />
  );
}
