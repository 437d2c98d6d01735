/**
 * The share of the modules' parameters that a run keeps as it goes on, and which modules it takes out, in gate forms with a
 * budget: the same numbers as the twin's (python/mopeft/train/budget.py). The schedule is AdaLoRA's (arXiv 2303.10512).
 */
import { countParameters, type SizedModule } from '../peft/kept-modules.ts';
import type { ModuleId } from '../peft/modules.ts';

/** Progress until which everything is kept, and from which nothing changes any more. */
const [FIRST, LAST] = [0.3, 0.7];
/** Times that modules are taken out, evenly spaced: what is left is planned anew each time. */
const REMOVALS = 8;
const SMOOTHING = 0.85;

/** The share that may be kept at a progress of 0 to 1: everything, then less along a cubic, then the budget. */
export function shareAt(progress: number, budget: number): number {
  const left = 1 - Math.min(1, Math.max(0, (progress - FIRST) / (LAST - FIRST)));
  return budget + (1 - budget) * left ** 3;
}

/** Whether after so many steps no module is taken out any more, so that a validation is of what will be kept. */
export function isSettled(step: number, steps: number): boolean {
  return step / steps >= LAST;
}

/** Whether modules are taken out after so many steps. */
export function isRemovalDue(step: number, steps: number): boolean {
  if (step / steps <= FIRST) return false;
  if (isSettled(step, steps)) return !isSettled(step - 1, steps);
  const every = Math.max(1, roundHalfToEven(((LAST - FIRST) * steps) / REMOVALS));
  return (step - roundHalfToEven(FIRST * steps)) % every === 0;
}

/** As Python rounds. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}

/** |∂L/∂gate| of a module at 1, in one step. */
export interface StepScore extends ModuleId {
  readonly score: number;
}

/** Moving averages of a module's {@link StepScore}s and of their deviation from it. */
export interface ModuleScore extends ModuleId {
  readonly mean: number;
  readonly spread: number;
}

/** The averages after another step; those of modules that are gone are left out. */
export function withScores(known: readonly ModuleScore[], scores: readonly StepScore[]): ModuleScore[] {
  return scores.map(({ method, block, score }) => {
    const before = known.find((each) => each.method === method && each.block === block);
    const mean = SMOOTHING * (before?.mean ?? score) + (1 - SMOOTHING) * score;
    const off = Math.abs(score - mean);
    const spread = SMOOTHING * (before?.spread ?? off) + (1 - SMOOTHING) * off;
    return { method, block, mean, spread };
  });
}

/** What the loss is sensitive to a module, by its averages. */
export function sensitivity({ mean, spread }: ModuleScore): number {
  return mean * spread;
}

/**
 * The modules to take out so that the others have at most `most` parameters: first those of least value for their size. The last
 * one stays.
 */
export function leastOf(
  modules: readonly SizedModule[],
  worthOf: (module: SizedModule) => number,
  most: number,
): ModuleId[] {
  const ordered = modules
    .map((module) => ({ module, score: worthOf(module) / module.parameters }))
    .sort((a, b) => a.score - b.score)
    .map(({ module }) => module);
  let kept = countParameters(modules);
  const out: ModuleId[] = [];
  for (const module of ordered.slice(0, -1)) {
    if (kept <= most + 0.5) break;
    out.push(module);
    kept -= module.parameters;
  }
  return out;
}
