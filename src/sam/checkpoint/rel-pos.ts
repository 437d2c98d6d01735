import { axis } from '../../graph/shape.ts';
import type { HostTensor } from './safetensors.ts';

/**
 * A table of relative position with another number of rows, by linear interpolation along the distance, as SAM's
 * `get_rel_pos` does (`F.interpolate(mode="linear", align_corners=False)`).
 * @param table [L, d]; @returns [rows, d].
 */
export function interpolateRelPos(table: HostTensor, rows: number): HostTensor {
  const [length, width] = [axis(table.shape, 0), axis(table.shape, 1)];
  if (length === rows) return table;
  const data = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const at = Math.max(0, ((row + 0.5) * length) / rows - 0.5);
    const low = Math.min(length - 1, Math.floor(at));
    const high = Math.min(length - 1, low + 1);
    const share = at - low;
    for (let i = 0; i < width; i++) {
      const [a, b] = [table.data[low * width + i] ?? 0, table.data[high * width + i] ?? 0];
      data[row * width + i] = a + share * (b - a);
    }
  }
  return { shape: [rows, width], data };
}
