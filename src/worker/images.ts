/** Images for the page: whole as bitmaps, small with their objects laid over. */
import { IGNORED } from '../data/objects.ts';
import { resizeImage } from '../data/resize.ts';
import type { ObjectSet, RgbImage } from '../data/types.ts';

/** Colours of objects, told apart by colour-blind people too (Okabe and Ito). */
const OBJECT_COLOURS = [
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [213, 94, 0],
  [204, 121, 167],
] as const;
const OVERLAY_SHARE = 0.55;
/** Pixels from one white line over what is ignored to the next. */
const HATCH = 6;

/** An image for a canvas. */
export function bitmapOf(image: RgbImage): Promise<ImageBitmap> {
  return createImageBitmap(imageDataOf(image));
}

/** Scaled so that the longer side is at most `size`; objects, where given, are tinted, and what is ignored is hatched. */
export function renderThumbnail(image: RgbImage, objects: ObjectSet | null, size: number): ImageBitmap {
  return drawThumbnail(image, objects, size).transferToImageBitmap();
}

/** The same as a JPEG. */
export async function encodeThumbnail(
  image: RgbImage,
  objects: ObjectSet | null,
  size: number,
): Promise<Uint8Array> {
  const jpeg = await drawThumbnail(image, objects, size).convertToBlob({ type: 'image/jpeg', quality: 0.8 });
  return new Uint8Array(await jpeg.arrayBuffer());
}

function drawThumbnail(image: RgbImage, objects: ObjectSet | null, size: number): OffscreenCanvas {
  const scale = Math.min(1, size / Math.max(image.width, image.height));
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  const small = resizeImage(image, width, height);
  if (objects) tint(small, objects);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')?.putImageData(imageDataOf(small), 0, 0);
  return canvas;
}

function tint({ width, height, data }: RgbImage, objects: ObjectSet): void {
  for (let y = 0; y < height; y++) {
    const from =
      Math.min(objects.height - 1, Math.floor(((y + 0.5) * objects.height) / height)) * objects.width;
    for (let x = 0; x < width; x++) {
      const column = Math.min(objects.width - 1, Math.floor(((x + 0.5) * objects.width) / width));
      const id = objects.map[from + column] ?? 0;
      if (id === IGNORED && (x + y) % HATCH < HATCH / 2)
        data.fill(255, (y * width + x) * 3, (y * width + x) * 3 + 3);
      const colour = id > 0 ? OBJECT_COLOURS[(id - 1) % OBJECT_COLOURS.length] : undefined;
      if (!colour) continue;
      const at = (y * width + x) * 3;
      colour.forEach((value, c) => {
        const old = data[at + c] ?? 0;
        data[at + c] = old + (value - old) * OVERLAY_SHARE;
      });
    }
  }
}

function imageDataOf({ width, height, data }: RgbImage): ImageData {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    rgba[4 * i] = data[3 * i] ?? 0;
    rgba[4 * i + 1] = data[3 * i + 1] ?? 0;
    rgba[4 * i + 2] = data[3 * i + 2] ?? 0;
    rgba[4 * i + 3] = 255;
  }
  return new ImageData(rgba, width, height);
}
