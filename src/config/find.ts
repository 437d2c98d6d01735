import { type Fields, parseSettings, type SettingsOf } from './field.ts';

/** Everything that a person may set of how all objects of an image are found; the defaults are those of SAM. */
export const FIND_FIELDS = {
  pointsPerSide: {
    kind: 'integer',
    label: 'Points per side',
    help: 'The image is clicked on a grid of so many points a side, and each of its crops too. More finds smaller objects and takes longer.',
    min: 1,
    max: 256,
    default: 32,
    unit: 'points',
  },
  cropLayers: {
    kind: 'integer',
    label: 'Crop layers',
    help: 'Layers of crops in which a large image is looked at again, 4 crops in the first, 16 in the second. For small objects.',
    min: 0,
    max: 4,
    default: 0,
    unit: 'layers',
  },
  iou: {
    kind: 'number',
    label: 'Predicted IoU',
    help: 'Masks that the model itself expects to be worse are left out. Lower keeps more, doubtful ones among them.',
    min: 0,
    max: 1,
    default: 0.88,
    unit: '',
  },
  stability: {
    kind: 'number',
    label: 'Stability',
    help: 'How little a mask may change when its threshold is moved. Lower keeps objects with soft edges.',
    min: 0,
    max: 1,
    default: 0.95,
    unit: '',
  },
  likeness: {
    kind: 'number',
    label: 'Likeness',
    help: 'Objects that are less like those of labelled images are left out. It needs images that show what is looked for: choose by labelled images. 0 asks for none.',
    min: 0,
    max: 1,
    default: 0,
    unit: '',
  },
  boxOverlap: {
    kind: 'number',
    label: 'Box overlap',
    help: 'Of two masks whose boxes overlap by a larger IoU, the better one stays.',
    min: 0,
    max: 1,
    default: 0.7,
    unit: 'IoU',
  },
  maskOverlap: {
    kind: 'number',
    label: 'Mask overlap',
    help: 'Of two masks that overlap by a larger IoU, the better one stays. 1 keeps all that the boxes leave, as SAM does.',
    min: 0,
    max: 1,
    default: 1,
    unit: 'IoU',
  },
  nesting: {
    kind: 'number',
    label: 'Nesting',
    help: 'Of two masks of which one has a larger share of its pixels within the other, the better one stays. 1 keeps both, as SAM does.',
    min: 0,
    max: 1,
    default: 1,
    unit: 'of the smaller mask',
  },
  minArea: {
    kind: 'integer',
    label: 'Smallest area',
    help: 'Objects with fewer pixels are left out.',
    min: 0,
    max: 100_000_000,
    default: 0,
    unit: 'pixels',
  },
  maxArea: {
    kind: 'number',
    label: 'Largest area',
    help: 'Objects that cover a larger share of the image are left out, such as the background. 1 keeps all, as SAM does.',
    min: 0,
    max: 1,
    default: 1,
    unit: 'of the image',
  },
  minRegion: {
    kind: 'integer',
    label: 'Smallest hole or island',
    help: 'Holes with fewer pixels are filled, and parts with fewer are removed. 0 leaves masks as they are.',
    min: 0,
    max: 1_000_000,
    default: 0,
    unit: 'pixels',
  },
} as const satisfies Fields;

export type FindSettings = SettingsOf<typeof FIND_FIELDS>;

/** What decides where the model is asked; other settings choose among its answers. */
export type FindSampling = Pick<FindSettings, 'pointsPerSide' | 'cropLayers'>;

/** What chooses among the model's answers. */
export type FindThresholds = Omit<FindSettings, keyof FindSampling>;

/** How good a found object is thought to be, 0 to 1: by labelled objects where these were learnt from, else by the model itself. */
export const scoreOf = ({
  likeness,
  predictedIou,
}: {
  readonly likeness?: number;
  readonly predictedIou: number;
}): number => likeness ?? predictedIou;

/**
 * What suits a model better than SAM's settings, by its hash: docs/measurements/find.md has the answers of right and wrong
 * masks, and what more clicks find.
 */
const OF_MODELS: Readonly<Record<string, Partial<FindSettings>>> = {
  // mopeft-sam-tiny, which is less sure of right masks than SAM, and sees an image in 16 × 16 cells for SAM's 64 × 64.
  '206b160798d3de95261a5d0d009f734f3e3a96cab2d54b3d2b66b1576b364abe': {
    pointsPerSide: 16,
    iou: 0.5,
    stability: 0.8,
    maxArea: 0.5,
  },
};

/** The defaults of a model and of what was tuned from it. @param hash of the base model. */
export const findDefaults = (hash: string | null): FindSettings => ({
  ...parseFindSettings({}),
  ...(hash !== null && OF_MODELS[hash]),
});

/** Predicted IoU and stability from which on answers are kept for a preview, in which thresholds are moved. */
export const PREVIEW_FLOOR = 0.2;

/** @throws Failure `config/invalid` that names the setting and what is allowed. */
export function parseFindSettings(given: unknown): FindSettings {
  return parseSettings(FIND_FIELDS, given, 'find');
}
