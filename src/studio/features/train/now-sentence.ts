import type { EvalPoint, RunInfo } from '../../../worker/protocol.ts';

/**
 * What a run does now, in a sentence, and how it stands against the base model.
 * @param isTold whether what it does is told beside: then only how it stands.
 */
export function nowSentence(
  run: Pick<RunInfo, 'status' | 'steps' | 'bestStep' | 'checkpointStep'>,
  step: number,
  isTold: boolean,
  evals: readonly EvalPoint[],
): string {
  switch (run.status) {
    case 'running':
      return `${isTold ? '' : doing(run.steps, step, evals.length > 0)} ${standing(evals, run.bestStep)}`.trim();
    case 'pausing':
      return 'It writes a checkpoint, then pauses.';
    case 'stopping':
      return step === 0
        ? 'It stops before its first step.'
        : 'It takes no more steps, and is measured on the test images.';
    case 'paused':
      return `It is paused ${where(run.steps, step)}. ${standing(evals, run.bestStep)}`.trim();
    case 'interrupted':
      return `It was interrupted ${where(run.steps, step)}. ${resumption(run, step)}`;
    case 'elsewhere':
      return 'It runs in another tab, where it can be paused.';
    case 'stopped':
      return step === 0 ? 'It was stopped before its first step. Resume begins again.' : '';
    case 'finished':
    case 'failed':
    case 'imported':
      return '';
  }
}

/** Where in its course a run was left. */
function where(steps: number, step: number): string {
  if (step === 0) return 'before its first step';
  return step < steps ? `at step ${step}` : 'after its last step, before its test was over';
}

function resumption(
  { steps, checkpointStep }: Pick<RunInfo, 'steps' | 'checkpointStep'>,
  step: number,
): string {
  if (step >= steps) return 'Finish testing measures the test images.';
  if (checkpointStep === null) return 'It has no checkpoint yet: Resume begins again.';
  return `Resume goes on from its checkpoint at step ${checkpointStep}.`;
}

function doing(steps: number, step: number, isMeasured: boolean): string {
  if (step === 0)
    return isMeasured
      ? 'It takes its first step, which is mostly the slowest.'
      : 'It gets ready: it opens your images and plans its steps.';
  if (step >= steps) return 'All steps are done; the test images are next.';
  return 'It learns from your training images.';
}

/** The last check against step 0, mean of box and click over datasets, and whether that is taken for more than chance. */
function standing(evals: readonly EvalPoint[], bestStep: number | null): string {
  const checks = evals.filter(({ split }) => split === 'validation');
  const last = checks.at(-1)?.step ?? 0;
  if (last === 0) return '';
  const gain = meanAt(checks, last) - meanAt(checks, 0);
  if (Number.isNaN(gain)) return '';
  if (gain <= 0) return `At the last check, step ${last}, it was not better than the base model.`;
  const kept = bestStep === 0 ? '; so far the base model is kept' : '';
  return `At the last check, step ${last}, it was better than the base model by ${gain.toFixed(3)} IoU${kept}.`;
}

function meanAt(checks: readonly EvalPoint[], step: number): number {
  const own = checks.filter((point) => point.step === step);
  return own.reduce((sum, { boxIou, clickIou }) => sum + (boxIou + clickIou) / 2, 0) / own.length;
}
