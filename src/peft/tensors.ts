import type { MopeftConfig } from '../config/mopeft.ts';
import { Random } from '../config/random.ts';
import type { SamConfig } from '../config/sam.ts';
import type { Shape } from '../graph/shape.ts';
import { samTensorShapes } from '../sam/checkpoint/expected-shapes.ts';
import { sitesOf } from '../sam/encoder.ts';
import { gateTensors } from './gate/gate.ts';
import { modulesOf } from './modules.ts';

/** Tensors of one group share a learning rate, but for their own {@link TrainableTensor.rate}. */
export type TensorGroup = 'peft' | 'gate' | 'decoder';

/** A tensor that training changes, by its name in the adapter file. */
export interface TrainableTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly group: TensorGroup;
  readonly decay: boolean;
  /** What the group's learning rate is multiplied by. */
  readonly rate: number;
}

/** A {@link TrainableTensor} of a module, with its first values. */
export interface ModuleTensor extends TrainableTensor {
  /** The first values; a tensor's values depend on the seed and its own name alone, not on what else is trained. */
  readonly init: (seed: number) => Float32Array;
}

/** The tensors that a config adds to the model. */
export function moduleTensors(config: MopeftConfig, sam: SamConfig): ModuleTensor[] {
  const sites = sitesOf(sam);
  return modulesOf(config).flatMap(({ method, settings, block }) => {
    const site = sites[block];
    if (!site) throw new RangeError(`the encoder has no block ${block}`);
    const own = method.tensors(settings, site).map((spec) => ({ spec, group: 'peft' as const }));
    const gate = config.gate === 'none' ? [] : gateTensors(method.id, site.width);
    return [...own, ...gate.map((spec) => ({ spec, group: 'gate' as const }))].map(({ spec, group }) => {
      const name = `blocks.${block}.${spec.name}`;
      return {
        name,
        shape: spec.shape,
        group,
        decay: spec.decay,
        rate: spec.rate ?? 1,
        init: (seed) => spec.init(spec.shape, Random.fromSeed(seed, `init ${name}`)),
      };
    });
  });
}

/** The mask decoder's tensors, original SAM names and shapes; those of one axis (biases, norms) do not decay. */
export function decoderTensors(sam: SamConfig): TrainableTensor[] {
  return [...samTensorShapes(sam)]
    .filter(([name]) => name.startsWith('mask_decoder.'))
    .map(([name, shape]) => ({ name, shape, group: 'decoder', decay: shape.length > 1, rate: 1 }));
}

/** Everything that a config trains: its modules, and the mask decoder when that is trained too. */
export function trainableTensors(config: MopeftConfig, sam: SamConfig): TrainableTensor[] {
  return [...moduleTensors(config, sam), ...(config.trainDecoder ? decoderTensors(sam) : [])];
}
