/**
 * What each module of a tuned model is worth: how much IoU is lost on images with known objects when it is taken out. A
 * gate's value does not say it, since a module can grow while its gate shrinks.
 */
import { Failure } from '../../config/failure.ts';
import type { MopeftConfig } from '../../config/mopeft.ts';
import type { Worth } from '../../config/worth.ts';
import { keepModules, type ModuleId, modulesOf } from '../../peft/modules.ts';
import { type ImageScore, summarise } from '../../train/evaluate.ts';
import { gainError } from '../../train/selection.ts';

/** Mean IoU over objects. */
export interface MeanIou {
  readonly box: number;
  readonly click: number;
}

export interface ModuleWorth extends ModuleId, Worth {}

/** A module that was put in, and what the model then scores with all those put in before it. */
export interface GreedyStep extends ModuleId, MeanIou {}

export interface WorthReport {
  readonly images: number;
  readonly objects: number;
  /** With all modules; with none of them, which still has the trained mask decoder. */
  readonly all: MeanIou;
  readonly none: MeanIou;
  /** Each module alone taken out. */
  readonly modules: readonly ModuleWorth[];
  /** All modules of a method taken out. */
  readonly methods: readonly (Worth & Pick<ModuleId, 'method'>)[];
  /** All modules of a block taken out. */
  readonly blocks: readonly (Worth & Pick<ModuleId, 'block'>)[];
  /**
   * Modules put in one by one, each time the one that gains most, until all of the gain is there within its error: modules that
   * can stand in for each other are worth nothing one by one, and this shows it.
   */
  readonly greedy: readonly GreedyStep[];
}

/** Measures a model with those modules alone: the same images and objects, in the same order, each time. */
export type MeasureModules = (mopeft: MopeftConfig) => Promise<readonly ImageScore[]>;

/** Fewer images tell no error. */
const LEAST_IMAGES = 2;

/**
 * About how many measurements {@link measureWorth} makes: those of every group left out and of every module alone, and as many
 * again as there are modules for the rest of the greedy curve, which is not known beforehand.
 */
export function expectedMeasurements(config: MopeftConfig): number {
  const { modules, methods, blocks } = groupsOf(config);
  const keys = new Set<string>();
  const add = (isKept: (module: ModuleId) => boolean) => keys.add(keyOf(modules, isKept));
  add(() => true);
  add(() => false);
  for (const module of modules) {
    add((each) => !isSame(each, module));
    add((each) => isSame(each, module));
  }
  for (const id of methods) add(({ method }) => method !== id);
  for (const index of blocks) add(({ block }) => block !== index);
  return keys.size + modules.length;
}

/**
 * Measures leave-one-out worth, and puts modules in greedily.
 * @throws Failure `worth/no-module`, `worth/few-images`: from one image nothing is told from chance.
 * @param onMeasured called after each measurement with how many were made; the number to come is not known beforehand.
 */
export async function measureWorth(
  config: MopeftConfig,
  measure: MeasureModules,
  onMeasured: (done: number) => void = () => undefined,
): Promise<WorthReport> {
  const { modules, methods, blocks } = groupsOf(config);
  const known = new Map<string, readonly ImageScore[]>();
  const scoresOf = async (isKept: (module: ModuleId) => boolean): Promise<readonly ImageScore[]> => {
    const key = keyOf(modules, isKept);
    const scores = known.get(key) ?? (await measure(keepModules(config, isKept)));
    if (!known.has(key)) onMeasured(known.set(key, scores).size);
    return scores;
  };
  if (modules.length === 0) throw noModule();
  const all = await scoresOf(() => true);
  const images = all.filter(({ objects }) => objects.length > 0).length;
  if (images < LEAST_IMAGES) throw fewImages(images);
  const none = await scoresOf(() => false);
  const worthOf = async (isIn: (module: ModuleId) => boolean) =>
    worth(await scoresOf((module) => !isIn(module)), all);
  const report = {
    images,
    objects: all.flatMap(({ objects }) => objects).length,
    all: meanIou(all),
    none: meanIou(none),
    modules: await inTurn(modules, async (module) => ({
      ...module,
      ...(await worthOf((each) => isSame(each, module))),
    })),
    methods: await inTurn(methods, async (method) => ({
      method,
      ...(await worthOf((each) => each.method === method)),
    })),
    blocks: await inTurn(blocks, async (block) => ({
      block,
      ...(await worthOf((each) => each.block === block)),
    })),
  };
  return { ...report, greedy: await greedily(modules, scoresOf, none, all) };
}

