import type { SamConfig } from '../../config/sam.ts';
import type { Shape } from '../../graph/shape.ts';
import { encoderOf } from '../encoder.ts';
import type { PreparedTensor } from '../encoders/encoder.ts';
import { samTensorShapes } from './expected-shapes.ts';

/** The one name that several tensors of a file become. */
export const POINT_TABLE = 'prompt_encoder.point_table';

/** Row of {@link POINT_TABLE} by the tensor that becomes it. */
export const POINT_ROWS: ReadonlyMap<string, number> = new Map([
  ['prompt_encoder.not_a_point_embed.weight', 0],
  ['prompt_encoder.point_embeddings.0.weight', 1],
  ['prompt_encoder.point_embeddings.1.weight', 2],
  ['prompt_encoder.point_embeddings.2.weight', 3],
  ['prompt_encoder.point_embeddings.3.weight', 4],
]);

/** What the engine makes of a tensor of a checkpoint, but for the {@link POINT_ROWS}. @param shape the expected one. */
export function prepareTensor(config: SamConfig, name: string, shape: Shape): readonly PreparedTensor[] {
  return name.startsWith('image_encoder.')
    ? encoderOf(config).prepare(config, name, shape)
    : [{ name, shape, values: ({ data }) => data }];
}

/** Every frozen tensor as the engine holds it, by name with its shape. */
export function engineShapes(config: SamConfig): Map<string, Shape> {
  const shapes = new Map<string, Shape>([[POINT_TABLE, [POINT_ROWS.size, config.outputChannels]]]);
  for (const [original, expected] of samTensorShapes(config)) {
    if (POINT_ROWS.has(original)) continue;
    for (const { name, shape } of prepareTensor(config, original, expected)) shapes.set(name, shape);
  }
  return shapes;
}
