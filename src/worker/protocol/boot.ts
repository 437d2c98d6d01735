/** The start of the engine and its device. Conventions: ../protocol.ts. */

import type { FailureRecord } from '../../config/failure.ts';
import type { Capabilities } from './capabilities.ts';
import type { ModelInfo } from './model.ts';
import type { Nothing } from './result.ts';

export interface BootRequest {
  /** Absolute address of the folder that holds `index.json` and one folder per embedded model, with a final slash. */
  readonly modelBaseUrl: string;
  /** Address of a mirror of the catalogue's hub, without a final slash; null to download from the hub itself. */
  readonly modelMirror: string | null;
  /** Whether the page begins with Segment, whose first image is then compiled for while the model is read. */
  readonly isSegmentShown: boolean;
}

export interface BootReport {
  readonly gpu: GpuReport;
  readonly capabilities: Capabilities;
  /** The model that is open now; null when none could be opened (then `modelFailure` says why). */
  readonly model: ModelInfo | null;
  readonly modelFailure: FailureRecord | null;
  /** Why nothing outlives this visit: the browser gives no storage. Null when it does. */
  readonly storageFailure: FailureRecord | null;
  /** `navigator.deviceMemory` in GiB (the browser rounds it), null where the browser does not say. */
  readonly deviceMemoryGiB: number | null;
}

/** `missing`: nothing that needs the GPU works; data stays viewable. */
export type GpuReport = GpuReady | { readonly state: 'missing'; readonly error: FailureRecord };

export interface GpuReady {
  readonly state: 'ready';
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** True for SwiftShader, llvmpipe and other adapters that compute on the CPU. */
  readonly isSoftware: boolean;
  /** WebGPU feature names that the device has, e.g. "subgroups", "timestamp-query". */
  readonly features: readonly string[];
  readonly limits: {
    readonly maxBufferSize: number;
    readonly maxStorageBufferBindingSize: number;
    readonly maxStorageBuffersPerShaderStage: number;
    readonly maxComputeWorkgroupStorageSize: number;
    readonly maxComputeInvocationsPerWorkgroup: number;
  };
}

/** Calls of the start and of the device: name → [request, answer]. */
export interface BootCalls {
  /** First call. Asks for the adapter (high performance), opens the dropped model of the last visit, else the
   * embedded default, lists capabilities. */
  boot: [BootRequest, BootReport];
  /** After a lost device: ask for a new one and reopen the model. */
  'gpu.recover': [Nothing, GpuReport];
  /** Again after another model was opened: some defaults and limits depend on its sizes. */
  capabilities: [Nothing, Capabilities];
}
