/** The checks of a run: its model on the validation images, and at the end on the test images. */
import { Failure } from '../config/failure.ts';
import type { MopeftConfig } from '../config/mopeft.ts';
import type { TrainConfig } from '../config/train.ts';
import type { Split } from '../data/types.ts';
import { gateFormById } from '../peft/gates/registry.ts';
import { evaluateSetsAt, type SeenMasks, type SetScores, viewKey } from './evaluate.ts';
import type { TrainEvent } from './events.ts';
import { type GateLayer, meanGates } from './gates.ts';
import { drawLook } from './look.ts';
import type { MaskPredictor } from './mask-predictor.ts';
import { bestThreshold, MASK_THRESHOLDS, SAM_MASK_THRESHOLD } from './mask-threshold.ts';
import { VALIDATION_SIDE } from './measured-size.ts';
import type { TrainingData } from './training-data.ts';

/** What a check needs besides the model. */
export interface ValidationParts {
  readonly mopeft: MopeftConfig;
  readonly config: TrainConfig;
  readonly data: TrainingData;
  /**
   * Opens the base model beside the step, for the validation before the first step: modules that have learned nothing may
   * already change its masks. Without it, and where the device lacks the memory, these are measured. Null where the run ends.
   */
  readonly openBase?: () => Promise<(MaskPredictor & { release(): Promise<void> }) | null>;
  /** Called with every event, in order. */
  readonly emit: (event: TrainEvent) => void;
  /** Awaited between two pieces of work, so that others may use the device. */
  readonly yieldDevice?: () => Promise<void>;
}

/** Emits something once that a person should know of an image. */
export type Notice = (dataset: string, sample: string, message: string) => void;

/** Scores by dataset with the threshold that fits best, and the mean of box and click over datasets. */
export interface Validated {
  readonly scores: readonly SetScores[];
  /** Null without a validation object. */
  readonly score: number | null;
  readonly maskThreshold: number;
}

export class Validation {
  /** What measuring an image took in the last check or test; null before the first. */
  secondsPerImage: number | null = null;

  /** @param model the model of the step, whose weights change as the run learns. */
  constructor(
    private readonly parts: ValidationParts,
    public model: MaskPredictor,
    private readonly notice: Notice,
  ) {}

  /**
   * Evaluates the validation images after `step` steps and emits what it found; null when it was interrupted. Before the
   * first step it measures the base model.
   */
  async measure(step: number, isInterrupted: () => boolean): Promise<Validated | null> {
    const { emit, config } = this.parts;
    // Before the first step nothing was learned: another threshold than the base model's would be chance.
    const thresholds = step === 0 ? [SAM_MASK_THRESHOLD] : MASK_THRESHOLDS;
    const seen = new Map<string, SeenMasks>();
    const shown = shownImages(this.parts.data.sets, config.evalImages);
    const onMasks = (key: string, name: string, masks: SeenMasks) => {
      if (shown.some((image) => image.key === key && image.name === name))
        seen.set(viewKey(key, name, ''), masks);
    };
    const measure = (model: MaskPredictor) =>
      this.evaluate('val', config.evalImages, thresholds, isInterrupted, model, onMasks);
    const base = step === 0 ? await this.openBase() : null;
    const gates = base && (await this.gatesAtStart(isInterrupted));
    const byThreshold = await measure(base ?? this.model).finally(() => base?.release());
    if (!byThreshold) return null;
    const { scores, score, maskThreshold } = bestThreshold(byThreshold);
    for (const { key, summary } of scores) {
      if (summary.n === 0) continue;
      emit({
        type: 'eval',
        step,
        dataset: key,
        split: 'val',
        box_iou: summary.boxIou,
        click_iou: summary.clickIou,
        n: summary.n,
        ...(summary.isReduced && { measured_at: VALIDATION_SIDE }),
      });
      emit({ type: 'gates', step, dataset: key, layers: gates?.get(key) ?? summary.gates });
    }
    for (const { key, name } of shown) {
      const masks = seen.get(viewKey(key, name, ''));
      const objects = scores
        .find((set) => set.key === key)
        ?.images.find((image) => image.name === name)?.objects;
      if (!masks || !objects?.length) continue;
      const prompt = config.clickPrompts ? 'click' : 'box';
      const sum = objects.reduce((total, object) => total + object[`${prompt}Iou`], 0);
      const drawing = drawLook(masks.input, this.model.sam, masks[prompt], maskThreshold);
      const of = { dataset: key, sample: name, iou: sum / objects.length, prompt } as const;
      emit({ type: 'look', step, ...of, ...drawing });
    }
    return { scores, score, maskThreshold };
  }

