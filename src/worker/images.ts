/** Images for the page: whole as bitmaps, small with their objects laid over. */
import { OBJECT_COLOURS, rgbOf } from '../config/object-colours.ts';
import { IGNORED } from '../data/objects.ts';
import { resizeImage } from '../data/resize.ts';
import type { ObjectSet, RgbImage } from '../data/types.ts';

/** Of an object's colour, over the image. */
const OBJECT_SHARE = 0.55;
/** The pixels of objects, one colour after the other, and of the lines over what is ignored. */
const OBJECT_PIXELS = OBJECT_COLOURS.map((colour) => [...rgbOf(colour), Math.round(255 * OBJECT_SHARE)]);
const LINE = [255, 255, 255, 255];
/** Pixels from one white line over what is ignored to the next. */
const HATCH = 6;

/** An image for a canvas. */
export function bitmapOf(image: RgbImage): Promise<ImageBitmap> {
  return createImageBitmap(imageDataOf(image));
}

/** Scaled so that the longer side is at most `size`; objects, where given, lie over it as {@link renderObjects} draws them. */
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

/** Objects alone, to lie over the image's thumbnail: each in a colour that shows through, and what is ignored hatched. */
export function renderObjects(image: RgbImage, objects: ObjectSet, size: number): ImageBitmap {
  return drawObjects(objects, sizeWithin(image, size)).transferToImageBitmap();
}

function drawThumbnail(image: RgbImage, objects: ObjectSet | null, size: number): OffscreenCanvas {
  const { width, height } = sizeWithin(image, size);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  context?.putImageData(imageDataOf(resizeImage(image, width, height)), 0, 0);
  if (objects) context?.drawImage(drawObjects(objects, { width, height }), 0, 0);
  return canvas;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function sizeWithin(image: Size, longest: number): Size {
  const scale = Math.min(1, longest / Math.max(image.width, image.height));
  const scaled = (side: number) => Math.max(1, Math.round(side * scale));
  return { width: scaled(image.width), height: scaled(image.height) };
}

function drawObjects(objects: ObjectSet, { width, height }: Size): OffscreenCanvas {
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    const from =
      Math.min(objects.height - 1, Math.floor(((y + 0.5) * objects.height) / height)) * objects.width;
    for (let x = 0; x < width; x++) {
      const column = Math.min(objects.width - 1, Math.floor(((x + 0.5) * objects.width) / width));
      const id = objects.map[from + column] ?? 0;
      const pixel = id === IGNORED ? lineAt(x, y) : id > 0 && OBJECT_PIXELS[(id - 1) % OBJECT_PIXELS.length];
      if (pixel) rgba.set(pixel, 4 * (y * width + x));
    }
  }
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
  return canvas;
}

/** The pixel of a line over what is ignored; undefined between two of them. */
const lineAt = (x: number, y: number) => ((x + y) % HATCH < HATCH / 2 ? LINE : undefined);

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
