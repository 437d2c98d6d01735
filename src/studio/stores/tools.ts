/** The tool in hand on the Segment page, and its settings. */
import { create } from 'zustand';
import type { ToolName } from '../canvas/tools.ts';

interface ToolsState {
  readonly tool: ToolName;
  /** The sign of a plain click. */
  readonly positive: boolean;
  /** Radius of brush and eraser, pixels of the image. */
  readonly radius: number;
  /** Whether the mask that a click would give is shown under the pointer. */
  readonly previews: boolean;
}

export const BRUSH_RADIUS = { least: 0.5, most: 500 } as const;

export const useTools = create<ToolsState>()(() => ({
  tool: 'click',
  positive: true,
  radius: 8,
  previews: true,
}));

const set = useTools.setState;

export const chooseTool = (tool: ToolName): void => set({ tool });
export const choosePositive = (positive: boolean): void => set({ positive });
export const choosePreviews = (previews: boolean): void => set({ previews });

export function chooseRadius(radius: number): void {
  if (!Number.isFinite(radius)) return;
  set({ radius: Math.min(BRUSH_RADIUS.most, Math.max(BRUSH_RADIUS.least, radius)) });
}

/** A size up or down, by a quarter and at least half a pixel. */
export function stepRadius(isLarger: boolean): void {
  const { radius } = useTools.getState();
  const step = Math.max(0.5, Math.round(radius / 2) / 2);
  chooseRadius(isLarger ? radius + step : radius - step);
}
