/** The model that is open. Conventions: ../protocol.ts. */

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
}

/** Calls about the model: name → [request, answer]. */
export interface ModelCalls {
  'model.list': [Nothing, ModelIndex];
  /** Progress in bytes. */
  'model.openEmbedded': [{ readonly id: string }, ModelInfo];
  /** One safetensors file, with or without config.json and preprocessor_config.json. Progress in bytes. */
  'model.openFiles': [{ readonly files: readonly DroppedFile[] }, ModelInfo];
}
