import type { Tensor } from '../../graph/graph.ts';
import { add } from '../../ops/add/add.ts';
import { gatedAdd } from '../../ops/gated-add/gated-add.ts';
import { repeatLeading } from '../../ops/sum-leading/sum-leading.ts';
import type { Gate } from './gate-form.ts';

/** `x + gate · delta`, a plain addition where the gate is open; `delta` has x's shape or a suffix of it, as a bias has. */
export function addGated(x: Tensor, delta: Tensor, { value }: Gate): Tensor {
  return value ? gatedAdd(x, repeatLeading(delta, x.shape), value) : add(x, delta);
}
