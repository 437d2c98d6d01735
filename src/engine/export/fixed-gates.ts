/** Gates that look at the image, fixed at their means over images, for forms that have one number for all. */
import type { Adapter } from '../../peft/adapter-file.ts';
import { budget } from '../../peft/gates/budget.ts';
import { modulesOf } from '../../peft/modules.ts';
import type { HostTensor } from '../../sam/checkpoint/tensor-file.ts';
import { type ImageScore, summarise } from '../../train/evaluate.ts';
import type { GateLayer } from '../../train/gates.ts';
import type { FixedGates } from './export-form.ts';

/** The adapter with these gates for all images, as the engine opens it. */
export function withFixedGates(adapter: Adapter, layers: readonly GateLayer[]): Adapter {
  const { datasets: _, ...config } = adapter.mopeft;
  const mopeft = { ...config, gate: budget.id };
  const tensors = new Map<string, HostTensor>(
    [...adapter.tensors].filter(([name]) => !/^blocks\.\d+\.gate\./.test(name)),
  );
  for (const { method, block } of modulesOf(mopeft)) {
    const gate = layers[block]?.[method.id] ?? 1;
    tensors.set(`blocks.${block}.gate.${method.id}.open`, { shape: [1], data: Float32Array.of(gate) });
  }
  return { ...adapter, mopeft, tensors };
}

/**
 * The mean gates of images, and what it changes to have them for all.
 * @param live scores with gates of each image, @param fixed those of the same images by {@link withFixedGates}.
 */
export function fixedGatesOf(
  dataset: string,
  live: readonly ImageScore[],
  fixed: readonly ImageScore[],
): FixedGates {
  const [before, after] = [summarise(live), summarise(fixed)];
  const spread = live.flatMap(({ gates }) =>
    gates.flatMap((layer, block) =>
      Object.entries(layer).map(([method, gate]) => Math.abs(gate - (before.gates[block]?.[method] ?? gate))),
    ),
  );
  const three = (value: number) => value.toFixed(3);
  const moved = live.flatMap(({ objects }, i) =>
    objects.map(({ boxIou, clickIou }, j) => {
      const other = fixed[i]?.objects[j];
      return other ? Math.max(Math.abs(boxIou - other.boxIou), Math.abs(clickIou - other.clickIou)) : 0;
    }),
  );
  const said =
    `Its gates differ from image to image, by ${three(Math.max(0, ...spread))} from their mean at most; here each has its mean over ` +
    `${live.length === 1 ? '1 image' : `${live.length} images`} of ${dataset}. Measured on these: IoU by box ${three(after.boxIou)} in place of ${three(before.boxIou)}, by click ` +
    `${three(after.clickIou)} in place of ${three(before.clickIou)}, n = ${before.n} objects; that of a single object moves by ` +
    `${three(Math.max(0, ...moved))} at most.`;
  return { layers: before.gates, said };
}
