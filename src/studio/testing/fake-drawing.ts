/** Masks and images that are drawn for the fake engine. */

/** A mask of one disc. */
export function circle(
  width: number,
  height: number,
  x: number,
  y: number,
  radius: number,
): Uint8Array<ArrayBuffer> {
  const mask = new Uint8Array(width * height);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      if (Math.hypot(column - x, row - y) < radius) mask[row * width + column] = 1;
  return mask;
}

/** A disc on a plain ground, its colours by the seed. */
export async function fakeBitmap(width: number, height: number, seed: string): Promise<ImageBitmap> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no 2d context');
  const hue = [...seed].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) * 37;
  context.fillStyle = `hsl(${hue % 360} 30% 30%)`;
  context.fillRect(0, 0, width, height);
  context.fillStyle = `hsl(${(hue + 90) % 360} 50% 60%)`;
  context.beginPath();
  context.arc(width / 2, height / 2, Math.min(width, height) / 4, 0, 2 * Math.PI);
  context.fill();
  return createImageBitmap(canvas);
}
