import type { AnyOp } from '../graph/graph.ts';
import { accumulateOp } from './accumulate/accumulate.ts';
import { accumulateSumsOp } from './accumulate/sums.ts';
import { activationBackwardOp, activationOp } from './activation/activation.ts';
import { adamwOp } from './adamw/adamw.ts';
import { addOp } from './add/add.ts';
import {
  attentionBackwardOp,
  attentionDeltaOp,
  attentionMassBackwardOp,
  attentionOp,
} from './attention/attention.ts';
import { correctiveClickOp } from './corrective-click/corrective-click.ts';
import { cropOp } from './crop/crop.ts';
import { depthwiseConv3BackwardOp, depthwiseConv3Op } from './depthwise-conv3/depthwise-conv3.ts';
import { gateScaleBackwardOp, gateScaleOp } from './gate-scale/gate-scale.ts';
import { gatedAddOp, gatedOp } from './gated-add/gated-add.ts';
import { gatherLeadingBackwardOp, gatherLeadingOp } from './gather-leading/gather-leading.ts';
import { hardGateBackwardOp, hardGateOp, openGateOp } from './hard-gate/hard-gate.ts';
import { col2im3Op, im2col3Op } from './im2col3/im2col3.ts';
import {
  budgetPriceBackwardOp,
  budgetPriceOp,
  keptShareBackwardOp,
  keptShareOp,
} from './kept-share/kept-share.ts';
import { layernormBackwardOp, layernormOp } from './layernorm/layernorm.ts';
import { linearOp } from './linear/linear.ts';
import { maskIouOp } from './mask-iou/mask-iou.ts';
import { maskLossBackwardOp, maskLossOp } from './mask-loss/mask-loss.ts';
import { accumulateProductOp, partialProductOp, productOp } from './matmul/fused.ts';
import { linearBackwardOp } from './matmul/linear-backward.ts';
import { matmulOp } from './matmul/matmul.ts';
import { gatedPairOp, linearPairOp } from './matmul/pair.ts';
import { partialProductsOp } from './matmul/partial-products.ts';
import { productSumOp } from './matmul/terms.ts';
import { maxPoolBackwardOp, maxPoolOp } from './max-pool/max-pool.ts';
import { multiplyOp } from './multiply/multiply.ts';
import { parallelLinearBackwardOp, parallelLinearOp } from './parallel-linear/parallel-linear.ts';
import { patchifyOp } from './patchify/patchify.ts';
import { pointEmbedOp } from './point-embed/point-embed.ts';
import { gatedPairBackwardOp, prependPairBackwardOp, prependPairOp } from './prepend-tokens/pair.ts';
import { prependTokensBackwardOp, prependTokensOp } from './prepend-tokens/prepend-tokens.ts';
import { relPosBiasBackwardOp, relPosBiasOp } from './rel-pos-bias/rel-pos-bias.ts';
import { resizeBilinearOp } from './resize-bilinear/resize-bilinear.ts';
import { samLossBackwardOp, samLossOp } from './sam-loss/sam-loss.ts';
import { sampleDotOp } from './sample-dot/sample-dot.ts';
import { scaleOp } from './scale/scale.ts';
import { placeTokensOp, splitTokensOp } from './slice-tokens/pieces.ts';
import { padTokensOp, sliceTokensOp } from './slice-tokens/slice-tokens.ts';
import { depthToSpaceOp, spaceToDepthOp } from './space-to-depth/space-to-depth.ts';
import { repeatLeadingOp, sumLeadingOp } from './sum-leading/sum-leading.ts';
import { sumSquaresOp } from './sum-squares/sum-squares.ts';
import { tokenGateBackwardOp, tokenGateOp, tokenGateParamsOp } from './token-gate/token-gate.ts';
import { tokenMajorBackwardOp, tokenMajorOp } from './token-major/token-major.ts';
import { unpackHalfOp } from './unpack-half/unpack-half.ts';
import { windowPartitionOp, windowUnpartitionOp } from './window-partition/window-partition.ts';

/** Every op there is. The conformance test walks this list; a folder of `src/ops` that is not in it fails the test. */
export const OPS: readonly AnyOp[] = [
  budgetPriceBackwardOp,
  budgetPriceOp,
  correctiveClickOp,
  gatherLeadingBackwardOp,
  gatherLeadingOp,
  accumulateSumsOp,
  accumulateOp,
  accumulateProductOp,
  activationBackwardOp,
  activationOp,
  adamwOp,
  addOp,
  col2im3Op,
  cropOp,
  depthToSpaceOp,
  depthwiseConv3BackwardOp,
  depthwiseConv3Op,
  gatedAddOp,
  gatedOp,
  gateScaleBackwardOp,
  gateScaleOp,
  hardGateBackwardOp,
  hardGateOp,
  im2col3Op,
  keptShareBackwardOp,
  keptShareOp,
  layernormBackwardOp,
  layernormOp,
  linearBackwardOp,
  linearOp,
  linearPairOp,
  gatedPairOp,
  maskIouOp,
  maskLossBackwardOp,
  maskLossOp,
  matmulOp,
  maxPoolBackwardOp,
  maxPoolOp,
  multiplyOp,
  openGateOp,
  padTokensOp,
  parallelLinearBackwardOp,
  parallelLinearOp,
  patchifyOp,
  pointEmbedOp,
  partialProductOp,
  partialProductsOp,
  productOp,
  productSumOp,
  gatedPairBackwardOp,
  prependPairBackwardOp,
  prependPairOp,
  prependTokensBackwardOp,
  prependTokensOp,
  repeatLeadingOp,
  resizeBilinearOp,
  samLossBackwardOp,
  samLossOp,
  sampleDotOp,
  scaleOp,
  placeTokensOp,
  sliceTokensOp,
  splitTokensOp,
  spaceToDepthOp,
  sumLeadingOp,
  sumSquaresOp,
  unpackHalfOp,
  windowPartitionOp,
  windowUnpartitionOp,
  tokenGateOp,
  tokenGateBackwardOp,
  tokenGateParamsOp,
  tokenMajorBackwardOp,
  tokenMajorOp,
  relPosBiasOp,
  relPosBiasBackwardOp,
  attentionOp,
  attentionDeltaOp,
  attentionBackwardOp,
  attentionMassBackwardOp,
];
