import { boxOf } from '../../../data/labels/runs.ts';
import type { LabelObject, Runs } from '../../../data/labels/types.ts';
import type { OpenedImage } from '../../../worker/protocol.ts';
import type { Extent, PaintedMask, Rgb } from '../../canvas/layers/masks.ts';
import {
  drawBox,
  drawBrush,
  drawCrosshair,
  drawCut,
  drawPoints,
  drawPolygon,
} from '../../canvas/layers/prompts.ts';
import { Pinch } from '../../canvas/pinch.ts';
import { visibleRegion } from '../../canvas/region.ts';
import type { Stage } from '../../canvas/stage.ts';
import {
  boxBetween,
  cancelled,
  IDLE,
  type PointerDown,
  pointerDown,
  pointerMove,
  pointerUp,
  type ToolRequest,
  type ToolState,
  type ToolStep,
} from '../../canvas/tools.ts';
import {
  fitView,
  isInside,
  type Point,
  panView,
  regionView,
  type Size,
  toCanvas,
  toImage,
  type View,
  withinImage,
  zoomView,
} from '../../canvas/view.ts';
import { cancelStroke, endStroke, startStroke, stroke, useBrush } from '../../stores/brush.ts';
import { useEdit } from '../../stores/edit-history.ts';
import { useFind } from '../../stores/find-state.ts';
import { hoverAt, useHover } from '../../stores/hover.ts';
import { selectObjects, toggleObject, useLabels } from '../../stores/labels.ts';
import { addBox, addPolygon, candidateRuns, cutAt, objectAt } from '../../stores/objects.ts';
import { keepOutline, openOutline, useOutlines } from '../../stores/outlines.ts';
import { addPoint } from '../../stores/prompts.ts';
import { shownAnswer, showRegion, useSegment } from '../../stores/segment.ts';
import { useTools } from '../../stores/tools.ts';
import { maskColour, objectColour } from '../../theme/colours.ts';

/** Milliseconds for which the view stands still before it counts as what the model may look at. */
const SETTLE = 100;

/** An object's place among those of the image; a new one comes last. */
function placeOf(objectId: string): number {
  const { objects } = useEdit.getState();
  const at = objects.findIndex(({ id }) => id === objectId);
  return at < 0 ? objects.length : at;
}

/**
 * Drives the canvases of one image: pointer and keys move the view and the tools, whose requests go to the stores; and
 * what the stores hold is painted. It does not go through React, which would be too slow for a brush.
 */
export class CanvasControl {
  private view: View | null = null;
  /** Whether the view is that of the whole image, and follows the canvas's size. */
  private isFitted = false;
  private size: Size = { width: 0, height: 0 };
  private state: ToolState = IDLE;
  private cross: Point;
  /** Where the pointer is, in canvas pixels; null while it is elsewhere. */
  private pointer: Point | null = null;
  private isKeyboard = false;
  private readonly pinch = new Pinch();
  private readonly extents = new WeakMap<Runs, Extent | null>();
  private readonly endings: (() => void)[];
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** @param surface the topmost canvas, which the pointer is on. */
  constructor(
    readonly image: OpenedImage,
    private readonly stage: Stage,
    private readonly surface: HTMLElement,
  ) {
    this.cross = { x: image.width / 2, y: image.height / 2 };
    this.state = this.resting();
    const paint = (): void => this.paintMasks();
    this.endings = [
      useEdit.subscribe(() => {
        this.paintMasks();
        this.paintDrawing();
      }),
      useLabels.subscribe(paint),
      useSegment.subscribe(paint),
      useHover.subscribe(paint),
      useFind.subscribe((now, before) => {
        if (now.objects !== before.objects || now.chosen !== before.chosen) paint();
      }),
      useTools.subscribe((now, before) => {
        if (now.tool !== before.tool) this.interrupt();
        this.paintCursor();
      }),
      useOutlines.subscribe(() => {
        const { state } = this;
        if (state.mode === 'outlining' && state.moving === null && state.corners !== openOutline())
          this.interrupt();
      }),
      useBrush.subscribe(({ stroke: now }) => {
        if (!now) paint();
        else this.stage.changePart(this.painted(now.object, placeOf(now.object.id), true), now.part);
      }),
    ];
  }

