import { attentionSizeOf, type SamConfig } from '../../config/sam.ts';
import { axis, type Shape, sizeOf } from '../../graph/shape.ts';
import { interpolateRelPos } from './rel-pos.ts';
import type { HostTensor } from './safetensors.ts';

const QKV = /^(image_encoder\.blocks\.\d+\.attn)\.qkv\.(weight|bias)$/;
const REL_POS = /^image_encoder\.blocks\.(\d+)\.attn\.rel_pos_[hw]$/;
const POINT_ROWS: Readonly<Record<string, number>> = {
  'prompt_encoder.not_a_point_embed.weight': 0,
  'prompt_encoder.point_embeddings.0.weight': 1,
  'prompt_encoder.point_embeddings.1.weight': 2,
  'prompt_encoder.point_embeddings.2.weight': 3,
  'prompt_encoder.point_embeddings.3.weight': 4,
};

/** The one name that several tensors of a file become. */
export const POINT_TABLE = 'prompt_encoder.point_table';

/** A tensor as the engine holds it: whole under a name, or a row of a table that is put together. */
export type Prepared =
  | { readonly name: string; readonly tensor: HostTensor }
  | { readonly row: number; readonly tensor: HostTensor };

/**
 * From a tensor of a file to the engine's: `qkv` becomes `q`, `k` and `v`, tables of relative position get the length of
 * their block, and the five embeddings of points become rows of {@link POINT_TABLE}. Everything else is itself.
 */
export function prepareTensor(config: SamConfig, name: string, tensor: HostTensor): Prepared[] {
  const row = POINT_ROWS[name];
  if (row !== undefined) return [{ row, tensor }];
  const [, attn, kind] = QKV.exec(name) ?? [];
  if (attn && kind) {
    const third: Shape = [axis(tensor.shape, 0) / 3, ...tensor.shape.slice(1)];
    const size = sizeOf(third);
    return ['q', 'k', 'v'].map((part, i) => ({
      name: `${attn}.${part}.${kind}`,
      tensor: { shape: third, data: tensor.data.subarray(i * size, (i + 1) * size) },
    }));
  }
  const block = REL_POS.exec(name)?.[1];
  if (block !== undefined) {
    return [{ name, tensor: interpolateRelPos(tensor, 2 * attentionSizeOf(config, Number(block)) - 1) }];
  }
  return [{ name, tensor }];
}

/** The shapes after {@link prepareTensor}, by the engine's names. @param shapes by original names. */
export function preparedShapes(config: SamConfig, shapes: ReadonlyMap<string, Shape>): Map<string, Shape> {
  const prepared = new Map<string, Shape>();
  for (const [name, shape] of shapes) {
    const [, attn, kind] = QKV.exec(name) ?? [];
    if (POINT_ROWS[name] !== undefined) prepared.set(POINT_TABLE, [5, config.outputChannels]);
    else if (attn && kind) {
      for (const part of ['q', 'k', 'v']) {
        prepared.set(`${attn}.${part}.${kind}`, [axis(shape, 0) / 3, ...shape.slice(1)]);
      }
    } else prepared.set(name, shape);
  }
  return prepared;
}
