import type { Rect } from '../rect.ts';
import type { Size, View } from '../view.ts';

/** Longer side in pixels below which an image gets no smaller copy. */
const SMALLEST = 1024;

/** An image and copies of it, each half as large as the one before, so that a small view of a large image is quick. */
export class ImageCopies {
  private readonly levels: ImageBitmap[];
  private isClosed = false;

  /** @param bitmap stays its owner's. */
  constructor(private readonly bitmap: ImageBitmap) {
    this.levels = [bitmap];
  }

  /** Makes the copies, in the background; ends early where the image is closed meanwhile. */
  async make(): Promise<void> {
    for (let level = this.bitmap; Math.max(level.width, level.height) > SMALLEST; ) {
      const size = { resizeWidth: Math.ceil(level.width / 2), resizeHeight: Math.ceil(level.height / 2) };
      const next = await createImageBitmap(level, { ...size, resizeQuality: 'medium' }).catch(() => null);
      if (this.isClosed) next?.close();
      if (!next || this.isClosed) return;
      this.levels.push(next);
      level = next;
    }
  }

  close(): void {
    this.isClosed = true;
    for (const copy of this.levels.splice(1)) copy.close();
  }

  /** The smallest copy that has at least a pixel for each pixel of the screen. */
  for(scale: number): ImageBitmap {
    const level = Math.max(0, Math.floor(Math.log2(1 / scale)));
    return this.levels[Math.min(level, this.levels.length - 1)] ?? this.bitmap;
  }
}

/**
 * Draws a part of the screen; when zoomed in, pixels are drawn as sharp squares.
 * @param view of the screen, in its own pixels.
 */
export function drawImage(
  context: CanvasRenderingContext2D,
  copies: ImageCopies,
  image: Size,
  view: View,
  rect: Rect,
): void {
  const copy = copies.for(view.scale);
  const across = copy.width / image.width;
  const down = copy.height / image.height;
  // Two pixels more on each side: smoothing looks at neighbours, and parts must join without a seam.
  const from = (at: number, length: number): number => Math.max(0, Math.min(length, Math.floor(at) - 2));
  const to = (at: number, length: number): number => Math.max(0, Math.min(length, Math.ceil(at) + 2));
  const x0 = from(((rect.x - view.left) / view.scale) * across, copy.width);
  const y0 = from(((rect.y - view.top) / view.scale) * down, copy.height);
  const x1 = to(((rect.x + rect.width - view.left) / view.scale) * across, copy.width);
  const y1 = to(((rect.y + rect.height - view.top) / view.scale) * down, copy.height);
  if (x1 <= x0 || y1 <= y0) return;
  context.save();
  context.beginPath();
  context.rect(rect.x, rect.y, rect.width, rect.height);
  context.clip();
  context.imageSmoothingEnabled = view.scale < 3;
  // More would make smaller copies of its own for every frame; here one is at hand that is at most twice as large.
  context.imageSmoothingQuality = 'low';
  context.drawImage(
    copy,
    x0,
    y0,
    x1 - x0,
    y1 - y0,
    view.left + (x0 / across) * view.scale,
    view.top + (y0 / down) * view.scale,
    ((x1 - x0) / across) * view.scale,
    ((y1 - y0) / down) * view.scale,
  );
  context.restore();
}