  close(): void {
    clearTimeout(this.timer);
    this.interrupt();
    hoverAt(null);
    for (const end of this.endings) end();
    this.stage.close();
  }

  get crosshair(): Point {
    return this.cross;
  }

  get toolState(): ToolState {
    return this.state;
  }

  resize(size: Size, ratio: number): void {
    const { view, size: before } = this;
    this.size = size;
    const { visible } = useSegment.getState();
    // What a person looks at stays in the middle, and comes again when they come back to the page.
    const kept = view
      ? panView(view, (size.width - before.width) / 2, (size.height - before.height) / 2)
      : visible && regionView(visible, size);
    const isFitted = !kept || this.isFitted;
    const shown = isFitted ? fitView(this.image, size) : kept;
    this.stage.resize(size, ratio, shown);
    this.show(shown);
    this.isFitted = isFitted;
    if (!view) {
      this.paintMasks();
      this.paintDrawing();
    }
  }

  fit(): void {
    this.show(fitView(this.image, this.size));
    this.isFitted = true;
  }

  /** @param at canvas pixels; by default the middle. */
  zoom(factor: number, at: Point = { x: this.size.width / 2, y: this.size.height / 2 }): void {
    if (this.view) this.show(zoomView(this.view, factor, at));
  }

  moveCrosshair(point: Point): void {
    this.cross = withinImage(point, this.image);
    if (this.view) this.apply(pointerMove(this.state, this.cross, toCanvas(this.view, this.cross)));
    this.showCrosshair(true);
  }

  /** The keyboard's crosshair is shown while the image has the focus by keyboard, and once a key uses it. */
  showCrosshair(isShown: boolean): void {
    this.isKeyboard = isShown;
    this.paintCursor();
  }

  /** What the left button does, at the crosshair: clicks, or begins and ends what is drawn. */
  press(shift: boolean): void {
    if (!this.view) return;
    this.showCrosshair(true);
    if (['boxing', 'painting', 'cutting'].includes(this.state.mode)) {
      this.apply(pointerUp(this.state));
      return;
    }
    this.apply(pointerDown(this.state, this.gesture(this.cross, toCanvas(this.view, this.cross), shift)));
    const { mode } = this.state;
    if (mode === 'pressing' || mode === 'outlining') this.apply(pointerUp(this.state));
  }

  private gesture(image: Point, canvas: Point, shift: boolean): PointerDown {
    const { tool, positive } = useTools.getState();
    const scale = this.view?.scale ?? 1;
    return { tool, positive, button: 0, shift, alt: false, image, canvas, scale };
  }

  down(event: PointerEvent): void {
    const at = this.pointsOf(event);
    if (!at) return;
    if (event.pointerType === 'touch') {
      this.pinch.down(event.pointerId, at.canvas);
      if (this.pinch.isActive) {
        this.interrupt();
        return;
      }
    }
    hoverAt(null);
    // What is visible now is what the prompt is answered in.
    this.settle();
    const { button, shiftKey: shift, altKey: alt } = event;
    const isDrawing = useTools.getState().tool !== 'click' && this.state.mode !== 'panning';
    const image = isDrawing ? withinImage(at.image, this.image) : at.image;
    this.apply(pointerDown(this.state, { ...this.gesture(image, at.canvas, shift), button, alt }));
  }

