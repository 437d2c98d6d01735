/** The model that is open. Conventions: ../protocol.ts. */

import type { FailureRecord } from '../../config/failure.ts';
import type { ModelChoices } from '../../config/model-choices.ts';
import type { PreprocessingRecord } from '../../config/sam.ts';
import type { DroppedFile } from './data.ts';
import type { Nothing } from './result.ts';

export interface EmbeddedModel {
  /** Folder name below `modelBaseUrl`. */
  readonly id: string;
  readonly label: string;
  readonly bytes: number;
  readonly licence: string;
}

/** The form of `public/models/index.json`. */
export interface ModelIndex {
  readonly default: string;
  readonly models: readonly EmbeddedModel[];
}

export interface ModelInfo {
  /** sha-256 of the weights, as adapters record it. */
  readonly hash: string;
  readonly name: string;
  readonly source: 'embedded' | 'file';
  /** Id of the embedded model; null for a dropped one. */
  readonly embeddedId: string | null;
  readonly parameterCount: number;
  /** The square the image is scaled into, in pixels. */
  readonly imageSize: number;
  readonly blockCount: number;
  readonly embedDim: number;
  readonly bytes: number;
  /** One line: where the weights come from and under which licence. */
  readonly licence: string;
  /** What kind of model it is, for people: `SAM (vit)`. */
  readonly family: string;
  /** How an image becomes its input. */
  readonly preprocessing: PreprocessingRecord;
  readonly decoderHeads: number;
  /** What its files did not say, contradict, or hold beside it; to look at. */
  readonly remarks: readonly FailureRecord[];
  /** What of its files no SAM has. */
  readonly leftAlone: readonly string[];
}

export type { ModelChoices, PreprocessingRecord };

/** Calls about the model: name → [request, answer]. */
export interface ModelCalls {
  'model.list': [Nothing, ModelIndex];
  /** Progress in bytes. */
  'model.openEmbedded': [{ readonly id: string }, ModelInfo];
  /** One safetensors file, with or without config.json and preprocessor_config.json. Progress in bytes. */
  'model.openFiles': [{ readonly files: readonly DroppedFile[]; readonly choices?: ModelChoices }, ModelInfo];
  /**
   * Opens the open model again with choices beside those made before; of a dropped one they are kept for the next visit.
   * Progress in bytes.
   */
  'model.change': [{ readonly choices: ModelChoices }, ModelInfo];
}
