import type { LabelMap, RgbImage } from '../data/types.ts';
import { sizeOfView, turnedView, type View, wholeView } from '../data/view.ts';

/** What a view shows, copied pixel by pixel: what everything that reads views is compared with. */
export function copyView(data: ArrayLike<number>, stride: number, channels: number, view: View): number[] {
  const { x0, y0, width, height, mirrorsX, mirrorsY, isTransposed } = view;
  const shown = sizeOfView(view);
  const out: number[] = [];
  for (let y = 0; y < shown.height; y++) {
    for (let x = 0; x < shown.width; x++) {
      const [u, v] = isTransposed ? [y, x] : [x, y];
      const column = x0 + (mirrorsX ? width - 1 - u : u);
      const row = y0 + (mirrorsY ? height - 1 - v : v);
      for (let c = 0; c < channels; c++) out.push(data[(row * stride + column) * channels + c] ?? Number.NaN);
    }
  }
  return out;
}

export function copyImage(image: RgbImage, view: View): RgbImage {
  return {
    ...sizeOfView(view),
    channels: 3,
    data: Uint8Array.from(copyView(image.data, image.width, 3, view)),
  };
}

export function copyLabels(labels: LabelMap, view: View): LabelMap {
  return { ...sizeOfView(view), data: Int32Array.from(copyView(labels.data, labels.width, 1, view)) };
}

/** The eight ways to look at a rectangle of an image of that size, and at the whole. */
export function someViews(width: number, height: number): View[] {
  const whole = wholeView({ width, height });
  const part = {
    ...whole,
    x0: Math.floor(width / 5),
    y0: Math.floor(height / 4),
    width: Math.ceil(width / 2),
    height: Math.ceil(height / 3),
  };
  return [whole, part].flatMap((view) =>
    [0, 1, 2, 3].flatMap((turns) => [
      turnedView(view, false, false, turns),
      turnedView(view, true, false, turns),
    ]),
  );
}
