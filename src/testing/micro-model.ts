import { SAM_DEFAULTS, SAM_PREPROCESSING, SAM2_PREPROCESSING, type SamConfig } from '../config/sam.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { sizeOf } from '../graph/shape.ts';
import { wholeTensorShapes } from '../sam/checkpoint/expected-shapes.ts';
import type { HostTensor } from '../sam/checkpoint/tensor-file.ts';
import type { HieraSam } from '../sam/encoders/hiera/config.ts';
import { VIT_DEFAULTS, type VitSam } from '../sam/encoders/vit/config.ts';
import type { WeightPrecision } from '../sam/halves.ts';
import { loadModel, type SamModel } from '../sam/weights.ts';
import { normals } from './random.ts';

/** The smallest SAM that has everything: a windowed block with padding, a global one, a decoder of two layers. */
export const MICRO_SAM: VitSam = {
  ...SAM_DEFAULTS,
  imageSize: 32,
  stride: 8,
  outputChannels: 16,
  encoder: {
    ...VIT_DEFAULTS,
    hiddenSize: 16,
    numHiddenLayers: 2,
    numAttentionHeads: 2,
    mlpDim: 16,
    windowSize: 3,
    globalAttnIndexes: [1],
  },
  maskInputChannels: 8,
  decoder: { ...SAM_DEFAULTS.decoder, numHeads: 2, mlpDim: 16, iouHidden: 16 },
  preprocessing: SAM_PREPROCESSING,
};

/** The smallest SAM 2 that has everything: windows with padding, a global block, a place for modules in each stage. */
export const MICRO_SAM2: HieraSam = {
  ...MICRO_SAM,
  imageSize: 96,
  stride: 16,
  encoder: {
    kind: 'hiera',
    widths: [8, 16, 24, 32],
    depths: [1, 2, 3, 3],
    heads: [1, 2, 3, 4],
    windows: [4, 2, 4, 2],
    globalBlocks: [4],
    background: [3, 5],
    mlpRatio: 4,
  },
  decoder: { ...MICRO_SAM.decoder, kind: 'sam2' },
  preprocessing: SAM2_PREPROCESSING,
};

/**
 * A SAM of seeded random weights on the device: norms near 1, everything else small enough to stay tame.
 * @param options.change gives another value in a weight's place.
 */
export function openMicroModel(
  gpu: Gpu,
  config: SamConfig = MICRO_SAM,
  seed = 1,
  options: {
    readonly precision?: WeightPrecision;
    readonly change?: (name: string, value: number) => number;
  } = {},
): Promise<SamModel> {
  const { change, ...loading } = options;
  const read = async (name: string) => microTensor(config, name, seed, change);
  return loadModel(gpu, { name: 'micro', config, read }, loading);
}

/** A tensor of {@link openMicroModel} by SAM's name. */
export function microTensor(
  config: SamConfig,
  name: string,
  seed = 1,
  change: (name: string, value: number) => number = (_, value) => value,
): HostTensor {
  const shapes = wholeTensorShapes(config);
  const shape = shapes.get(name) ?? [];
  const isNorm = /norm\d?\.weight|norm_final_attn\.weight|neck\.[13]\.weight/.test(name);
  const index = [...shapes.keys()].indexOf(name);
  const values = normals(sizeOf(shape), seed * 1000 + index);
  const spread = name.includes('gaussian') ? 1 : 0.3;
  const data = Float32Array.from(values, (value) => change(name, (isNorm ? 1 : 0) + spread * value));
  return { shape, data };
}
