/** Drops the alpha of RGBA pixels (and two of three equal colours when `channels` is 1); colours stay as they are. */
export function rgbOfRgba(rgba: ArrayLike<number>, pixels: number, channels: 1 | 3): Uint8Array {
  const out = new Uint8Array(pixels * channels);
  if (channels === 1) {
    for (let i = 0; i < pixels; i++) out[i] = rgba[4 * i] as number;
    return out;
  }
  for (let i = 0, s = 0, t = 0; i < pixels; i++, s += 4, t += 3) {
    out[t] = rgba[s] as number;
    out[t + 1] = rgba[s + 1] as number;
    out[t + 2] = rgba[s + 2] as number;
  }
  return out;
}
