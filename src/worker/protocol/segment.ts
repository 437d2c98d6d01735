/** Images, prompts, candidates, kept masks. Conventions: ../protocol.ts. */

import type { DatasetChoice } from '../../engine/asked-dataset.ts';
import type { Candidate, ImageBox, ImagePoint } from '../../engine/segmenter.ts';
import type { GateLayer } from '../../train/gates.ts';
import type { SampleRef } from './data.ts';
import type { OutputFile } from './output.ts';
import type { Nothing } from './result.ts';

/**
 * Which weights answer: the model without modules, or with a run's. `dataset` says by its index which is meant of those that the
 * run tells apart; without it the one whose images are most alike, or the first where there is no image.
 */
export type Variant =
  | { readonly kind: 'base' }
  | { readonly kind: 'run'; readonly runId: string; readonly dataset?: number };

/** {@link Variant}, or the embedded model with the adapter that the site brings along for {@link DemoImage}s. */
export type DemoVariant = Variant | { readonly kind: 'shipped' };

export type ImageSource =
  | ({ readonly kind: 'sample' } & SampleRef)
  | { readonly kind: 'file'; readonly file: File };

export interface OpenedImage {
  readonly imageId: string;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** The whole image, for the canvas. */
  readonly bitmap: ImageBitmap;
}

/** The drawn image that the first minute shows. */
export interface DemoImage extends OpenedImage {
  /** [height, width] row by row: 0 = background, else the number of an object. */
  readonly labels: Uint16Array;
  /** The objects that the page clicks on by itself: the number of each, and the pixel deepest inside of it. */
  readonly clicks: readonly { readonly object: number; readonly x: number; readonly y: number }[];
}

export interface EmbedReport {
  readonly milliseconds: number;
  /** The gates this image drew, one entry per block; null for base or an ungated run. */
  readonly gates: readonly GateLayer[] | null;
  /** The dataset that it answers for, where the run tells several apart. */
  readonly asked?: DatasetChoice;
}

export type { Candidate, DatasetChoice, ImageBox, ImagePoint };

/**
 * A part of an image, in whole pixels of it, x1 and y1 outside: the model sees it alone, at its own scale. Prompts and
 * masks stay those of the image. Without one it sees the whole image.
 */
export type ImageRegion = readonly [x0: number, y0: number, x1: number, y1: number];

export interface EmbedRequest {
  readonly imageId: string;
  readonly variant: DemoVariant;
  readonly region?: ImageRegion;
}

export interface PredictRequest {
  readonly imageId: string;
  readonly variant: DemoVariant;
  readonly points: readonly ImagePoint[];
  readonly box: ImageBox | null;
  /** Feed the low-resolution logits of an earlier candidate back as mask prompt. */
  readonly previous: { readonly predictionId: string; readonly candidate: number } | null;
  /** What of the image the model sees; see {@link ImageRegion}. */
  readonly region?: ImageRegion;
  /** Only to be looked at: the best candidate comes alone, and nothing can be asked about the answer later. */
  readonly isPreview?: boolean;
}

export interface Prediction {
  readonly predictionId: string;
  /**
   * Best predicted IoU first. After a single click the three masks of tokens 1–3; after a box or several
   * prompts token 0 first, then the three.
   */
  readonly candidates: readonly Candidate[];
  readonly milliseconds: number;
}

export interface KeptMask {
  readonly id: string;
  /** File name of the image. */
  readonly imageName: string;
  /** "base" or the run's name. */
  readonly variantLabel: string;
  readonly created: number;
  readonly area: number;
  readonly bytes: number;
}

/** Calls of Segment: name → [request, answer]. */
export interface SegmentCalls {
  /** Makes the model ready before an image is open. */
  'segment.prepare': [{ readonly variant: Variant }, Nothing];
  'segment.open': [ImageSource, OpenedImage];
  /** Draws the first minute's image; needs no device. */
  'segment.openDemo': [Nothing, DemoImage];
  /** Encodes the image for a variant; `predict` does it itself when it was not done. */
  'segment.embed': [EmbedRequest, EmbedReport];
  'segment.predict': [PredictRequest, Prediction];
  'segment.maskPng': [{ readonly predictionId: string; readonly candidate: number }, OutputFile];
  /** Keeps a mask for Export, on this device's storage. */
  'segment.keep': [{ readonly predictionId: string; readonly candidate: number }, KeptMask];
  'segment.kept': [Nothing, readonly KeptMask[]];
  'segment.deleteKept': [{ readonly id: string }, Nothing];
}
