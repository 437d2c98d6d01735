import type { Gpu } from '../../gpu/gpu.ts';
import type { SamModel } from '../../sam/weights.ts';
import { runConformanceCase } from '../../train/conformance-case.ts';
import type { PartReport } from './report.ts';
import type { CaseDescription, SetDescription } from './set.ts';
import type { Vectors } from './vectors.ts';

/** Holds one training step against `NAME.CASE.safetensors`. */
export async function checkCase(
  gpu: Gpu,
  model: SamModel,
  set: SetDescription,
  one: CaseDescription & { readonly name: string },
  forward: Vectors,
  vectors: Vectors,
): Promise<PartReport> {
  const { optimizer } = set;
  if (!optimizer) throw new RangeError('the set names no optimizer');
  const results = await runConformanceCase(
    gpu,
    model,
    {
      batch: set.batch,
      adapterActivation: one.adapter_activation ?? set.adapter_activation,
      optimizer: { lr: optimizer.lr, weightDecay: optimizer.weight_decay, steps: optimizer.steps },
    },
    {
      methods: one.methods,
      gated: one.gated,
      ...(one.gate && { gate: one.gate }),
      ...(one.form === 'rounds' && {
        rounds: { first: one.first ?? [], rounds: one.rounds ?? 1, objects: one.objects ?? 1 },
      }),
    },
    forward.all(),
    vectors.all(),
  );
  const comparisons = results.map(({ name, error, tolerance }) => ({
    key: name,
    error,
    tolerance,
    passed: error <= tolerance,
  }));
  return { part: one.name, comparisons, untouched: [] };
}
