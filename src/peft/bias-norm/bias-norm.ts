import { attachDifferences, differenceTensors, mergeDifferences, vectorShapes } from '../differences.ts';
import { defineMethod } from '../method.ts';

/**
 * Bias and norm tuning: BitFit (arXiv 2106.10199) with LayerNorm's weights. Every bias and every norm weight of a block gets a
 * trained difference, b + g·db and w + g·dw.
 */
export const biasNorm = defineMethod({
  id: 'bias_norm',
  label: 'Bias and norm',
  help: 'Adjusts the biases and the normalisation of every block: few numbers, no new layers.',
  colourSlot: 3,
  fields: () => ({}) as const,
  tensors: (_, site) => differenceTensors('bias_norm', vectorShapes(site)),
  gateReads: 'norm1',
  attach: (context) => attachDifferences('bias_norm', vectorShapes(context.site), context),
  merge: (context) => mergeDifferences('bias_norm', vectorShapes(context.site), context),
});
