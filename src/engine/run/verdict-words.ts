/** A verdict in words: a sentence on what was measured, and what to do next. */
import { plural, signed } from '../../config/words.ts';
import { USUAL_GAIN } from './provable-gain.ts';
import type { VerdictContext } from './verdict-context.ts';
import type { Verdict, VerdictMeasure } from './verdict-file.ts';

/** What was measured; of a run that kept the base model that first, and why. */
export function verdictSentence(box: VerdictMeasure, click: VerdictMeasure, context: VerdictContext): string {
  if (context.bestStep === 0) return keptSentence(box, click, context);
  const { validation, modules } = context;
  // Nothing else would say that no better weights were looked for, nor the base model kept.
  const unchecked = validation
    ? ''
    : 'Without a validation object the last weights were kept, better or not. ';
  return unchecked + testSentence(box, click) + (modules ? ` ${leftSentence(modules)}` : '');
}

function leftSentence({
  left,
  of,
  parameters,
  ofParameters,
}: NonNullable<VerdictContext['modules']>): string {
  return `${left} of ${plural(of, 'module')} ${left === 1 ? 'is' : 'are'} left, with ${Math.round((100 * parameters) / ofParameters)} % of their parameters.`;
}

function testSentence(box: VerdictMeasure, click: VerdictMeasure): string {
  if (box.n === 0) return 'There is no object on the test images, so nothing can be said about the gain.';
  const tested = `on ${plural(box.images, 'test image')} with ${plural(box.n, 'object')}`;
  return `${capital(changeText(box))} by box and ${changeText(click)} by click, ${tested}.`;
}

/** Says first that nothing was taken over, and why. */
function keptSentence(
  box: VerdictMeasure,
  click: VerdictMeasure,
  { validation, modules }: VerdictContext,
): string {
  const { bestGain = null, objects = 0 } = validation ?? {};
  const on = `on ${plural(objects, 'validation object')}`;
  const why =
    bestGain === null
      ? modules
        ? 'the run ended before it was settled which modules are left'
        : 'nothing was checked after the first step'
      : bestGain > 0
        ? `the best check gained ${signed(bestGain, 3)} IoU ${on}, which is within its error`
        : `no check was better than it ${on}`;
  const measured =
    box.n === 0
      ? ''
      : ` It has IoU ${box.base.toFixed(2)} by box and ${click.base.toFixed(2)} by click on ${plural(box.images, 'test image')}.`;
  return `The base model was kept: ${why}.${measured}`;
}

/** A test image that came out worse, and by how much. */
export interface WorseImage {
  readonly name: string;
  readonly change: number;
}

/** How many of `images` test images got worse, and which most; empty where none did. @param worse the worst first. */
export function worseText(worse: readonly WorseImage[], images: number): string {
  const [most] = worse;
  if (!most) return '';
  const which = `${most.name} (${signed(most.change, 2)})`;
  const are =
    worse.length === 1
      ? 'is worse than with the base model:'
      : 'are worse than with the base model, most of all';
  return `${worse.length} of ${plural(images, 'test image')} ${are} ${which}. Label more images like it.`;
}

/** "better: IoU 0.61 → 0.72 (+0.11, 95 % between +0.08 and +0.14)"; an interval that holds 0 is called unclear. */
export function changeText(measured: VerdictMeasure): string {
  const { base, tuned, gainLow, gainHigh } = measured;
  const verb = gainLow > 0 ? 'better' : gainHigh < 0 ? 'worse' : 'no clear change';
  const gain = tuned - base;
  // With two digits a small gain, or one that is hardly told, would read "better, between 0.00 and +0.01".
  const isFine = Math.abs(gain) < 0.02 || [gainLow, gainHigh].some((end) => Math.abs(end) < 0.005);
  const digits = isFine ? 3 : 2;
  const from = `IoU ${base.toFixed(digits)} → ${tuned.toFixed(digits)}`;
  if (saysNothing(measured)) {
    const few = measured.images > 2 ? 'so few images of a dataset' : plural(measured.images, 'image');
    return `${from} (${signed(gain, digits)}, which ${few} cannot tell from chance)`;
  }
  const [low, high] = [signed(gainLow, digits), signed(gainHigh, digits)];
  return `${verb}: ${from} (${signed(gain, digits)}, 95 % between ${low} and ${high})`;
}

