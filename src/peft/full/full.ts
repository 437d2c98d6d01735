import type { Shape } from '../../graph/shape.ts';
import type { EncoderSite } from '../../sam/site.ts';
import {
  attachDifferences,
  differenceTensors,
  matrixShapes,
  mergeDifferences,
  vectorShapes,
} from '../differences.ts';
import { defineMethod } from '../method.ts';

/**
 * Full fine-tuning of the last blocks: a trained difference for every norm and linear layer of a block, from one block on.
 * Relative positions stay as they are. Weight decay pulls towards the base model, not towards 0.
 */
export const full = defineMethod({
  id: 'full',
  label: 'Last blocks',
  help: 'Trains all weights of the last blocks themselves: quick where few blocks are open, but a large adapter.',
  colourSlot: 6,
  fields: (sites) =>
    ({
      first: {
        kind: 'integer',
        label: 'First block',
        help: 'The first block whose own weights are trained, and all after it; earlier learns more and costs more.',
        min: 0,
        max: Math.max(0, sites.length - 1),
        default: Math.max(0, sites.length - 1),
        unit: '',
      },
    }) as const,
  isIn: ({ first }, block) => block >= first,
  tensors: (_, site) => differenceTensors('full', shapesOf(site)),
  gateReads: 'norm1',
  attach: (context) => attachDifferences('full', shapesOf(context.site), context),
  merge: (context) => mergeDifferences('full', shapesOf(context.site), context),
});

function shapesOf(site: EncoderSite): Readonly<Record<string, Shape>> {
  return { ...vectorShapes(site), ...matrixShapes(site) };
}
