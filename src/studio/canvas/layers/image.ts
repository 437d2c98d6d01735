import type { View } from '../view.ts';

/** Draws the image; sharp pixels when they are large enough to be seen. */
export function drawImage(context: CanvasRenderingContext2D, bitmap: ImageBitmap, view: View): void {
  context.imageSmoothingEnabled = view.scale < 3;
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, view.left, view.top, bitmap.width * view.scale, bitmap.height * view.scale);
}
