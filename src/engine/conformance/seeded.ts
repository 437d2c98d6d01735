/**
 * Values that this code and PyTorch's side draw alike, to the bit, so that large weights need no file: value i of a tensor is
 * base + scale · u, with u in [-1, 1) from the upper 24 bits of a 32-bit hash of i and of the tensor's name and the seed, and
 * base and scale from the tensor's role. The same stands in python/reference/seeded.py.
 */
import type { SamConfig } from '../../config/sam.ts';
import { type Shape, sizeOf } from '../../graph/shape.ts';
import { samTensorShapes } from '../../sam/checkpoint/expected-shapes.ts';
import { type HostTensor, missingTensor } from '../../sam/checkpoint/tensor-file.ts';
import type { WeightsOfModel } from '../../sam/weights.ts';

interface Role {
  readonly base: number;
  readonly scale: number;
}

/** Noise as a normalised image [B, 3, S, S]. */
export function seededImage({ imageSize }: SamConfig, batch: number, seed: number): HostTensor {
  return draw('input.image', [batch, 3, imageSize, imageSize], seed, { base: 0, scale: 1.7 });
}

/** A SAM whose weights are drawn when they are asked for. */
export function seededCheckpoint(name: string, config: SamConfig, seed: number): WeightsOfModel {
  const shapes = samTensorShapes(config);
  return {
    name,
    config,
    read: async (tensor) => {
      const shape = shapes.get(tensor);
      if (!shape) throw missingTensor(tensor, name);
      return draw(tensor, shape, seed, roleOf(tensor, shape));
    },
  };
}

function draw(name: string, shape: Shape, seed: number, { base, scale }: Role): HostTensor {
  const start = mix(nameHash(name) ^ seed);
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) {
    const u = (mix(i + start) >>> 8) / 2 ** 23 - 1;
    data[i] = base + scale * u;
  }
  return { shape, data };
}

/** Every part matters, and no two values are alike. */
function roleOf(name: string, shape: Shape): Role {
  if (shape.length === 1) {
    const isNorm = name.endsWith('.weight') && (name.includes('norm') || name.includes('.neck.'));
    return { base: isNorm ? 1 : 0, scale: 0.17 };
  }
  if (name.includes('rel_pos') || name.includes('pos_embed')) return { base: 0, scale: 0.5 };
  if (name.includes('gaussian_matrix')) return { base: 0, scale: 1.7 };
  const fan = name.includes('output_upscaling') ? (shape[0] ?? 1) : sizeOf(shape.slice(1));
  return { base: 0, scale: 1.2 * Math.sqrt(3 / fan) };
}

/** lowbias32, a hash of 32 bits (Chris Wellons, "Prospecting for Hash Functions", 2018). */
function mix(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** FNV-1a of 32 bits. */
function nameHash(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
