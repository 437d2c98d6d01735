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
  readonly source: 'embedded' | 'catalogue' | 'file';
  /** Id of the embedded model; null for another one. */
  readonly embeddedId: string | null;
  /** Id in the catalogue; null for another one. */
  readonly catalogueId: string | null;
  readonly parameterCount: number;
  /** The square the image is scaled into, in pixels. */
  readonly imageSize: number;
  readonly blockCount: number;
  /** Of the blocks in which modules can stand: the least and the largest. */
  readonly blockWidths: readonly [least: number, largest: number];
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

/** A model that can be downloaded, or that was. */
export interface CatalogueEntry {
  readonly id: string;
  readonly label: string;
  /** One line: what it is good for; empty for one that the catalogue no longer has. */
  readonly use: string;
  readonly family: string;
  readonly licence: string;
  /** Address of the page that describes it. */
  readonly page: string;
  /** Where its files come from: host and repository. */
  readonly from: string;
  /** Of the download, about. */
  readonly bytes: number;
  /** Whether every file has a checksum that is known before. */
  readonly hasChecksum: boolean;
  /** `partial`: a download was stopped and goes on from there. */
  readonly state: 'absent' | 'partial' | 'stored';
  /** On this device. */
  readonly storedBytes: number;
}

export interface ModelLibrary {
  readonly embedded: readonly EmbeddedModel[];
  readonly catalogue: readonly CatalogueEntry[];
  /** The model that was dropped last and kept; null when there is none. */
  readonly dropped: { readonly name: string; readonly bytes: number } | null;
}

/** What a run with the default settings would need on this GPU adapter. */
export interface ModelMemory {
  readonly peakBytes: number;
  /** Why such a run cannot start; null when it can. */
  readonly problem: FailureRecord | null;
}

/** Calls about the model: name → [request, answer]. */
export interface ModelCalls {
  'model.list': [Nothing, ModelIndex];
  /** Progress in bytes. */
  'model.openEmbedded': [{ readonly id: string }, ModelInfo];
  /** One safetensors file, with or without config.json and preprocessor_config.json. Progress in bytes. */
  'model.openFiles': [{ readonly files: readonly DroppedFile[]; readonly choices?: ModelChoices }, ModelInfo];
  /**
   * Opens the open model again with choices beside those made before; of a stored one they are kept for the next visit.
   * Progress in bytes.
   */
  'model.change': [{ readonly choices: ModelChoices }, ModelInfo];
  /** Every model that can be opened or downloaded. Asks no server but the site's own. */
  'model.library': [Nothing, ModelLibrary];
  /**
   * Downloads a model of the catalogue to this device, going on from where an earlier download stopped. Progress in
   * bytes. What was downloaded is kept when it is cancelled.
   */
  'model.download': [{ readonly id: string }, Nothing];
  /** Opens a downloaded model. Progress in bytes. */
  'model.openStored': [{ readonly id: string }, ModelInfo];
  /** Opens the model that was dropped last and kept. Progress in bytes. */
  'model.openDropped': [Nothing, ModelInfo];
  /** Removes a downloaded model, or part of one, by its id; the dropped one by null. Not the one that is open. */
  'model.free': [{ readonly id: string | null }, Nothing];
  'model.memory': [{ readonly id: string }, ModelMemory];
}