const saysNothing = ({ gainLow, gainHigh }: Pick<VerdictMeasure, 'gainLow' | 'gainHigh'>): boolean =>
  gainLow === -1 && gainHigh === 1;

/** "+0.081 to +0.162", or that there is no interval. */
export function intervalText(measured: Pick<VerdictMeasure, 'gainLow' | 'gainHigh'>): string {
  return saysNothing(measured)
    ? 'too few images'
    : `${signed(measured.gainLow)} to ${signed(measured.gainHigh)}`;
}

/** What to do next. */
export function suggestion(
  box: VerdictMeasure,
  click: VerdictMeasure,
  perDataset: Verdict['perDataset'],
  context: VerdictContext,
): string {
  if (box.n === 0) return 'Add masks: a quarter of the labelled images is kept for the test.';
  if (context.bestStep === 0) return keptAdvice(context);
  const worst = [...perDataset].sort((a, b) => a.click.tuned + a.box.tuned - b.click.tuned - b.box.tuned)[0];
  const isWorse = box.gainHigh < 0 || click.gainHigh < 0;
  const isBetter = box.gainLow > 0 || click.gainLow > 0;
  const stillRising = context.bestStep !== null && context.bestStep >= 0.9 * context.steps;
  if (saysNothing(box)) return tooFew(perDataset);
  if (isWorse && !isBetter)
    return 'The base model is better here: lower the learning rates, or label more images before training again.';
  if (context.validation === null)
    return 'Label more images, so that validation has objects to choose the weights by.';
  if (stillRising) return 'The best weights are among the last: train again with more steps.';
  if (box.images < 5) return onlyFew(box.images);
  if (!isBetter) return 'Train again with more steps or higher learning rates, or label more images first.';
  if (worst && perDataset.length > 1)
    return `${worst.name} is the weakest dataset: label more of its images, with the tuned model in Segment.`;
  if (click.tuned < box.tuned - 0.15)
    return 'Boxes work much better than single clicks here: prefer boxes, or add a second click in Segment.';
  return `Label more than the ${plural(context.trainImages, 'training image')} used here, with the tuned model in Segment, and train again.`;
}

/** Advice where no interval could be told: more images of the dataset that has fewest. */
function tooFew(perDataset: Verdict['perDataset']): string {
  const [fewest] = [...perDataset].sort((a, b) => a.box.images - b.box.images);
  const images = fewest?.box.images ?? 0;
  return perDataset.length > 1
    ? `${fewest?.name} has only ${plural(images, 'test image')}: label more of its images, to be sure of the gain.`
    : onlyFew(images);
}

const onlyFew = (images: number): string =>
  `Only ${plural(images, 'test image')}: label more images, both to train and to be sure of the gain.`;

/** What would help, by the figures. */
function keptAdvice({ validation, trainImages }: VerdictContext): string {
  const { objects = 0, base = null, bestGain = null } = validation ?? {};
  if (base !== null && base > 1 - USUAL_GAIN)
    return `On the validation objects the base model has IoU ${base.toFixed(2)} already, so they can show no gain: label images in which it is wrong, and correct its masks where they were accepted as they are.`;
  const few = `${plural(objects, 'validation object')} and ${plural(trainImages, 'training image')}`;
  if (bestGain !== null && bestGain > 0)
    return `There may be a gain that so few objects do not show (${few}): label more images, then train again.`;
  if (bestGain !== null && bestGain < -USUAL_GAIN)
    return `Every check was worse than the base model, by ${(-bestGain).toFixed(2)} IoU or more: train again with lower learning rates.`;
  return trainImages < MANY_IMAGES
    ? `Label more images (there are ${few}), then train again.`
    : 'Train again with more steps or half the learning rate; where the base model is good already, nothing may be left to gain.';
}

/** With as many training images, more of them are not the first thing to try. */
const MANY_IMAGES = 30;

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
