/** What a run brought, as `verdict.json` keeps it. */
import * as v from 'valibot';

/** How one prompt kind did, IoU in 0..1. */
export interface VerdictMeasure {
  readonly base: number;
  readonly tuned: number;
  /**
   * 95 % interval of the mean gain (tuned − base): Student's t, clustered by image; −1 to 1 where the images are too few
   * to tell anything. Earlier versions resampled images.
   */
  readonly gainLow: number;
  readonly gainHigh: number;
  /** Objects. */
  readonly n: number;
  readonly images: number;
}

export interface Verdict {
  /** Means over datasets, so that a large dataset does not drown a small one. */
  readonly box: VerdictMeasure;
  readonly click: VerdictMeasure;
  /** Of the mean of box and click of each object; absent in verdicts of earlier versions. */
  readonly both?: VerdictMeasure;
  readonly perDataset: readonly {
    readonly datasetId: string;
    readonly name: string;
    readonly box: VerdictMeasure;
    readonly click: VerdictMeasure;
  }[];
  readonly sentence: string;
  readonly suggestion: string;
  /** Against the run before, on the images that both were tested on; absent without one. */
  readonly before?: Comparison;
}

/** One run (`tuned`) against an earlier one (`base`). */
export interface Comparison {
  readonly name: string;
  readonly box: VerdictMeasure;
  readonly click: VerdictMeasure;
  /** Absent in verdicts of earlier versions. */
  readonly both?: VerdictMeasure;
  readonly sentence: string;
}

const MeasureSchema = v.object({
  base: v.number(),
  tuned: v.number(),
  gainLow: v.number(),
  gainHigh: v.number(),
  n: v.number(),
  images: v.number(),
});
/** `verdict.json`. */
export const VerdictSchema = v.object({
  box: MeasureSchema,
  click: MeasureSchema,
  both: v.exactOptional(MeasureSchema),
  perDataset: v.array(
    v.object({ datasetId: v.string(), name: v.string(), box: MeasureSchema, click: MeasureSchema }),
  ),
  sentence: v.string(),
  suggestion: v.string(),
  before: v.exactOptional(
    v.object({
      name: v.string(),
      box: MeasureSchema,
      click: MeasureSchema,
      both: v.exactOptional(MeasureSchema),
      sentence: v.string(),
    }),
  ),
});
