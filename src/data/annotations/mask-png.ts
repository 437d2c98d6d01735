/** Masks of one object as small PNGs within annotation files. */
import { decodePng } from '../decode/png.ts';
import { RunCounter, type Shape } from './shape.ts';

/** Bytes of base64, also in a data URL; undefined when it is none. */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text.replace(/^data:[^,]*,/, '')), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/**
 * What is not 0 in a PNG, or not transparent where it has an alpha channel, or why it cannot be read.
 * @param x where its first pixel lies, as is `y`.
 */
export function shapeOfPng(png: Uint8Array, x: number, y: number): Shape | string {
  try {
    const { width, height, channels, data } = decodePng(png, 'mask');
    const counter = new RunCounter();
    const alpha = channels % 2 === 0 ? channels - 1 : 0;
    for (let i = 0; i < width * height; i++) counter.add(data[i * channels + alpha] as number);
    return { kind: 'runs', counts: counter.finish(), order: 'rows', x, y, width, height };
  } catch (error) {
    return `its mask cannot be read (${error instanceof Error ? error.message : String(error)})`;
  }
}
