import type { SamConfig } from '../../config/sam.ts';
import type { Shape } from '../../graph/shape.ts';
import { encoderOf } from '../encoder.ts';
import type { PreparedTensor } from '../encoders/encoder.ts';
import { samTensorShapes } from './expected-shapes.ts';
import type { HostTensor } from './tensor-file.ts';

/** The one name that several tensors of a file become. */
export const POINT_TABLE = 'prompt_encoder.point_table';

/** Row of {@link POINT_TABLE} by the tensor that becomes it. */
const POINT_ROWS: ReadonlyMap<string, number> = new Map([
  ['prompt_encoder.not_a_point_embed.weight', 0],
  ['prompt_encoder.point_embeddings.0.weight', 1],
  ['prompt_encoder.point_embeddings.1.weight', 2],
  ['prompt_encoder.point_embeddings.2.weight', 3],
  ['prompt_encoder.point_embeddings.3.weight', 4],
]);

/** What the engine makes of a tensor of a checkpoint, but for the {@link POINT_ROWS}. @param shape the expected one. */
function prepareTensor(config: SamConfig, name: string, shape: Shape): readonly PreparedTensor[] {
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

/** A tensor of a checkpoint with what the engine makes of it. */
export interface PreparedStep {
  /** SAM's name, and the tensor as the file has it. */
  readonly name: string;
  readonly tensor: HostTensor;
  /** By the engine's names. */
  readonly made: readonly (HostTensor & { readonly name: string })[];
}

/**
 * Every frozen tensor as the engine holds it, one of the checkpoint's after the other.
 * @param read a tensor by SAM's name.
 */
export async function* preparedTensors(
  config: SamConfig,
  read: (name: string) => Promise<HostTensor>,
): AsyncGenerator<PreparedStep> {
  const table = new Float32Array(POINT_ROWS.size * config.outputChannels);
  const shapes = samTensorShapes(config);
  let rows = 0;
  for (const [name, shape] of shapes) {
    const tensor = await read(name);
    const row = POINT_ROWS.get(name);
    if (row !== undefined) {
      table.set(tensor.data, row * config.outputChannels);
      rows += 1;
      const whole = { name: POINT_TABLE, shape: [POINT_ROWS.size, config.outputChannels], data: table };
      yield { name, tensor, made: rows === POINT_ROWS.size ? [whole] : [] };
      continue;
    }
    const made = [];
    for (const prepared of prepareTensor(config, name, shape)) {
      const others = await Promise.all((prepared.others ?? []).map(read));
      made.push({ name: prepared.name, shape: prepared.shape, data: prepared.values(tensor, others) });
    }
    yield { name, tensor, made };
  }
}
