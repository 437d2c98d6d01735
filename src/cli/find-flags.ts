import { FIND_FIELDS, type FindSettings } from '../config/find.ts';
import { numberFlag, wrongArguments } from './arguments.ts';
import { TAUGHT } from './find-rules.ts';

/** The flags of finding all objects, and the settings that they set. */
const NAMES = {
  'points-per-side': 'pointsPerSide',
  crops: 'cropLayers',
  iou: 'iou',
  stability: 'stability',
  likeness: 'likeness',
  'box-overlap': 'boxOverlap',
  'mask-overlap': 'maskOverlap',
  nesting: 'nesting',
  'max-area': 'maxArea',
  'min-region': 'minRegion',
} as const satisfies Record<string, keyof FindSettings>;

export const FIND_FLAGS = {
  'points-per-side': { type: 'string' },
  crops: { type: 'string' },
  iou: { type: 'string' },
  stability: { type: 'string' },
  likeness: { type: 'string' },
  'box-overlap': { type: 'string' },
  'mask-overlap': { type: 'string' },
  nesting: { type: 'string' },
  'max-area': { type: 'string' },
  'min-region': { type: 'string' },
  'thresholds-from': { type: 'string' },
} as const satisfies Record<keyof typeof NAMES | 'thresholds-from', { readonly type: 'string' }>;

export const FIND_USAGE = `  How objects are found: [--points-per-side 32] [--crops 0] [--iou 0.88] [--stability 0.95] [--box-overlap 0.7]
      [--mask-overlap 1] [--nesting 1] [--max-area 1] [--min-region 0] [--thresholds-from DIR [--likeness N]]
  Those are SAM's defaults; the embedded model and what was tuned from it have --points-per-side 16 --iou 0.5
  --stability 0.8 --max-area 0.5. --points-per-side is the grid of clicks: more finds smaller objects and takes longer. --iou and --stability are the least that
  the model must expect of a mask and how little the mask may change with the threshold. Of two that overlap by a larger IoU the
  better one stays: --box-overlap of their boxes, --mask-overlap of their masks.
  --crops N looks again at N layers of crops, for small objects. --max-area leaves out what covers a larger share of the
  image, such as the background. --min-region fills holes and removes parts of fewer pixels. --nesting N leaves out the worse
  of two masks of which one has more than N of its pixels within the other.
  --thresholds-from chooses by up to ${TAUGHT} labelled images of a folder, which may be that of --data: either --iou and
  --stability, or --likeness, how much a mask is like the objects there, whichever finds more of them; and --nesting and the
  areas. --likeness 0 chooses by --iou and --stability alone. Flags that are given count.`;

type Flags = { readonly [K in keyof typeof FIND_FLAGS]?: string | undefined };

/** The settings that flags ask for. @throws Failure `cli/arguments`. */
export function findSettings(flags: Flags, usage: string): Partial<FindSettings> {
  const given: Partial<Record<keyof FindSettings, number>> = {};
  for (const [flag, name] of Object.entries(NAMES)) {
    const { kind, min, max } = FIND_FIELDS[name];
    const text = flags[flag as keyof Flags];
    const value = numberFlag(text, flag, usage, { min, max, integer: kind === 'integer' });
    if (value !== undefined) given[name] = value;
  }
  if (given.likeness !== undefined && flags['thresholds-from'] === undefined)
    throw wrongArguments(
      '--likeness goes with --thresholds-from',
      'Add --thresholds-from with a folder of labelled images, or leave --likeness out',
      usage,
    );
  return given;
}
