import { drawImage, ImageCopies } from './layers/image.ts';
import { type Extent, type PaintedMask, paintMasks } from './layers/masks.ts';
import { MovedLayer } from './moved-layer.ts';
import type { Rect } from './rect.ts';
import type { Size, View } from './view.ts';

/** Draws into a canvas in CSS pixels, over the part that `clear` emptied. */
export type DrawOverlay = (context: CanvasRenderingContext2D, view: View) => void;

export interface StageCanvases {
  readonly image: HTMLCanvasElement;
  readonly masks: HTMLCanvasElement;
  readonly drawing: HTMLCanvasElement;
  readonly cursor: HTMLCanvasElement;
}

/** Name of the performance measure of each frame. */
const FRAME = 'canvas frame';
/** Milliseconds that painting everything may take; where it takes longer, the view moves coarsely until it rests. */
const MOST_PAINTING = 8;
/** Milliseconds without a move or zoom after which the view rests. */
const REST = 150;

/**
 * The canvases that lie on each other: the image, the masks, what is being drawn, and the cursor. Each is drawn at most
 * once a frame, and only what changed of it. On screens of several pixels to a CSS pixel where
 * painting all takes too long, image and masks have one pixel to a CSS pixel while the view moves or zooms.
 */
export class Stage {
  private readonly imageLayer: MovedLayer;
  private readonly maskLayer: MovedLayer;
  private readonly copies: ImageCopies;
  private masks: readonly PaintedMask[] = [];
  private drawing: DrawOverlay | null = null;
  private cursor: { readonly draw: DrawOverlay; readonly rect: Rect } | null = null;
  /** What the cursor's canvas shows something in. */
  private cursorRect: Rect | null = null;
  /** Parts of the image whose masks have changed since the last frame. */
  private readonly changed: Extent[] = [];
  private isDrawingStale = true;
  private view: View | null = null;
  /** In CSS pixels. */
  private size: Size = { width: 0, height: 0 };
  private ratio = 1;
  /** Pixels to a CSS pixel of image and masks now: `ratio`, or 1 while the view moves. */
  private layerRatio = 1;
  private isSlow = false;
  private rest: ReturnType<typeof setTimeout> | undefined;
  private drawn: View | null = null;
  private frame = 0;

  constructor(
    private readonly canvases: StageCanvases,
    bitmap: ImageBitmap,
    private readonly image: Size,
  ) {
    this.copies = new ImageCopies(bitmap);
    this.imageLayer = new MovedLayer(canvases.image, (context, view, rect) =>
      drawImage(context, this.copies, image, view, rect),
    );
    this.maskLayer = new MovedLayer(canvases.masks, (context, view, rect) => {
      if (this.masks.length === 0) return;
      const pixels = paintMasks(this.masks, this.image, view, rect);
      const part = new ImageData(new Uint8ClampedArray(pixels.buffer), rect.width, rect.height);
      context.putImageData(part, rect.x, rect.y);
    });
    void this.copies.make().then(() => {
      this.imageLayer.reset();
      this.schedule();
    });
  }

  /**
   * Shows a view on canvases of another size, at once: a canvas that gets another size is blank, and the next frame may come
   * only after it was seen so.
   * @param size in CSS pixels.
   */
  resize(size: Size, ratio: number, view: View): void {
    this.size = size;
    this.ratio = ratio;
    this.view = view;
    for (const canvas of [this.canvases.drawing, this.canvases.cursor]) setSize(canvas, size, ratio);
    this.resizeLayers(ratio);
    this.isDrawingStale = true;
    cancelAnimationFrame(this.frame);
    this.draw();
  }

  private resizeLayers(ratio: number): void {
    this.layerRatio = ratio;
    for (const canvas of [this.canvases.image, this.canvases.masks]) setSize(canvas, this.size, ratio);
    this.imageLayer.reset();
    this.maskLayer.reset();
  }

  show(view: View): void {
    if (view === this.view) return;
    this.view = view;
    this.redraw();
  }

