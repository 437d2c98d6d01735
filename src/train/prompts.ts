import type { Random } from '../config/random.ts';
import type { TrainConfig } from '../config/train.ts';
import { type ImageTransform, toModel } from '../data/preprocess.ts';
import type { Box, ObjectRegion } from '../data/types.ts';
import { pixelOfObject, type ViewObjects } from '../data/view-objects.ts';
import type { ObjectPrompt } from '../sam/prompts.ts';

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
