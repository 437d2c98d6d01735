import type { Random } from '../config/random.ts';
import type { TrainConfig } from '../config/train.ts';
import { IGNORED } from '../data/objects.ts';
import { type ImageTransform, toModel } from '../data/preprocess.ts';
import type { Box, ObjectRegion } from '../data/types.ts';
import { pixelOfObject, type ViewObjects } from '../data/view-objects.ts';
import type { ObjectPrompt, PointPrompt } from '../sam/prompts.ts';

/** The kind of an object's first prompt. `whole` is a box around the image, for all pixels of a class. */
export type FirstPrompt = 'click' | 'box' | 'whole';

/** The kinds of first prompt that a config alternates between; clicks when all are switched off. */
export function firstPrompts(
  config: Pick<TrainConfig, 'clickPrompts' | 'boxPrompts' | 'wholePrompts'>,
): FirstPrompt[] {
  const kinds: FirstPrompt[] = [];
  if (config.clickPrompts) kinds.push('click');
  if (config.boxPrompts) kinds.push('box');
  if (config.wholePrompts) kinds.push('whole');
  return kinds.length > 0 ? kinds : ['click'];
}

/** A click on a pixel of the object, each equally likely. */
export function clickPrompt(
  objects: ViewObjects,
  region: ObjectRegion,
  transform: ImageTransform,
  random: Random,
): ObjectPrompt {
  const [x, y] = pixelOfObject(objects, region, random.integer(region.area));
  return pointPrompt(transform, x + 0.5, y + 0.5);
}

/** One positive click, given in pixels of the original image. */
export function pointPrompt(transform: ImageTransform, x: number, y: number): ObjectPrompt {
  const [modelX, modelY] = toModel(transform, x, y);
  return { points: [{ x: modelX, y: modelY, positive: true }] };
}

/** A box prompt, given in pixels of the original image. */
export function boxPrompt(transform: ImageTransform, [x0, y0, x1, y1]: Box): ObjectPrompt {
  return { points: [], box: [...toModel(transform, x0, y0), ...toModel(transform, x1, y1)] };
}

/** The object's box with each side moved by up to `jitter` of its width or height, kept inside the image. */
export function jitteredBox(
  { width, height }: Pick<ViewObjects, 'width' | 'height'>,
  { box: [x0, y0, x1, y1] }: ObjectRegion,
  jitter: number,
  random: Random,
): Box {
  const [w, h] = [x1 - x0, y1 - y0];
  const moved = (at: number, side: number, limit: number) =>
    Math.min(limit, Math.max(0, at + random.range(-jitter, jitter) * side));
  return [moved(x0, w, width), moved(y0, h, height), moved(x1, w, width), moved(y1, h, height)];
}

/** The low-res cells that show the image: columns below `width` and rows below `height`; the rest is padding. */
export function validCells(
  { inputSize: [height, width], modelSize }: ImageTransform,
  side: number,
): { readonly width: number; readonly height: number } {
  const cell = modelSize / side;
  const count = (pixels: number) => Math.max(1, Math.min(side, Math.round(pixels / cell)));
  return { width: count(width), height: count(height) };
}

/**
 * The next corrective click: a cell of the larger of the two errors (missed, or marked too much), or of the target
 * when there is no error; each cell is equally likely. Padding and ignored cells are never clicked.
 * @param logits [side, side] of the mask to correct; @param target [side, side] of 0 and 1, and of -1 (`IGNORED`).
 */
export function correctiveClick(
  logits: Float32Array,
  target: Float32Array,
  transform: ImageTransform,
  side: number,
  random: Random,
): PointPrompt {
  const valid = validCells(transform, side);
  const cells = { missed: [] as number[], extra: [] as number[], target: [] as number[] };
  for (let y = 0; y < valid.height; y++) {
    for (let x = 0; x < valid.width; x++) {
      const at = y * side + x;
      if (target[at] === IGNORED) continue;
      const isSet = (logits[at] ?? 0) > 0;
      const isTarget = (target[at] ?? 0) > 0.5;
      if (isTarget) cells.target.push(at);
      if (isTarget && !isSet) cells.missed.push(at);
      if (!isTarget && isSet) cells.extra.push(at);
    }
  }
  const positive = cells.missed.length >= cells.extra.length;
  const wrong = positive ? cells.missed : cells.extra;
  const from = wrong.length > 0 ? wrong : cells.target;
  const cell = from[random.integer(Math.max(1, from.length))] ?? 0;
  const scale = transform.modelSize / side;
  return { x: ((cell % side) + 0.5) * scale, y: (Math.floor(cell / side) + 0.5) * scale, positive };
}
