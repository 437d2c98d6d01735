import type { TrainConfig } from '../config/train.ts';
import type { TensorGroup } from '../peft/tensors.ts';

/** The factor of all learning rates at update `step` (from 0) of `steps`: linear warm-up, then half a cosine down to 0. */
export function scheduleFactor(
  step: number,
  { steps, warmup }: Pick<TrainConfig, 'steps' | 'warmup'>,
): number {
  const rising = Math.round(warmup * steps);
  if (step < rising) return (step + 1) / (rising + 1);
  const falling = Math.max(1, steps - rising);
  return 0.5 * (1 + Math.cos((Math.PI * (step - rising)) / falling));
}

/** The learning rate of each group at update `step` (from 0). */
export function learningRates(step: number, config: TrainConfig): Readonly<Record<TensorGroup, number>> {
  const factor = scheduleFactor(step, config);
  return {
    peft: config.lrPeft * factor,
    gate: config.lrGate * factor,
    decoder: config.lrDecoder * factor,
  };
}
