import type { MopeftConfig } from '../config/mopeft.ts';
import type { SamConfig } from '../config/sam.ts';
import { gateOutput } from '../peft/build.ts';
import { modulesOf } from '../peft/modules.ts';
import { sitesOf } from '../sam/encoder.ts';

/** Gates of one block by method id, each 0..1; a method without a module there is absent, one without a gate is 1. */
export type GateLayer = Readonly<Record<string, number>>;

/**
 * The gates of an encoder that has just run, an entry for each block; empty entries for the base model (`mopeft` null).
 * @param outputs the encoder's outputs by name; others than gates are ignored.
 */
export function gateLayers(
  sam: SamConfig,
  mopeft: MopeftConfig | null,
  outputs: ReadonlyMap<string, Float32Array>,
): GateLayer[] {
  const layers: Record<string, number>[] = sitesOf(sam).map(() => ({}));
  for (const { block, method } of mopeft ? modulesOf(mopeft) : []) {
    const layer = layers[block];
    const gate = outputs.get(gateOutput(block, method.id));
    if (layer) layer[method.id] = gate ? (gate[0] ?? Number.NaN) : 1;
  }
  return layers;
}

/** Mean of each gate over images. */
export function meanGates(images: readonly (readonly GateLayer[])[]): GateLayer[] {
  const [first = []] = images;
  return first.map((layer, block) =>
    Object.fromEntries(
      Object.keys(layer).map((method) => {
        const sum = images.reduce((total, layers) => total + (layers[block]?.[method] ?? 0), 0);
        return [method, sum / images.length];
      }),
    ),
  );
}
