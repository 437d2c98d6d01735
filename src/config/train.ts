import { type Fields, parseSettings, type SettingsOf } from './field.ts';

/** Everything that a person may set about a training run apart from its methods; the defaults suit a first try. */
export const TRAIN_FIELDS = {
  steps: {
    kind: 'integer',
    label: 'Steps',
    help: 'How often the weights are updated. More steps take longer; the best weights on the way are kept.',
    min: 1,
    max: 1_000_000,
    default: 300,
    unit: 'steps',
  },
  seed: {
    kind: 'integer',
    label: 'Seed',
    help: 'Another seed draws other images, prompts and initial weights. The same seed repeats a run on a device.',
    min: 0,
    max: 2 ** 32 - 1,
    default: 0,
    unit: '',
  },
  lrPeft: {
    kind: 'number',
    label: 'Learning rate of the methods',
    help: "How far a step moves the methods' weights. Higher learns faster but may become unstable.",
    min: 0,
    max: 1,
    default: 2e-3,
    unit: '',
  },
  lrGate: {
    kind: 'number',
    label: 'Learning rate of the gates',
    help: 'Higher opens and closes gates sooner; too high, and they stop depending on the image.',
    min: 0,
    max: 1,
    default: 1e-3,
    unit: '',
  },
  lrDecoder: {
    kind: 'number',
    label: 'Learning rate of the mask decoder',
    help: 'Lower keeps the mask decoder closer to what SAM has learned.',
    min: 0,
    max: 1,
    default: 1e-4,
    unit: '',
  },
  warmup: {
    kind: 'number',
    label: 'Warm-up',
    help: 'Share of the steps in which the learning rates rise from 0; afterwards they fall to 0 along a cosine.',
    min: 0,
    max: 1,
    default: 0.05,
    unit: 'of the steps',
  },
  weightDecay: {
    kind: 'number',
    label: 'Weight decay',
    help: 'Higher pulls weights towards 0, against overfitting. Biases, norms and gates are exempt.',
    min: 0,
    max: 1,
    default: 0.01,
    unit: '',
  },
  clip: {
    kind: 'number',
    label: 'Gradient clip',
    help: 'Largest norm of all gradients together. Lower makes steps steadier; 0 turns clipping off.',
    min: 0,
    max: 1000,
    default: 1,
    unit: '',
  },
  imagesPerStep: {
    kind: 'integer',
    label: 'Images per step',
    help: 'Images that one update learns from. More makes steps steadier but slower, and small models take more memory.',
    min: 1,
    max: 64,
    default: 3,
    unit: 'images',
  },
  objectsPerImage: {
    kind: 'integer',
    label: 'Objects per image',
    help: 'Most objects of an image that a step trains on. More makes steps steadier but slower.',
    min: 1,
    max: 64,
    default: 5,
    unit: 'objects',
  },
  objectsPerPass: {
    kind: 'integer',
    label: 'Objects at once',
    help: 'Objects that share a pass of the mask decoder. Fewer needs less memory; 0 chooses a number that fits.',
    min: 0,
    max: 64,
    default: 0,
    unit: 'objects',
  },
  memory: {
    kind: 'integer',
    label: 'GPU memory',
    help: 'Most that a run may take. With more, less is computed again and more objects share a pass; 0 needs little.',
    min: 0,
    max: 1_000_000,
    default: 0,
    unit: 'MiB',
  },
  weights: {
    kind: 'choice',
    label: 'Frozen weights',
    help: 'Half precision halves their memory. Measured on two sets, the mean IoU changed by at most 0.0002. Segment uses it too until the run ends.',
    options: [
      { value: 'f32', label: 'Full precision' },
      { value: 'f16', label: 'Half precision' },
    ],
    default: 'f32',
  },
  corrections: {
    kind: 'integer',
    label: 'Corrective clicks',
    help: 'Clicks added one by one where the mask is wrong. More trains for corrections but makes steps slower.',
    min: 0,
    max: 8,
    default: 2,
    unit: 'clicks',
  },
  clickPrompts: {
    kind: 'switch',
    label: 'Start from clicks',
    help: 'Trains with a click inside the object as the first prompt.',
    default: true,
  },
  boxPrompts: {
    kind: 'switch',
    label: 'Start from boxes',
    help: 'Trains with a box around the object as the first prompt.',
    default: true,
  },
  wholePrompts: {
    kind: 'switch',
    label: 'Whole image',
    help: 'Also trains with a box around the whole image that asks for all of a class: masks without prompting.',
    default: false,
  },
  boxJitter: {
    kind: 'number',
    label: 'Box jitter',
    help: 'How far the sides of a box may move, as a share of its size. Higher makes the model tolerate looser boxes.',
    min: 0,
    max: 0.5,
    default: 0.1,
    unit: '',
  },
  flips: {
    kind: 'switch',
    label: 'Flips',
    help: 'Mirrors images at random. Turn off where left and right differ.',
    default: true,
  },
  quarterTurns: {
    kind: 'switch',
    label: 'Quarter turns',
    help: 'Turns images by 0, 90, 180 or 270 degrees at random. Turn off where up and down differ.',
    default: true,
  },
  minCrop: {
    kind: 'number',
    label: 'Smallest crop',
    help: 'Random crops keep at least this share of each side. Lower varies sizes more; 1 turns cropping off.',
    min: 0.1,
    max: 1,
    default: 0.6,
    unit: '',
  },
  brightness: {
    kind: 'number',
    label: 'Brightness',
    help: 'Largest random change of brightness. Higher makes the model less sensitive to lighting; 0 turns it off.',
    min: 0,
    max: 1,
    default: 0.1,
    unit: '',
  },
  contrast: {
    kind: 'number',
    label: 'Contrast',
    help: 'Largest random change of contrast. Higher makes the model less sensitive to lighting; 0 turns it off.',
    min: 0,
    max: 1,
    default: 0.2,
    unit: '',
  },
  splitOrder: {
    kind: 'choice',
    label: 'Split',
    help: 'How images go to training, validation and test. Blocks keep neighbouring slices of a volume together.',
    options: [
      { value: 'shuffled', label: 'Shuffled' },
      { value: 'name', label: 'Blocks by name' },
    ],
    default: 'shuffled',
  },
  evalEvery: {
    kind: 'integer',
    label: 'Validate every',
    help: 'Steps between two validations. Fewer finds the best weights more exactly but takes more time.',
    min: 1,
    max: 1_000_000,
    default: 50,
    unit: 'steps',
  },
  evalImages: {
    kind: 'integer',
    label: 'Validation images',
    help: 'Most validation images of a dataset that are used. Fewer is faster but less exact; 0 uses all.',
    min: 0,
    max: 100_000,
    default: 0,
    unit: 'images',
  },
  evalObjects: {
    kind: 'integer',
    label: 'Objects per validation image',
    help: 'Most objects measured in an image, largest first. Fewer is faster but less exact.',
    min: 1,
    max: 1000,
    default: 5,
    unit: 'objects',
  },
  minSize: {
    kind: 'number',
    label: 'Smallest object',
    help: 'Objects that are less wide where the model sees them are neither trained on nor measured.',
    min: 0,
    max: 1024,
    default: 4,
    unit: 'pixels',
  },
  minArea: {
    kind: 'number',
    label: 'Smallest share',
    help: 'Objects that cover a smaller share of the image are left out too; 0 sets no such limit.',
    min: 0,
    max: 1,
    default: 0,
    unit: 'of the image',
  },
  checkpointEvery: {
    kind: 'integer',
    label: 'Checkpoint every',
    help: 'Steps between two checkpoints. A run that was interrupted resumes from the last one.',
    min: 1,
    max: 1_000_000,
    default: 25,
    unit: 'steps',
  },
  patience: {
    kind: 'integer',
    label: 'Patience',
    help: 'Ends the run after so many validations without a better result; 0 never ends it early.',
    min: 0,
    max: 10_000,
    default: 0,
    unit: 'validations',
  },
} as const satisfies Fields;

/** All settings of a run's training, with the defaults filled in. */
export type TrainConfig = SettingsOf<typeof TRAIN_FIELDS>;

/** AdamW's constants, which are not settings. */
export const ADAMW = { beta1: 0.9, beta2: 0.999, eps: 1e-8 } as const;

/**
 * Checks settings and fills in defaults.
 * @throws Failure `config/invalid` that names the setting.
 */
export function parseTrainConfig(given: unknown): TrainConfig {
  return parseSettings(TRAIN_FIELDS, given, 'train');
}

/** What settings were before they had a name: a stored run without one goes on as it began. */
const BEFORE = { minSize: 0 } as const satisfies Partial<TrainConfig>;

/**
 * {@link parseTrainConfig} of a stored run, in which every setting that was known then is written down.
 * @throws Failure `config/invalid` that names the setting.
 */
export function parseStoredTrainConfig(stored: object): TrainConfig {
  return parseTrainConfig({ ...BEFORE, ...stored });
}
