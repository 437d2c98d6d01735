/**
 * Share of the chosen pixels that have at least two equal values among their eight neighbours. Labels come in patches
 * and lines (near 1); the grey rim of a smoothed edge does not.
 * @returns 0 … 1; 1 when no pixel is chosen.
 */
function sharesNeighbours(
  data: ArrayLike<number>,
  width: number,
  height: number,
  chosen: (value: number) => boolean,
): number {
  let total = 0;
  let alike = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = data[y * width + x] as number;
      if (!chosen(value)) continue;
      total++;
      let equal = 0;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          const nx = x + dx;
          const ny = y + dy;
          if ((dx !== 0 || dy !== 0) && nx >= 0 && ny >= 0 && nx < width && ny < height) {
            if (data[ny * width + nx] === value) equal++;
          }
        }
      }
      if (equal >= 2) alike++;
    }
  }
  return total === 0 ? 1 : alike / total;
}

/**
 * Between what label maps have (0.997 and more in four real sets) and what real masks have after being scaled by six
 * filters and factors (0.74 and less in eight sets): docs/decisions/data-masks.md.
 */
const PATCHY = 0.85;

/**
 * Whether a grey mask of more than two values is a two-valued one with smoothed edges (or a soft mask) and not
 * labels: it runs from 0 to 128 or more, has at least four values, and fewer than {@link PATCHY} of the pixels
 * between the two ends share their value with two neighbours.
 */
export function looksAntialiased(data: ArrayLike<number>, width: number, height: number): boolean {
  const seen = new Set<number>();
  let max = 0;
  for (let i = 0; i < data.length; i++) {
    const v = data[i] as number;
    seen.add(v);
    if (v > max) max = v;
  }
  if (seen.size < 4 || max < 128 || !seen.has(0)) return false;
  return sharesNeighbours(data, width, height, (v) => v > 0 && v < max) < PATCHY;
}
