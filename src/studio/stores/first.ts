/** The first minute's image, with the masks that the embedded model gives for a click on each cell, base and tuned. */
import { create } from 'zustand';
import { boxOf, runsOfBitmap } from '../../data/labels/runs.ts';
import type { DemoImage, DemoVariant, FailureRecord } from '../../worker/protocol.ts';
import { callEngine } from './engine-link.ts';
import { Latest } from './latest.ts';
import type { Side } from './segment.ts';

export interface CellMask {
  readonly runs: Uint32Array;
  readonly extent: readonly [x0: number, y0: number, x1: number, y1: number];
  /** With the cell that was drawn there; null where the click was on bare ground. */
  readonly iou: number | null;
}

/** A click, and what each side answered so far. */
export interface CellClick {
  /** Pixels of the image. */
  readonly x: number;
  readonly y: number;
  /** The number of the cell that was drawn there; 0 on bare ground. */
  readonly object: number;
  readonly masks: Readonly<Partial<Record<Side, CellMask>>>;
}

interface FirstState {
  readonly image: DemoImage | null;
  /** Which weights are the tuned ones. */
  readonly tuned: DemoVariant;
  /** The clicks that the page makes by itself. */
  readonly cells: readonly CellClick[];
  /** Where the person clicked last. */
  readonly own: CellClick | null;
  readonly failure: FailureRecord | null;
}

export const useFirst = create<FirstState>()(() => ({
  image: null,
  tuned: { kind: 'shipped' },
  cells: [],
  own: null,
  failure: null,
}));

const set = useFirst.setState;
const get = useFirst.getState;
const latest = new Latest();
const ALL = 'all cells';
const OWN = 'own click';
const SIDES = ['base', 'tuned'] as const satisfies readonly Side[];

/** The cells that both sides have answered. */
export function answeredCells(cells: readonly CellClick[]): readonly CellClick[] {
  return cells.filter(({ masks }) => masks.base && masks.tuned);
}

/** Mean IoU of a side over the cells that both sides have answered; null before all are. */
export function meanIou(cells: readonly CellClick[], side: Side): number | null {
  const ious = answeredCells(cells).flatMap(({ masks }) => masks[side]?.iou ?? []);
  if (ious.length === 0 || ious.length < cells.length) return null;
  return ious.reduce((sum, iou) => sum + iou, 0) / ious.length;
}

/** What is shown close up: the person's click, else the cell that the tuned model gains most on. */
export function selectCloseUp({ own, cells }: FirstState): CellClick | null {
  if (own) return own;
  const gain = ({ masks }: CellClick): number => (masks.tuned?.iou ?? 0) - (masks.base?.iou ?? 0);
  return answeredCells(cells).toSorted((a, b) => gain(b) - gain(a))[0] ?? null;
}

/** Draws the image, once. */
export async function openCells(): Promise<void> {
  if (get().image) return;
  const asked = latest.replace('image');
  const result = await callEngine('segment.openDemo', {});
  if (!latest.accept('image', asked)) return;
  if (!result.ok) {
    set({ failure: result.error });
    return;
  }
  const image = result.value;
  const cells = image.clicks.map(
    ({ x, y, object }): CellClick => ({ x: x + 0.5, y: y + 0.5, object, masks: {} }),
  );
  set({ image, cells, failure: null });
}

/**
 * Asks for the masks that are not there yet: for each cell the base's and the tuned, one after the other, so that both
 * sides fill up together. Other tuned weights than before replace the masks of those.
 */
export async function answerCells(tuned: DemoVariant): Promise<void> {
  const isOther = JSON.stringify(tuned) !== JSON.stringify(get().tuned);
  const without = (click: CellClick): CellClick => {
    const { tuned: _, ...masks } = click.masks;
    return { ...click, masks };
  };
  if (isOther) set(({ cells, own }) => ({ tuned, cells: cells.map(without), own: own && without(own) }));
  set({ failure: null });
  const asked = latest.replace(ALL);
  const { own } = get();
  if (own) void clickCell(own);
  for (const { object } of get().cells) {
    for (const side of SIDES) {
      const cell = get().cells.find((each) => each.object === object);
      if (!cell || cell.masks[side]) continue;
      const mask = await maskOf(cell, side);
      if (!latest.isCurrent(ALL, asked)) return;
      if (!mask) return;
      set(({ cells }) => ({
        cells: cells.map((each) => (each.object === object ? withMask(each, side, mask) : each)),
      }));
    }
  }
}

/** Answers a person's click with both. @param at pixels of the image. */
export async function clickCell(at: Pick<CellClick, 'x' | 'y'>): Promise<void> {
  const { image } = get();
  if (!image) return;
  const asked = latest.replace(OWN);
  const object = image.labels[Math.floor(at.y) * image.width + Math.floor(at.x)] ?? 0;
  const click: CellClick = { x: at.x, y: at.y, object, masks: {} };
  set({ own: click });
  for (const side of SIDES) {
    const mask = await maskOf(click, side);
    if (!latest.isCurrent(OWN, asked) || !mask) return;
    set(({ own }) => ({ own: own && withMask(own, side, mask) }));
  }
}

/** Clicks on the cell after the one that was clicked last. */
export async function clickNextCell(): Promise<void> {
  const { own, cells } = get();
  const next = cells[(cells.findIndex(({ object }) => object === own?.object) + 1) % cells.length];
  if (next) await clickCell(next);
}

const withMask = (click: CellClick, side: Side, mask: CellMask): CellClick => ({
  ...click,
  masks: { ...click.masks, [side]: mask },
});

/** Null where it failed, which is shown. */
async function maskOf({ x, y, object }: CellClick, side: Side): Promise<CellMask | null> {
  const { image, tuned } = get();
  if (!image) return null;
  const result = await callEngine('segment.predict', {
    imageId: image.imageId,
    variant: side === 'base' ? { kind: 'base' } : tuned,
    points: [{ x, y, positive: true }],
    box: null,
    previous: null,
    isPreview: true,
  });
  if (!result.ok) {
    set({ failure: result.error });
    return null;
  }
  const mask = result.value.candidates[0]?.mask ?? new Uint8Array();
  const runs = runsOfBitmap(mask);
  return {
    runs,
    extent: boxOf(runs, image.width) ?? [0, 0, 0, 0],
    iou: object === 0 ? null : iouWith(mask, image.labels, object),
  };
}

/** Overlap of a mask with the pixels of one value. */
function iouWith(mask: Uint8Array, labels: Uint16Array, value: number): number {
  let both = 0;
  let either = 0;
  for (let i = 0; i < labels.length; i++) {
    const isTrue = labels[i] === value;
    const isFound = mask[i] === 1;
    if (isTrue && isFound) both++;
    if (isTrue || isFound) either++;
  }
  return both / either;
}
