import type { MopeftConfig } from '../config/mopeft.ts';
import { Random } from '../config/random.ts';
import type { SamConfig } from '../config/sam.ts';
import type { Shape } from '../graph/shape.ts';
import { samTensorShapes } from '../sam/checkpoint/expected-shapes.ts';
import { sitesOf } from '../sam/encoder.ts';
import { DATASET_TOKENS, TOKEN_RATE, tokenShape } from './dataset-token.ts';
import { datasetCount } from './datasets.ts';
import { gateFormById } from './gates/registry.ts';
import { modulesOf } from './modules.ts';
import { type TensorSpec, zeros } from './tensor-spec.ts';

/** Tensors of one group share a learning rate, but for their own {@link TrainableTensor.rate}. */
export type TensorGroup = 'peft' | 'gate' | 'decoder';

/** A tensor that training changes, by its name in the adapter file. */
export interface TrainableTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly group: TensorGroup;
  /** The part of the model that reads it. */
  readonly part: 'encoder' | 'decoder';
  readonly decay: boolean;
  /** What the group's learning rate is multiplied by. */
  readonly rate: number;
}

/** A {@link TrainableTensor} that the model itself does not have, with its first values. */
export interface ModuleTensor extends TrainableTensor {
  /** The first values; a tensor's values depend on the seed and its own name alone, not on what else is trained. */
  readonly init: (seed: number) => Float32Array;
}

/** The tensors that a config adds to the model: those of its modules and of their gates, and the datasets' tokens. */
export function moduleTensors(config: MopeftConfig, sam: SamConfig): ModuleTensor[] {
  const form = gateFormById(config.gate);
  const modules = modulesOf(config);
  const inBlocks = sitesOf(sam).flatMap((site) => {
    const own = modules.filter(({ block }) => block === site.index);
    const methods = own.map(({ method }) => method);
    return [
      ...own.flatMap(({ method, settings }) =>
        method.tensors(settings, site).map(inBlock(site.index, 'peft')),
      ),
      ...(methods.length > 0
        ? form.tensors(methods, site, datasetCount(config)).map(inBlock(site.index, 'gate'))
        : []),
    ];
  });
  const shared = form.budget?.by === 'price' && modules.length > 0 ? form.budget.tensors : [];
  return [
    ...inBlocks,
    ...shared.map((spec) => named(spec.name, spec, 'gate')),
    ...(config.token ? [datasetTokens(config, sam)] : []),
  ];
}

function datasetTokens(config: MopeftConfig, { outputChannels }: SamConfig): ModuleTensor {
  const shape = tokenShape(config, outputChannels);
  const spec = { name: DATASET_TOKENS, shape, decay: true, rate: TOKEN_RATE, init: zeros };
  return { ...named(DATASET_TOKENS, spec, 'peft'), part: 'decoder' };
}

function inBlock(block: number, group: TensorGroup): (spec: TensorSpec) => ModuleTensor {
  return (spec) => named(`blocks.${block}.${spec.name}`, spec, group);
}

function named(name: string, spec: TensorSpec, group: TensorGroup): ModuleTensor {
  const { shape, decay, rate = 1, init } = spec;
  return {
    name,
    shape,
    group,
    part: 'encoder',
    decay,
    rate,
    init: (seed) => init(shape, Random.fromSeed(seed, `init ${name}`)),
  };
}

/** The mask decoder's tensors, original SAM names and shapes; those of one axis (biases, norms) do not decay. */
function decoderTensors(sam: SamConfig): TrainableTensor[] {
  return [...samTensorShapes(sam)]
    .filter(([name]) => name.startsWith('mask_decoder.'))
    .map(([name, shape]) => ({
      name,
      shape,
      group: 'decoder',
      part: 'decoder',
      decay: shape.length > 1,
      rate: 1,
    }));
}

/** Everything that a config trains: its modules, and the mask decoder when that is trained too. Plain data. */
export function trainableTensors(config: MopeftConfig, sam: SamConfig): TrainableTensor[] {
  const modules = moduleTensors(config, sam).map(({ init, ...tensor }) => tensor);
  return [...modules, ...(config.trainDecoder ? decoderTensors(sam) : [])];
}
