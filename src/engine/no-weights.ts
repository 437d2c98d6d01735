import { Failure } from '../config/failure.ts';
import type { ByteSource } from '../sam/checkpoint/byte-source.ts';
import { otherFormatByName } from '../sam/checkpoint/other-formats.ts';

/** The failure for files among which are no weights: what they hold instead, where a name tells it. @param told those whose names say something. */
export function noWeights(told: readonly ByteSource[]): Failure {
  for (const { name: where } of told) {
    const other = otherFormatByName(where);
    if (!other) continue;
    return new Failure({
      code: 'model/no-weights',
      what: `No weights are among the files (.safetensors, .pth, .pt, .bin, .ckpt); by its name this is ${other.name}.`,
      where,
      cure: other.cure,
    });
  }
  const [first] = told;
  return new Failure({
    code: 'model/no-weights',
    what: 'No weights are among the files (.safetensors, .pth, .pt, .bin, .ckpt).',
    ...(first && { where: first.name }),
    cure: 'Open a SAM checkpoint of one of these kinds, with its config.json where there is one, or the very folder in which they lie.',
  });
}
