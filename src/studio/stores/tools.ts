/** The tool in hand on the Segment page, and its settings. */
import * as v from 'valibot';
import { create } from 'zustand';
import { TOOLS, type ToolName } from '../canvas/tools.ts';
import { keepInTab } from './kept.ts';

interface ToolsState {
  readonly tool: ToolName;
  /** The sign of a plain click. */
  readonly positive: boolean;
  /** Radius of brush and eraser, pixels of the image. */
  readonly radius: number;
  /** Whether a person chose the radius, which then stays from image to image. */
  readonly isRadiusChosen: boolean;
  /** Whether the mask that a click would give is shown under the pointer. */
  readonly previews: boolean;
  /** Whether an image's darkest values are shown black and its brightest white. */
  readonly isStretched: boolean;
}

export const BRUSH_RADIUS = { least: 0.5, most: 500 } as const;

export const useTools = create<ToolsState>()(() => ({
  tool: 'click',
  positive: true,
  radius: 8,
  isRadiusChosen: false,
  previews: true,
  isStretched: false,
}));

keepInTab(useTools, 'tools', {
  tool: v.picklist(TOOLS),
  positive: v.boolean(),
  radius: v.number(),
  isRadiusChosen: v.boolean(),
  previews: v.boolean(),
  isStretched: v.boolean(),
});

const set = useTools.setState;

export const chooseTool = (tool: ToolName): void => set({ tool });
export const choosePositive = (positive: boolean): void => set({ positive });
export const choosePreviews = (previews: boolean): void => set({ previews });
export const chooseStretched = (isStretched: boolean): void => set({ isStretched });

export function chooseRadius(radius: number): void {
  if (!Number.isFinite(radius)) return;
  set({ radius: clampedRadius(radius), isRadiusChosen: true });
}

const clampedRadius = (radius: number): number =>
  Math.min(BRUSH_RADIUS.most, Math.max(BRUSH_RADIUS.least, radius));

/** Unless a person chose it, the radius is a 64th of an image's longer side: as wide on the screen for every image. */
export function fitRadius({ width, height }: { readonly width: number; readonly height: number }): void {
  if (useTools.getState().isRadiusChosen) return;
  set({ radius: clampedRadius(Math.round(Math.max(width, height) / 32) / 2) });
}

/** A size up or down, by a quarter and at least half a pixel. */
export function stepRadius(isLarger: boolean): void {
  const { radius } = useTools.getState();
  const step = Math.max(0.5, Math.round(radius / 2) / 2);
  chooseRadius(isLarger ? radius + step : radius - step);
}
