import type { Tensor } from '../../graph/graph.ts';
import { add } from '../../ops/add/add.ts';
import { gatedAdd } from '../../ops/gated-add/gated-add.ts';
import { tokenGate } from '../../ops/token-gate/token-gate.ts';
import { normal, zeros } from '../init.ts';
import type { Gate, TensorSpec } from '../method.ts';

/** Names of a method's gate tensors in a block. */
export function gateNames(method: string): { readonly weight: string; readonly bias: string } {
  return { weight: `gate.${method}.weight`, bias: `gate.${method}.bias` };
}

/**
 * The gate of one method in one block: a linear layer with one output. It starts near 0.5 where what it reads is of the size of
 * a normalised activation; the Adapter's, which reads the MLP's output, starts further away.
 */
export function gateTensors(method: string, width: number): readonly TensorSpec[] {
  const { weight, bias } = gateNames(method);
  return [
    { name: weight, shape: [1, width], decay: false, init: normal(0.02) },
    { name: bias, shape: [1], decay: false, init: zeros },
  ];
}

/** `mean over the tokens of sigmoid(input · weight + bias)`: input [B, .., C] → [B]. */
export function traceGate(input: Tensor, weight: Tensor, bias: Tensor): Tensor {
  return tokenGate(input, weight, bias);
}

/** `x + gate · delta`, plain addition for a method without gate; `delta` has x's shape. */
export function addGated(x: Tensor, delta: Tensor, gate: Gate): Tensor {
  return gate.value ? gatedAdd(x, delta, gate.value) : add(x, delta);
}
