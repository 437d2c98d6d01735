import { sizeOf } from '../../graph/shape.ts';
import type { TensorFile } from './tensor-file.ts';

/** Sam2Model's one tensor of points and corners, [4, D], where every other SAM has four of [1, D]. */
const TABLE = /^(.*prompt_encoder\.point_embed)\.weight$/;

const ROWS = 4;

/** A file whose table of points is the four tensors of a SamModel, `….point_embed.0.weight` to `….3.weight`. */
export function withPointRows(file: TensorFile): TensorFile {
  const tensors = new Map(file.tensors);
  const rows = new Map<string, { readonly name: string; readonly row: number }>();
  for (const [name, { dtype, shape }] of file.tensors) {
    const [, path] = TABLE.exec(name) ?? [];
    const [count = 0, width = 0, ...more] = shape;
    if (path === undefined || count !== ROWS || more.length > 0) continue;
    tensors.delete(name);
    for (let row = 0; row < count; row++) {
      tensors.set(`${path}.${row}.weight`, { dtype, shape: [1, width] });
      rows.set(`${path}.${row}.weight`, { name, row });
    }
  }
  if (rows.size === 0) return file;
  return {
    name: file.name,
    format: file.format,
    metadata: file.metadata,
    leftOut: file.leftOut,
    tensors,
    read: async (asked) => {
      const part = rows.get(asked);
      if (!part) return file.read(asked);
      const { shape, data } = await file.read(part.name);
      const width = sizeOf(shape.slice(1));
      return { shape: [1, width], data: data.subarray(part.row * width, (part.row + 1) * width) };
    },
  };
}
