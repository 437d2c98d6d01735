/** What happens without being asked for. Conventions: ../protocol.ts. */
import type { FailureRecord } from '../../config/failure.ts';
import type { RunQueue } from './queue.ts';
import type { EvalPoint, GatePoint, Look, ModulesPoint, RunInfo, StepPoint, StepProfile } from './train.ts';

/** What is stored and shown in every tab. */
export type StoredKind = 'datasets' | 'runs' | 'masks' | 'queue' | 'searches';

export type EngineEvent =
  | { readonly type: 'step'; readonly runId: string; readonly point: StepPoint }
  | { readonly type: 'eval'; readonly runId: string; readonly point: EvalPoint }
  | { readonly type: 'gates'; readonly runId: string; readonly point: GatePoint }
  | { readonly type: 'modules'; readonly runId: string; readonly point: ModulesPoint }
  /** All of a run's looks, after a check. */
  | { readonly type: 'looks'; readonly runId: string; readonly looks: readonly Look[] }
  /** What `train.profile` asked for. */
  | { readonly type: 'profile'; readonly runId: string; readonly profile: StepProfile }
  /** Status, progress, best checkpoint, failure or verdict of a run changed. */
  | { readonly type: 'run'; readonly run: RunInfo }
  /** What the engine is doing inside a run besides steps: "Measuring the validation images of cells". */
  | {
      readonly type: 'activity';
      readonly runId: string;
      readonly label: string;
      readonly done: number;
      readonly total: number;
    }
  /** What waits changed, or why. */
  | { readonly type: 'queue'; readonly queue: RunQueue }
  /** Another tab has changed what is stored, or was closed while it had a run under way. */
  | { readonly type: 'elsewhere'; readonly kind: StoredKind }
  /** Addresses that the engine's worker asked for, those of its own site among them. */
  | { readonly type: 'requests'; readonly addresses: readonly string[] }
  | { readonly type: 'device-lost'; readonly error: FailureRecord }
  /** `warning` and `error` are for the person; `info` goes to the browser's console. */
  | { readonly type: 'log'; readonly level: 'info' | 'warning' | 'error'; readonly text: string };
