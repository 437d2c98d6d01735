/** Mean IoU lost without something, paired by object, with standard errors clustered by image; negative where it harms. */
export interface Worth {
  readonly box: number;
  readonly boxError: number;
  readonly click: number;
  readonly clickError: number;
}

/** Whether a change is told from chance: two standard errors. */
export function isTold(value: number, error: number): boolean {
  return Math.abs(value) > 2 * error;
}
