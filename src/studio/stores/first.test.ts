import { beforeEach, expect, test } from 'vitest';
import type { EngineClient } from '../../worker/client.ts';
import type { DemoImage, PredictRequest } from '../../worker/protocol.ts';
import { linkEngine } from './engine-link.ts';
import {
  answerCells,
  clickCell,
  clickNextCell,
  meanIou,
  openCells,
  selectCloseUp,
  useFirst,
} from './first.ts';

/** Two cells of four pixels, and bare ground between them. */
const IMAGE = {
  imageId: 'image-1',
  name: 'Drawn cells',
  width: 5,
  height: 2,
  bitmap: {},
  labels: Uint16Array.of(1, 1, 0, 2, 2, 1, 1, 0, 2, 2),
  clicks: [
    { object: 1, x: 0, y: 0 },
    { object: 2, x: 4, y: 1 },
  ],
} as unknown as DemoImage;

let asked: PredictRequest[] = [];
/** Set to hold answers back. */
let gate: Promise<void> | null = null;

/** The base marks one pixel, `shipped` three of a cell's four, a run all of them. */
function answerTo({ points: [point], variant }: PredictRequest): Uint8Array {
  const pixels = { base: 1, shipped: 3, run: 4 }[variant.kind];
  const all = (point?.x ?? 0) < 2.5 ? [0, 1, 5, 6] : [9, 8, 4, 3];
  const mask = new Uint8Array(10);
  for (const pixel of all.slice(0, pixels)) mask[pixel] = 1;
  return mask;
}

beforeEach(async () => {
  asked = [];
  gate = null;
  useFirst.setState(useFirst.getInitialState(), true);
  const call = async (name: string, request: unknown) => {
    if (name === 'segment.openDemo') return { ok: true, value: IMAGE };
    asked.push(request as PredictRequest);
    const mask = answerTo(request as PredictRequest);
    await gate;
    return {
      ok: true,
      value: { predictionId: '1', milliseconds: 1, candidates: [{ mask, predictedIou: 1 }] },
    };
  };
  linkEngine({ call } as unknown as EngineClient);
  await openCells();
});

test('every cell is asked of both sides in turn, and only then has a side a figure', async () => {
  const all = answerCells({ kind: 'shipped' });
  expect(meanIou(useFirst.getState().cells, 'tuned')).toBeNull();
  await all;
  expect(asked.map(({ variant }) => variant.kind)).toEqual(['base', 'shipped', 'base', 'shipped']);
  expect(asked[0]?.points).toEqual([{ x: 0.5, y: 0.5, positive: true }]);
  const { cells } = useFirst.getState();
  expect([meanIou(cells, 'base'), meanIou(cells, 'tuned')]).toEqual([0.25, 0.75]);
  expect(selectCloseUp(useFirst.getState())?.object).toBe(1);
});

test('other tuned weights replace the masks of those, and late answers of the old ones are not shown', async () => {
  await answerCells({ kind: 'shipped' });
  let open = (): void => undefined;
  gate = new Promise((resolve) => {
    open = resolve;
  });
  useFirst.setState(({ cells }) => ({ cells: cells.map((cell) => ({ ...cell, masks: {} })) }));
  const old = answerCells({ kind: 'shipped' });
  const now = answerCells({ kind: 'run', runId: 'run-1' });
  open();
  await Promise.all([old, now]);
  expect(meanIou(useFirst.getState().cells, 'tuned')).toBe(1);
});

test('a click takes the place of the example, and has no IoU on bare ground', async () => {
  await answerCells({ kind: 'shipped' });
  await clickCell({ x: 3.2, y: 1.1 });
  expect(selectCloseUp(useFirst.getState())).toMatchObject({ object: 2, masks: { tuned: { iou: 0.75 } } });
  await clickCell({ x: 2.5, y: 0.5 });
  expect(useFirst.getState().own).toMatchObject({ object: 0, masks: { base: { iou: null } } });
  await clickNextCell();
  await clickNextCell();
  expect(useFirst.getState().own?.object).toBe(2);
});