  /**
   * What the model scores now on the validation images, at SAM's threshold: the mean of box and click over datasets, null without
   * an object. Emits nothing but activity. Null altogether when it was interrupted.
   */
  async score(isInterrupted: () => boolean): Promise<{ readonly score: number | null } | null> {
    const thresholds = [SAM_MASK_THRESHOLD];
    const found = await this.evaluate('val', this.parts.config.evalImages, thresholds, isInterrupted);
    return found && { score: bestThreshold(found).score };
  }

  /** Null where it is not asked for, or the device has no memory for both. */
  private async openBase(): Promise<(MaskPredictor & { release(): Promise<void> }) | null> {
    try {
      return (await this.parts.openBase?.()) ?? null;
    } catch (error) {
      if (error instanceof Failure && error.record.code === 'gpu/out-of-memory') return null;
      throw error;
    }
  }

  /** The gates that the modules have before the first step, by dataset; of modules without gates none. */
  private async gatesAtStart(isInterrupted: () => boolean): Promise<Map<string, readonly GateLayer[]>> {
    const { config, data, emit, mopeft, yieldDevice } = this.parts;
    const label = 'Reading the gates on the validation images';
    const gates = new Map<string, readonly GateLayer[]>();
    if (gateFormById(mopeft.gate).varies === 'never') return gates;
    for (const [dataset, { key, split, open }] of data.sets.entries()) {
      this.model.ask(dataset);
      const names = config.evalImages > 0 ? split.val.slice(0, config.evalImages) : split.val;
      const layers: (readonly GateLayer[])[] = [];
      for (const [done, name] of names.entries()) {
        emit({ type: 'activity', label, dataset: key, done, total: names.length });
        await yieldDevice?.();
        if (isInterrupted()) break;
        const opened = await open(name, { maxObjects: config.evalObjects });
        // What cannot be used is reported where it is measured.
        if (!opened.ok) continue;
        for (let v = 0; v < opened.value.views; v++) {
          const view = await opened.value.view(v);
          await this.model.encode(view.input.data, viewKey(key, name, view.key));
          layers.push(await this.model.gates());
        }
        opened.value.release();
      }
      gates.set(key, meanGates(layers));
    }
    return gates;
  }

  /** Scores by dataset for each threshold; null when it was interrupted. */
  async evaluate(
    split: Split,
    maxImages: number,
    thresholds: readonly number[],
    isInterrupted: () => boolean = () => false,
    model: MaskPredictor = this.model,
    onMasks?: (key: string, name: string, masks: SeenMasks) => void,
  ): Promise<SetScores[][] | null> {
    const { config, data, emit, yieldDevice } = this.parts;
    const label = `Measuring the ${split === 'val' ? 'validation' : split} images`;
    // A validation comes often and decides between weights of one run; a test is compared with others.
    const own = split === 'val' ? { mostPixels: VALIDATION_SIDE, isRepeated: true } : {};
    const options = { maxObjects: config.evalObjects, maxImages, ...own };
    const start = performance.now();
    let images = 0;
    const scores = await evaluateSetsAt(model, data.sets, split, thresholds, options, ({ key }) => ({
      beforeImage: async (done, total) => {
        emit({ type: 'activity', label, dataset: key, done, total });
        images++;
        await yieldDevice?.();
      },
      ...(yieldDevice && { yieldDevice }),
      isInterrupted,
      ...(onMasks && { onMasks: (name: string, masks: SeenMasks) => onMasks(key, name, masks) }),
      onRefused: (name, message) => this.notice(key, name, message),
    }));
    if (scores && images > 0) this.secondsPerImage = (performance.now() - start) / 1000 / images;
    return scores;
  }
}

/** Validation images that are shown while a run learns. */
const SHOWN = 3;

/** The first validation images, by turns of the datasets: always the same ones. */
function shownImages(
  sets: TrainingData['sets'],
  most: number,
): readonly { readonly key: string; readonly name: string }[] {
  const names = sets.map(({ key, split }) => ({
    key,
    names: most > 0 ? split.val.slice(0, most) : split.val,
  }));
  return [0, 1, 2]
    .flatMap((i) =>
      names.flatMap((set) => (set.names[i] === undefined ? [] : [{ key: set.key, name: set.names[i] }])),
    )
    .slice(0, SHOWN);
}