  /** Shows these masks, later ones above; only where they differ from those before is painted. */
  setMasks(masks: readonly PaintedMask[]): void {
    const old = new Map(this.masks.map((mask) => [mask.id, mask]));
    for (const mask of masks) {
      const before = old.get(mask.id);
      old.delete(mask.id);
      if (before && isSame(before, mask)) continue;
      if (before) this.changed.push(before.extent);
      this.changed.push(mask.extent);
    }
    for (const gone of old.values()) this.changed.push(gone.extent);
    this.masks = masks;
    this.schedule();
  }

  /** Changes one mask, or adds it on top, where only a part of it differs from before. */
  changePart(mask: PaintedMask, part: Extent): void {
    const isKnown = this.masks.some(({ id }) => id === mask.id);
    this.masks = isKnown ? this.masks.map((old) => (old.id === mask.id ? mask : old)) : [...this.masks, mask];
    this.changed.push(part);
    this.schedule();
  }

  /** What is being drawn, and the prompts. */
  setDrawing(draw: DrawOverlay): void {
    this.drawing = draw;
    this.isDrawingStale = true;
    this.schedule();
  }

  /** @param rect what it covers, in CSS pixels. */
  setCursor(cursor: { readonly draw: DrawOverlay; readonly rect: Rect } | null): void {
    this.cursor = cursor;
    this.schedule();
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.rest);
    this.copies.close();
  }

  private redraw(): void {
    this.isDrawingStale = true;
    this.schedule();
  }

  private schedule(): void {
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.draw());
  }

  /** The view in the pixels of image and masks, on whole ones, so that what was painted can be moved. */
  private screenView({ scale, left, top }: View): View {
    const ratio = this.layerRatio;
    return { scale: scale * ratio, left: Math.round(left * ratio), top: Math.round(top * ratio) };
  }

  private draw(): void {
    this.frame = 0;
    const { view } = this;
    if (!view || this.canvases.image.width === 0) return;
    const start = performance.now();
    if (this.isSlow && this.drawn !== view && this.ratio > 1) this.beCoarse();
    this.drawn = view;
    const screen = this.screenView(view);
    for (const extent of this.changed.splice(0)) this.maskLayer.change(onScreen(extent, screen));
    this.imageLayer.draw(screen);
    const { width, height } = this.canvases.masks;
    const isAll = this.maskLayer.draw(screen) >= width * height;
    if (isAll && this.layerRatio === this.ratio) this.isSlow = performance.now() - start > MOST_PAINTING;
    if (this.isDrawingStale) this.drawOverlay(view);
    this.drawCursor(view);
    performance.measure(FRAME, { start, end: performance.now() });
    // Observers have it; the page's own list would grow without end.
    performance.clearMeasures(FRAME);
  }

  private beCoarse(): void {
    if (this.layerRatio > 1) this.resizeLayers(1);
    clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      this.resizeLayers(this.ratio);
      this.schedule();
    }, REST);
  }

  private drawOverlay(view: View): void {
    const { drawing } = this.canvases;
    const context = this.contextOf(drawing);
    context?.clearRect(0, 0, drawing.width / this.ratio, drawing.height / this.ratio);
    if (context) this.drawing?.(context, view);
    this.isDrawingStale = false;
  }

  private drawCursor(view: View): void {
    const context = this.contextOf(this.canvases.cursor);
    if (!context) return;
    const { cursorRect, cursor } = this;
    if (cursorRect) context.clearRect(cursorRect.x, cursorRect.y, cursorRect.width, cursorRect.height);
    cursor?.draw(context, view);
    this.cursorRect = cursor?.rect ?? null;
  }

  private contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null {
    const context = canvas.getContext('2d');
    context?.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    return context;
  }
}

function setSize(canvas: HTMLCanvasElement, { width, height }: Size, ratio: number): void {
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
}

const isSame = (a: PaintedMask, b: PaintedMask): boolean =>
  a.runs === b.runs &&
  a.strong === b.strong &&
  a.striped === b.striped &&
  a.colour.every((value, i) => value === b.colour[i]);

/** A part of the image as the screen shows it, with the outline's reach around. */
function onScreen([x0, y0, x1, y1]: Extent, { scale, left, top }: View): Rect {
  const x = Math.floor(left + x0 * scale) - 3;
  const y = Math.floor(top + y0 * scale) - 3;
  return {
    x,
    y,
    width: Math.ceil(left + x1 * scale) + 3 - x,
    height: Math.ceil(top + y1 * scale) + 3 - y,
  };
}
