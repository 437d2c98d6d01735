import { type Point, panView, type View, zoomView } from './view.ts';

/**
 * Fingers on the canvas, by pointer. Two of them move and zoom the view, so that what lies under them stays there.
 * Positions are in canvas pixels.
 */
export class Pinch {
  private readonly fingers = new Map<number, Point>();

  /** Whether two fingers or more are down: the tool in use is then given up. */
  get isActive(): boolean {
    return this.fingers.size >= 2;
  }

  down(id: number, at: Point): void {
    this.fingers.set(id, at);
  }

  /** @returns the view once the finger is at its new place. */
  move(id: number, at: Point, view: View): View {
    const [first, second] = [...this.fingers.keys()];
    if (!this.fingers.has(id)) return view;
    const before = this.spread(first, second);
    this.fingers.set(id, at);
    const after = this.spread(first, second);
    if (!before || !after || (id !== first && id !== second)) return view;
    const moved = panView(view, after.middle.x - before.middle.x, after.middle.y - before.middle.y);
    return before.distance > 0 ? zoomView(moved, after.distance / before.distance, after.middle) : moved;
  }

  up(id: number): void {
    this.fingers.delete(id);
  }

  private spread(
    first: number | undefined,
    second: number | undefined,
  ): { readonly middle: Point; readonly distance: number } | null {
    const a = first === undefined ? undefined : this.fingers.get(first);
    const b = second === undefined ? undefined : this.fingers.get(second);
    if (!a || !b) return null;
    return {
      middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 },
      distance: Math.hypot(a.x - b.x, a.y - b.y),
    };
  }
}
