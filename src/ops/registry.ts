import type { AnyOp } from '../graph/op.ts';
import { activationBackwardOp, activationOp } from './activation/activation.ts';
import { addOp } from './add/add.ts';
import { col2im3Op, im2col3Op } from './im2col3/im2col3.ts';
import { layernormBackwardOp, layernormOp, layernormParamsOp } from './layernorm/layernorm.ts';
import { linearOp } from './linear/linear.ts';
import { matmulOp } from './matmul/matmul.ts';
import { patchifyOp } from './patchify/patchify.ts';
import { scaleOp } from './scale/scale.ts';
import { padTokensOp, sliceTokensOp } from './slice-tokens/slice-tokens.ts';
import { depthToSpaceOp, spaceToDepthOp } from './space-to-depth/space-to-depth.ts';
import { repeatLeadingOp, sumLeadingOp } from './sum-leading/sum-leading.ts';

/** Every op there is. The conformance test walks this list; a folder of `src/ops` that is not in it fails the test. */
export const OPS: readonly AnyOp[] = [
  addOp,
  col2im3Op,
  depthToSpaceOp,
  im2col3Op,
  linearOp,
  matmulOp,
  padTokensOp,
  patchifyOp,
  repeatLeadingOp,
  sliceTokensOp,
  spaceToDepthOp,
  sumLeadingOp,
  layernormOp,
  layernormBackwardOp,
  layernormParamsOp,
  scaleOp,
  activationOp,
  activationBackwardOp,
];
