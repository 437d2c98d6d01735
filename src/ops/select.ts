import type { AdapterTraits } from '../gpu/traits.ts';

/**
 * A family of kernels for one op.
 * - `register`: values stay in registers or are exchanged within a subgroup. For software adapters, on which
 * barriers and
 *   workgroup memory are very slow.
 * - `workgroup`: threads share tiles in workgroup memory, as real GPUs need it.
 */
export type Family = 'register' | 'workgroup';

/** Ops that have more than one family. */
export type FamilyOp = 'matmul' | 'attention' | 'layernorm' | 'reduce';

/** The one place where a kernel family is chosen, by what the adapter is; see `docs/decisions/kernel-families.md`. */
export function selectFamily(_op: FamilyOp, traits: AdapterTraits): Family {
  return traits.isSoftware ? 'register' : 'workgroup';
}
