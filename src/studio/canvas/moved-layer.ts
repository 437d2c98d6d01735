import { intersect, type Rect, stripsAfterMove } from './rect.ts';
import type { View } from './view.ts';

/** Paints a part of the screen, which is clear before. The view is in the screen's own pixels. */
export type PaintPart = (context: CanvasRenderingContext2D, view: View, rect: Rect) => void;

/**
 * A canvas whose content moves with the view. While it is panned, what was painted is moved and only the strips that
 * come into view are painted; a change of the content paints its own rectangle.
 */
export class MovedLayer {
  private readonly context: CanvasRenderingContext2D | null;
  private painted: View | null = null;
  private dirty: Rect[] = [];

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly paint: PaintPart,
  ) {
    this.context = canvas.getContext('2d');
  }

  /** The whole content has changed. */
  reset(): void {
    this.painted = null;
  }

  /** A part of the screen, at the view of the next draw, has changed. */
  change(rect: Rect): void {
    this.dirty.push(rect);
  }

  /** @returns pixels that were painted. */
  draw(view: View): number {
    const { context, canvas, painted } = this;
    if (!context) return 0;
    const screen = { x: 0, y: 0, width: canvas.width, height: canvas.height };
    let parts: readonly Rect[] = [screen];
    // Many small parts that overlap would take longer than the whole.
    const isMost =
      this.dirty.reduce((sum, { width, height }) => sum + width * height, 0) > canvas.width * canvas.height;
    if (painted && painted.scale === view.scale && !isMost) {
      const dx = view.left - painted.left;
      const dy = view.top - painted.top;
      if (dx !== 0 || dy !== 0) {
        context.globalCompositeOperation = 'copy';
        context.drawImage(canvas, dx, dy);
        context.globalCompositeOperation = 'source-over';
      }
      parts = [...stripsAfterMove(canvas, dx, dy), ...this.dirty];
    }
    this.painted = view;
    this.dirty = [];
    let pixels = 0;
    for (const part of parts) {
      const rect = intersect(part, screen);
      if (!rect) continue;
      context.clearRect(rect.x, rect.y, rect.width, rect.height);
      this.paint(context, view, rect);
      pixels += rect.width * rect.height;
    }
    return pixels;
  }
}
