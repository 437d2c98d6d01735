import { tokenGate } from '../../ops/token-gate/token-gate.ts';
import { normal, type TensorSpec, zeros } from '../tensor-spec.ts';
import type { Gate, GateContext, GatedMethod, GateForm } from './gate-form.ts';

/**
 * Gates in the manner of UniPELT (arXiv 2110.07577): for each module a linear layer with one output, its sigmoid averaged over
 * the tokens of what the method reads. A gate starts near 0.5 where the features are of the size of a normalised activation; the
 * Adapter's, which reads the MLP's output, starts further away.
 */
export function tokenGates(
  insideSoftmax: boolean,
): Pick<GateForm, 'varies' | 'differsInTraining' | 'reads' | 'tensors' | 'trace'> {
  return {
    varies: 'by-image',
    differsInTraining: false,
    reads: ({ gateReads }) => gateReads,
    tensors: (methods, { width }) => methods.flatMap((method) => layerOf(method, width)),
    trace: (methods, context) =>
      methods.map(({ id }): Gate => ({ value: traceGate(id, context), insideSoftmax })),
  };
}

function layerOf({ id }: GatedMethod, width: number): readonly TensorSpec[] {
  return [
    { name: `gate.${id}.weight`, shape: [1, width], decay: false, init: normal(0.02) },
    { name: `gate.${id}.bias`, shape: [1], decay: false, init: zeros },
  ];
}

function traceGate(id: string, { features, tensor }: GateContext) {
  if (!features) throw new RangeError(`the gate of ${id} has nothing to read`);
  return tokenGate(features, tensor(`gate.${id}.weight`), tensor(`gate.${id}.bias`));
}
