import type { AdapterTraits } from '../../gpu/traits.ts';
import type { Binding, Pass } from '../../graph/pass.ts';
import type { Shape } from '../../graph/shape.ts';
import { slicesFor, workgroups1d } from '../dispatch.ts';
import { selectFamily } from '../select.ts';

/** Sums over an axis: x [batch, length, columns] → [batch, columns], times `factor`. */
export interface Reduction {
  readonly batch: number;
  readonly length: number;
  readonly columns: number;
  /** 1 unless given. */
  readonly factor?: number;
}

/** Where a reduction finds its tensors. */
export interface ReductionBindings {
  readonly from: Binding;
  readonly to: Binding;
  /** Gets the columns that `to` has no room for, as a tensor of its own. */
  readonly rest?: Binding;
  /** Position of the first scratch tensor of {@link reductionScratch}. */
  readonly scratch: number;
}

/** Threads of a workgroup of `reduce/tree`. */
const THREADS = 256;
/** Values that one thread sums without a second dispatch: in order, and in the tree. */
const MOST_IN_ORDER = 256;
const MOST_OF_TREE = 32;
/** Columns of which a workgroup of the tree takes care at a time: neighbours read neighbours. */
const WIDEST = 32;

/**
 * Slices that the summed axis is cut into; 1: one dispatch does it. More come with a second dispatch, which sums the
 * slices. Either way the order is the same every time.
 */
export function slicesOf({ length, columns }: Reduction, traits: AdapterTraits): number {
  switch (selectFamily('reduce', traits)) {
    case 'register':
      return length <= MOST_IN_ORDER ? 1 : slicesFor(length);
    case 'workgroup': {
      const each = (length * widthOf(columns)) / THREADS;
      return each <= MOST_OF_TREE ? 1 : Math.min(64, Math.ceil((2 * each) / MOST_OF_TREE));
    }
  }
}

/** Columns of a workgroup of the tree, a power of two. */
function widthOf(columns: number): number {
  return Math.min(WIDEST, 2 ** Math.ceil(Math.log2(columns)));
}

/** Temporaries of {@link reductionPasses}: one that stands for a missing rest, and the slices where there are several. */
export function reductionScratch(reduction: Reduction, traits: AdapterTraits): Shape[] {
  const slices = slicesOf(reduction, traits);
  return [[1], ...(slices > 1 ? [[reduction.batch, slices, reduction.columns]] : [])];
}

/** The one or two dispatches of a reduction. @param inSlices leaves the slices, [batch, slices, columns], in `to`. */
export function reductionPasses(
  reduction: Reduction,
  { from, to, rest, scratch }: ReductionBindings,
  traits: AdapterTraits,
  inSlices = false,
): Pass[] {
  const { batch, columns, factor } = reduction;
  const nothing = { scratch };
  const pass = (
    length: number,
    slices: number,
    scale: number,
    x: Binding,
    out: Binding,
    others?: Binding,
  ): Pass => {
    const isTree = selectFamily('reduce', traits) === 'workgroup';
    const width = widthOf(columns);
    return {
      shader: isTree ? 'reduce/tree' : 'reduce/serial',
      constants: { HAS_REST: Number(others !== undefined), ...(isTree && { WIDTH: width }) },
      params: { length, columns, slices, factor: scale },
      bindings: [x, out, others ?? nothing],
      workgroups: isTree
        ? workgroups1d(batch * slices * Math.ceil(columns / width), 1)
        : workgroups1d(batch * slices * columns),
      flops: batch * length * columns,
    };
  };
  const slices = slicesOf(reduction, traits);
  if (slices === 1) return [pass(reduction.length, 1, factor ?? 1, from, to, rest)];
  if (inSlices) return [pass(reduction.length, slices, 1, from, to)];
  const parts = { scratch: scratch + 1 };
  return [pass(reduction.length, slices, 1, from, parts), pass(slices, 1, factor ?? 1, parts, to, rest)];
}