  move(event: PointerEvent): void {
    const at = this.pointsOf(event);
    if (!at || !this.view) return;
    if (this.pinch.isActive) {
      this.show(this.pinch.move(event.pointerId, at.canvas, this.view));
      return;
    }
    if (event.pointerType === 'touch') this.pinch.move(event.pointerId, at.canvas, this.view);
    // Browsers tell of moves too when the page changes under a pointer that rests.
    if (at.canvas.x !== this.pointer?.x || at.canvas.y !== this.pointer.y) this.isKeyboard = false;
    this.pointer = at.canvas;
    if (this.state.mode === 'painting') {
      // Every place that the pointer was at since the last frame, or fast strokes would have corners.
      const passed = event.getCoalescedEvents?.() ?? [];
      for (const one of passed.length > 0 ? passed : [event]) this.moveTo(one);
    } else if (this.state.mode !== 'idle') this.moveTo(event);
    else hoverAt(isInside(at.image, this.image) ? at.image : null);
    this.paintCursor();
  }

  private moveTo(event: PointerEvent): void {
    const at = this.pointsOf(event);
    if (at) this.apply(pointerMove(this.state, withinImage(at.image, this.image), at.canvas));
  }

  up(event: PointerEvent): void {
    const wasPinch = this.pinch.isActive;
    this.pinch.up(event.pointerId);
    if (!wasPinch) this.apply(pointerUp(this.state));
  }

  leave(event: PointerEvent): void {
    this.pinch.up(event.pointerId);
    this.pointer = null;
    hoverAt(null);
    this.paintCursor();
  }

  /** Gives up what is being drawn. */
  cancel(): void {
    this.apply(cancelled(this.state));
  }

  /** Gives up what is being drawn, but for a polygon, which waits as it was before the last gesture. */
  interrupt(): void {
    const { request } = cancelled(this.state);
    this.go(this.resting());
    this.request(request);
  }

  /** Between gestures: nothing is being drawn, or a polygon. */
  private resting(): ToolState {
    const corners = openOutline();
    const isOutlining = corners.length > 0 && useTools.getState().tool === 'polygon';
    return isOutlining ? { mode: 'outlining', corners, moving: null } : IDLE;
  }

  private go(state: ToolState): void {
    const isDrawn = isShown(this.state) || isShown(state);
    this.state = state;
    if (isDrawn) this.paintDrawing();
  }

  apply({ state, request }: ToolStep): void {
    const wasOutlining = this.state.mode === 'outlining';
    this.go(state);
    if (state.mode !== 'outlining') {
      if (wasOutlining) keepOutline([]);
    } else if (state.moving === null) keepOutline(state.corners);
    this.request(request);
  }

  private request(request: ToolRequest | null): void {
    switch (request?.kind) {
      case undefined:
        return;
      case 'point':
        if (isInside(request.point, this.image))
          void addPoint({ ...request.point, positive: request.positive });
        return;
      case 'box':
        void addBox(request.box, request.further);
        return;
      case 'select': {
        const found = objectAt(request.point);
        if (found) toggleObject(found.id, request.adds);
        else if (!request.adds) selectObjects([]);
        return;
      }
      case 'paint-start':
        startStroke(request.at, request.erases);
        return;
      case 'paint':
        stroke(request.from, request.to);
        return;
      case 'paint-end':
        endStroke();
        return;
      case 'paint-cancel':
        cancelStroke();
        return;
      case 'cut':
        cutAt(request.line);
        return;
      case 'polygon':
        addPolygon(request.corners);
        return;
      case 'pan':
        if (this.view) this.show(panView(this.view, request.dx, request.dy));
        return;
    }
  }

  private pointsOf(event: PointerEvent): { readonly canvas: Point; readonly image: Point } | null {
    if (!this.view) return null;
    const { left, top } = this.surface.getBoundingClientRect();
    const canvas = { x: event.clientX - left, y: event.clientY - top };
    return { canvas, image: toImage(this.view, canvas) };
  }

