/** How a dataset is seen by the open model, as the page shows it. */
import { TRAIN_FIELDS } from '../config/train.ts';
import {
  closerSentence,
  longestSide,
  type ModelView,
  scaleSentence,
  smallObjectsRemark,
  suggestScale,
} from '../data/object-sizes.ts';
import type { ObjectSizes, Scale } from '../data/types.ts';
import type { ScaleInfo } from './protocol.ts';

/**
 * @param sizes null where they are not known.
 * @param chosen null: as suggested.
 */
export function scaleInfo(sizes: ObjectSizes | null, chosen: Scale | null, view: ModelView): ScaleInfo {
  if (!sizes)
    return {
      chosen: chosen ?? 'whole',
      suggested: null,
      longestSide: null,
      sentence: null,
      closer: null,
      tooSmall: null,
    };
  const suggested = suggestScale(sizes, view.size);
  const scale = chosen ?? suggested;
  const tooSmall = smallObjectsRemark(sizes, scale, view, TRAIN_FIELDS.minSize.default);
  return {
    chosen: scale,
    suggested,
    longestSide: longestSide(sizes),
    sentence: scaleSentence(sizes, scale, view.size),
    closer: closerSentence(sizes, scale, view.size),
    tooSmall: tooSmall && { code: 'data/small-objects', ...tooSmall },
  };
}
