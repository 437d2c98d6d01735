import type { View } from '../view.ts';

/** Draws the image; when zoomed in, pixels are drawn as sharp squares. */
export function drawImage(context: CanvasRenderingContext2D, bitmap: ImageBitmap, view: View): void {
  context.imageSmoothingEnabled = view.scale < 3;
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, view.left, view.top, bitmap.width * view.scale, bitmap.height * view.scale);
}
