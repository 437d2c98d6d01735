import { describe, expect, it } from 'vitest';
import { MICRO_SAM } from '../testing/micro-model.ts';
import {
  answerToken,
  answerTokens,
  groupPrompts,
  type ObjectPrompt,
  packPrompts,
  slicePrompts,
  tokensOf,
} from './prompts.ts';

const point = (x: number, y: number, positive = true) => ({ x, y, positive });

describe('tokens of a prompt', () => {
  it('ends clicks with the padding point, and boxes with their corners', () => {
    expect(tokensOf({ points: [point(1, 2), point(3, 4, false)] }, MICRO_SAM)).toEqual({
      coords: [1, 2, 3, 4, 0, 0],
      labels: [1, 0, -1],
    });
    expect(tokensOf({ points: [], box: [1, 2, 3, 4] }, MICRO_SAM)).toEqual({
      coords: [1, 2, 3, 4],
      labels: [2, 3],
    });
    expect(tokensOf({ points: [point(9, 9)], box: [1, 2, 3, 4] }, MICRO_SAM).labels).toEqual([1, 2, 3]);
  });

  it('pads a box too where the model is a SAM 2, so that it has a token more than a click', () => {
    const sam2 = { decoder: { ...MICRO_SAM.decoder, kind: 'sam2' as const } };
    expect(tokensOf({ points: [], box: [1, 2, 3, 4] }, sam2)).toEqual({
      coords: [1, 2, 3, 4, 0, 0],
      labels: [2, 3, -1],
    });
    expect(tokensOf({ points: [point(9, 9)] }, sam2).labels).toEqual([1, -1]);
    const mixed = [{ points: [point(1, 2)] }, { points: [], box: [1, 2, 3, 4] as const }];
    expect(groupPrompts(mixed, sam2)).toEqual([[0], [1]]);
  });

  it('has none for a mask alone', () => {
    expect(tokensOf({ points: [], mask: new Float32Array(4) }, MICRO_SAM)).toEqual({
      coords: [],
      labels: [],
    });
  });
});

describe('the answer to a prompt', () => {
  const click = { points: [point(1, 2)] };
  const box = { points: [], box: [0, 0, 4, 4] as const };
  const iou = [0.9, 0.1, 0.5, 0.3];
  const stable = Float32Array.of(-3, 2, 5);

  it('is the best candidate after a single click, else the mask for prompts that leave no doubt', () => {
    const first = (prompt: ObjectPrompt) => answerToken(prompt, { iou, masks: [stable] }, MICRO_SAM);
    expect(first(click)).toBe(2);
    expect(first({ ...click, ...box, points: click.points })).toBe(0);
    expect(first({ points: [point(1, 2), point(3, 4)] })).toBe(0);
    expect(answerTokens(box, { iou, masks: [stable] }, MICRO_SAM)).toEqual([0, 2, 3, 1]);
    const unsure = new Float32Array(100).fill(0.04);
    expect(answerTokens(box, { iou, masks: [unsure] }, MICRO_SAM)).toEqual([0, 2, 3, 1]);
  });

  // The same as `_dynamic_multimask_via_stability` of transformers' Sam2MaskDecoder.
  it.each([
    ['a mask far from its threshold', stable, [0, 2, 3, 1]],
    ['no mask at all', new Float32Array(100).fill(-1), [0, 2, 3, 1]],
    [
      '98 of 100 pixels that stay',
      Float32Array.from({ length: 100 }, (_, i) => (i < 98 ? 1 : 0.04)),
      [0, 2, 3, 1],
    ],
    [
      '97 of 100 pixels that stay',
      Float32Array.from({ length: 100 }, (_, i) => (i < 97 ? 1 : -0.04)),
      [2, 3, 1, 0],
    ],
  ])('of a SAM 2 is a candidate where its own is not stable: %s', (_, mask, tokens) => {
    const sam2 = { decoder: { ...MICRO_SAM.decoder, kind: 'sam2' as const } };
    expect(answerTokens(box, { iou, masks: [mask] }, sam2)).toEqual(tokens);
    expect(answerTokens(click, { iou, masks: [mask] }, sam2)).toEqual([2, 3, 1]);
  });
});

describe('packing', () => {
  const prompts = [
    { points: [point(1, 2)] },
    { points: [], box: [1, 2, 3, 4] as const },
    { points: [point(5, 6), point(7, 8)] },
    { points: [point(0, 0)], mask: Float32Array.of(1, 2, 3, 4) },
    { points: [point(3, 3)], mask: Float32Array.of(5, 6, 7, 8) },
  ];

  it('groups what has one shape', () => {
    expect(groupPrompts(prompts, MICRO_SAM)).toEqual([[0, 1], [2], [3, 4]]);
  });

  it('refuses to pack different shapes', () => {
    expect(() => packPrompts(prompts, MICRO_SAM)).toThrow(RangeError);
    expect(() =>
      packPrompts(
        [prompts[0], prompts[3]].flatMap((p) => p ?? []),
        MICRO_SAM,
      ),
    ).toThrow(RangeError);
  });

  it('cuts packed prompts into passes', () => {
    const packed = packPrompts(prompts.slice(3), MICRO_SAM);
    const second = slicePrompts(packed, 1, 2);
    expect([...second.coords]).toEqual([3, 3, 0, 0]);
    expect([...second.labels]).toEqual([1, -1]);
    expect([...(second.maskInput ?? [])]).toEqual([5, 6, 7, 8]);
  });
});