function noModule(): Failure {
  return new Failure({
    code: 'worth/no-module',
    what: 'The model has no module whose worth could be measured: the mask decoder alone was trained, or the run kept the base model.',
    cure: 'Choose a run or an adapter with a method in the image encoder.',
  });
}

function fewImages(images: number): Failure {
  return new Failure({
    code: 'worth/few-images',
    what: `There are objects on ${images} of the images; from fewer than ${LEAST_IMAGES} nothing is told from chance.`,
    cure: 'Choose a split with more labelled images, or label more.',
  });
}

/**
 * What `after` gained over `before`, paired by object.
 * @throws RangeError where they are not of the same images and objects.
 */
export function worth(before: readonly ImageScore[], after: readonly ImageScore[]): Worth {
  const [boxBefore, boxAfter] = [sumsOf(before, 'boxIou'), sumsOf(after, 'boxIou')];
  const [clickBefore, clickAfter] = [sumsOf(before, 'clickIou'), sumsOf(after, 'clickIou')];
  const counts = (scores: readonly ImageScore[]) =>
    scores.map(({ name, objects }) => `${name} ${objects.length}`).join('\n');
  if (counts(before) !== counts(after)) throw new RangeError('the scores are of different objects');
  const [low, high] = [meanIou(before), meanIou(after)];
  return {
    box: high.box - low.box,
    boxError: gainError(boxBefore, boxAfter),
    click: high.click - low.click,
    clickError: gainError(clickBefore, clickAfter),
  };
}

function meanIou(scores: readonly ImageScore[]): MeanIou {
  const { boxIou, clickIou } = summarise(scores);
  return { box: boxIou, click: clickIou };
}

function sumsOf(scores: readonly ImageScore[], prompt: 'boxIou' | 'clickIou') {
  const images = scores.map(({ name, objects }) => ({
    name,
    sum: objects.reduce((sum, object) => sum + object[prompt], 0),
    n: objects.length,
  }));
  return [{ key: '', images }];
}

function groupsOf(config: MopeftConfig) {
  const modules = modulesOf(config).map(({ method, block }): ModuleId => ({ method: method.id, block }));
  const methods = [...new Set(modules.map(({ method }) => method))];
  const blocks = [...new Set(modules.map(({ block }) => block))];
  return { modules, methods, blocks };
}

/** Names a set of modules. */
function keyOf(modules: readonly ModuleId[], isKept: (module: ModuleId) => boolean): string {
  return modules.map((module) => Number(isKept(module))).join('');
}

function isSame(a: ModuleId, b: ModuleId): boolean {
  return a.method === b.method && a.block === b.block;
}

/**
 * Puts in the module that gains most, again and again. A module whose gain was below another's when fewer were in is not measured
 * again until it comes to the front (lazy greedy, Minoux 1978), which skips nothing where gains only shrink as more are in.
 */
async function greedily(
  modules: readonly ModuleId[],
  scoresOf: (isKept: (module: ModuleId) => boolean) => Promise<readonly ImageScore[]>,
  none: readonly ImageScore[],
  all: readonly ImageScore[],
): Promise<GreedyStep[]> {
  const steps: GreedyStep[] = [];
  const waiting = modules.map((module) => ({ module, gain: Number.POSITIVE_INFINITY }));
  let scores = none;
  while (waiting.length > 0 && !isWithinError(scores, all)) {
    const before = overall(meanIou(scores));
    const isIn = (each: ModuleId) => steps.some((step) => isSame(step, each));
    let best: { at: number; scores: readonly ImageScore[]; gain: number } | null = null;
    waiting.sort((a, b) => b.gain - a.gain);
    for (const [at, candidate] of waiting.entries()) {
      if (best && candidate.gain <= best.gain) break;
      const withIt = await scoresOf((each) => isIn(each) || isSame(each, candidate.module));
      candidate.gain = overall(meanIou(withIt)) - before;
      if (!best || candidate.gain > best.gain) best = { at, scores: withIt, gain: candidate.gain };
    }
    if (!best) break;
    const [chosen] = waiting.splice(best.at, 1);
    if (!chosen) break;
    scores = best.scores;
    steps.push({ ...chosen.module, ...meanIou(scores) });
  }
  return steps;
}

/** Whether all modules gain nothing over some that is told from chance: less than a standard error, by box and by click. */
function isWithinError(some: readonly ImageScore[], all: readonly ImageScore[]): boolean {
  const { box, boxError, click, clickError } = worth(some, all);
  return box <= boxError && click <= clickError;
}

function overall({ box, click }: MeanIou): number {
  return (box + click) / 2;
}

/** One after the other: they share a device. */
async function inTurn<T, R>(items: readonly T[], each: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await each(item));
  return results;
}