  private show(view: View): void {
    this.view = view;
    this.isFitted = false;
    this.stage.show(view);
    this.surface.dataset.view = `${view.scale} ${view.left} ${view.top}`;
    this.paintCursor();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settle(), SETTLE);
  }

  private settle(): void {
    clearTimeout(this.timer);
    if (this.view) showRegion(visibleRegion(this.view, this.size, this.image));
  }

  private paintMasks(): void {
    const { objects } = useEdit.getState();
    const { selected } = useLabels.getState();
    const { stroke: now } = useBrush.getState();
    const masks = objects.flatMap((object, i) => {
      if (object.hidden) return [];
      const isPainted = object.id === now?.object.id;
      return [this.painted(isPainted ? now.object : object, i, isPainted || selected.includes(object.id))];
    });
    if (now && !objects.some(({ id }) => id === now.object.id))
      masks.push(this.painted(now.object, objects.length, true));
    const found = useFind.getState();
    const { classes } = useLabels.getState();
    const unknown = maskColour(this.surface);
    for (const [i, { runs, classValue }] of found.objects.entries()) {
      const id = `found ${i}`;
      const isTold = classValue !== undefined && classes.length > 1;
      const colour = isTold ? objectColour({ classValue }, i, classes) : unknown;
      masks.push({ ...this.mask(id, runs, colour, i === found.chosen), striped: true });
    }
    const { runs: hovered } = useHover.getState();
    const answer = shownAnswer();
    const candidate = answer?.prediction.candidates[answer.candidate];
    const colour = maskColour(this.surface);
    if (candidate) masks.push(this.mask('candidate', candidateRuns(candidate), colour, true));
    else if (hovered) masks.push(this.mask('hover', hovered, colour, false));
    this.stage.setMasks(masks);
  }

  /** @param index the object's place among those of the image. */
  private painted(object: LabelObject, index: number, strong: boolean): PaintedMask {
    const { classes } = useLabels.getState();
    return this.mask(object.id, object.runs, objectColour(object, index, classes), strong);
  }

  private mask(id: string, runs: Runs, colour: Rgb, strong: boolean): PaintedMask {
    let extent = this.extents.get(runs);
    if (extent === undefined) {
      extent = boxOf(runs, this.image.width);
      this.extents.set(runs, extent);
    }
    return { id, runs, extent: extent ?? [0, 0, 0, 0], colour, strong };
  }

  private paintDrawing(): void {
    const { prompts } = useEdit.getState();
    const { state } = this;
    this.stage.setDrawing((context, view) => {
      if (prompts.box) drawBox(context, prompts.box, view);
      if (state.mode === 'boxing') drawBox(context, boxBetween(state.from, state.to), view);
      if (state.mode === 'cutting') drawCut(context, state.line, view);
      if (state.mode === 'outlining') drawPolygon(context, state.corners, view);
      drawPoints(context, prompts.points, view);
    });
  }

  /** Pixels around the crosshair and around the brush's ring that they cover. */
  private paintCursor(): void {
    const { view, pointer } = this;
    const { tool, radius } = useTools.getState();
    const isBrush = tool === 'brush' || tool === 'eraser';
    const cross = this.isKeyboard && view ? toCanvas(view, this.cross) : null;
    const ring = isBrush ? (cross ?? pointer) : null;
    const middle = cross ?? ring;
    if (!view || !middle) {
      this.stage.setCursor(null);
      return;
    }
    const reach = Math.max(16, ring ? radius * view.scale + 3 : 0);
    const rect = { x: middle.x - reach, y: middle.y - reach, width: 2 * reach, height: 2 * reach };
    this.stage.setCursor({
      rect,
      draw: (context) => {
        if (ring) drawBrush(context, ring, radius * view.scale);
        if (cross) drawCrosshair(context, cross);
      },
    });
  }
}

/** Whether something is drawn of a tool's state itself. */
const isShown = ({ mode }: ToolState): boolean =>
  mode === 'boxing' || mode === 'cutting' || mode === 'outlining';
