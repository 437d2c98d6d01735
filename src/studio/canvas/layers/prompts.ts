import type { ImageBox, ImagePoint } from '../../../worker/protocol.ts';
import { type Point, toCanvas, type View } from '../view.ts';

const RADIUS = 6;
/** White over black, so that a line shows on any image. */
const OUTLINE = [
  [3, 'rgb(0 0 0 / 70%)'],
  [1.5, '#ffffff'],
] as const;

/** Draws clicks as discs with their sign, with a white and a black ring so that they show on any image. */
export function drawPoints(
  context: CanvasRenderingContext2D,
  points: readonly ImagePoint[],
  view: View,
): void {
  for (const point of points) {
    const { x, y } = toCanvas(view, point);
    context.beginPath();
    context.arc(x, y, RADIUS + 2, 0, 2 * Math.PI);
    context.fillStyle = '#000000';
    context.fill();
    context.beginPath();
    context.arc(x, y, RADIUS + 1, 0, 2 * Math.PI);
    context.fillStyle = '#ffffff';
    context.fill();
    context.beginPath();
    context.arc(x, y, RADIUS - 0.5, 0, 2 * Math.PI);
    context.fillStyle = point.positive ? '#00785a' : '#b3261e';
    context.fill();
    context.strokeStyle = '#ffffff';
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(x - 3, y);
    context.lineTo(x + 3, y);
    if (point.positive) {
      context.moveTo(x, y - 3);
      context.lineTo(x, y + 3);
    }
    context.stroke();
  }
}

/** Draws a box in white over black, so that it shows on any image. */
export function drawBox(context: CanvasRenderingContext2D, box: ImageBox, view: View): void {
  const from = toCanvas(view, { x: box.x0, y: box.y0 });
  const to = toCanvas(view, { x: box.x1, y: box.y1 });
  for (const [width, colour] of OUTLINE) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
  }
}

/** Draws a line from point to point. @param points in canvas pixels. */
function drawLine(context: CanvasRenderingContext2D, points: readonly Point[]): void {
  for (const [width, colour] of OUTLINE) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.beginPath();
    for (const { x, y } of points) context.lineTo(x, y);
    context.stroke();
  }
}

/** Draws the line of a cut. */
export function drawCut(context: CanvasRenderingContext2D, line: readonly Point[], view: View): void {
  drawLine(
    context,
    line.map((point) => toCanvas(view, point)),
  );
}

/** Draws the outline of an open polygon, with its corners as handles. */
export function drawPolygon(context: CanvasRenderingContext2D, corners: readonly Point[], view: View): void {
  const points = corners.map((corner) => toCanvas(view, corner));
  drawLine(context, points);
  points.forEach(({ x, y }, index) => {
    context.beginPath();
    // The first corner is larger: a click on it closes the polygon.
    context.arc(x, y, index === 0 ? 6 : 4, 0, 2 * Math.PI);
    context.fillStyle = '#ffffff';
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = '#000000';
    context.stroke();
  });
}

/** Draws the ring of brush and eraser. @param at canvas pixels, like the radius. */
export function drawBrush(context: CanvasRenderingContext2D, { x, y }: Point, radius: number): void {
  for (const [width, colour] of OUTLINE) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.beginPath();
    context.arc(x, y, Math.max(1, radius), 0, 2 * Math.PI);
    context.stroke();
  }
}

/** Draws the keyboard's crosshair. @param at canvas pixels. */
export function drawCrosshair(context: CanvasRenderingContext2D, { x, y }: Point): void {
  for (const [width, colour] of [
    [4, '#000000'],
    [1.5, '#ffffff'],
  ] as const) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.beginPath();
    context.moveTo(x - 12, y);
    context.lineTo(x + 12, y);
    context.moveTo(x, y - 12);
    context.lineTo(x, y + 12);
    context.stroke();
  }
}
