/**
 * Polygons that are being drawn, each of its image: they are no objects yet, and stay while another tool is taken, while another
 * image or page is open, and over a reload.
 */
import * as v from 'valibot';
import { create } from 'zustand';
import type { Point } from '../../data/labels/shapes.ts';
import { keepInTab } from './kept.ts';
import { useSegment } from './segment.ts';

export const useOutlines = create<{ readonly corners: Readonly<Record<string, readonly Point[]>> }>()(() => ({
  corners: {},
}));
keepInTab(useOutlines, 'outlines', {
  corners: v.record(v.string(), v.array(v.object({ x: v.number(), y: v.number() }))),
});

function openKey(): string {
  const { source, image } = useSegment.getState();
  return JSON.stringify(source?.kind === 'sample' ? [source.datasetId, source.sampleId] : [image?.name]);
}

const NONE: readonly Point[] = [];

/** The corners of the polygon of the open image; none where there is no such. */
export const openOutline = (): readonly Point[] => useOutlines.getState().corners[openKey()] ?? NONE;

/** @param corners none where the polygon is closed or given up. */
export function keepOutline(corners: readonly Point[]): void {
  if (corners === openOutline()) return;
  const { [openKey()]: _, ...others } = useOutlines.getState().corners;
  useOutlines.setState({ corners: corners.length > 0 ? { ...others, [openKey()]: corners } : others });
}
