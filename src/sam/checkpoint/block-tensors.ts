import { axis, type Shape, sizeOf } from '../../graph/shape.ts';
import type { PreparedTensor } from '../encoders/encoder.ts';
import { attentionGrid, type EncoderSite } from '../site.ts';
import { addLinear, addNorm, type ShapeMap } from './layer-shapes.ts';
import type { HostTensor } from './tensor-file.ts';

const QKV = /^(.*\.attn)\.qkv\.(weight|bias)$/;
const REL_POS = /\.attn\.rel_pos_[hw]$/;

/** Adds the tensors of a site's transformer block by SAM's names. */
export function addBlock(shapes: ShapeMap, site: EncoderSite): void {
  const { name, width, attentionWidth, mlpWidth, heads, useRelPos, qkvBias } = site;
  addNorm(shapes, `${name}.norm1`, width);
  if (useRelPos) {
    const [height, gridW] = attentionGrid(site);
    shapes.set(`${name}.attn.rel_pos_h`, [2 * height - 1, attentionWidth / heads]);
    shapes.set(`${name}.attn.rel_pos_w`, [2 * gridW - 1, attentionWidth / heads]);
  }
  shapes.set(`${name}.attn.qkv.weight`, [3 * attentionWidth, width]);
  if (qkvBias) shapes.set(`${name}.attn.qkv.bias`, [3 * attentionWidth]);
  addLinear(shapes, `${name}.attn.proj`, attentionWidth, width);
  addNorm(shapes, `${name}.norm2`, width);
  addLinear(shapes, `${name}.mlp.lin1`, width, mlpWidth);
  addLinear(shapes, `${name}.mlp.lin2`, mlpWidth, width);
}

/** Tables of relative position may have another length than the block's. */
export function canAdaptBlockTensor(name: string, found: Shape, expected: Shape): boolean {
  return REL_POS.test(name) && found.length === 2 && found[1] === expected[1] && (found[0] ?? 0) > 0;
}

/**
 * A block's tensor as the engine holds it: `qkv` becomes `q`, `k` and `v`, and a table of relative position gets the length of
 * its block. Everything else is itself.
 * @param shape what {@link addBlock} says of it.
 */
export function prepareBlockTensor(name: string, shape: Shape): PreparedTensor[] {
  const [, attn, kind] = QKV.exec(name) ?? [];
  if (attn && kind) {
    const third: Shape = [axis(shape, 0) / 3, ...shape.slice(1)];
    const size = sizeOf(third);
    return ['q', 'k', 'v'].map((part, i) => ({
      name: `${attn}.${part}.${kind}`,
      shape: third,
      values: ({ data }) => data.subarray(i * size, (i + 1) * size),
    }));
  }
  const isTable = REL_POS.test(name);
  const values = (tensor: HostTensor) =>
    isTable ? interpolateRelPos(tensor, axis(shape, 0)).data : tensor.data;
  return [{ name, shape, values }];
}

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
