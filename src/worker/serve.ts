/**
 * The worker's end of the protocol: one handler per call, checked by the compiler to be complete.
 *
 *     const engine = serve({ boot: async (request, call) => …, 'data.list': … });
 *     engine.emit({ type: 'log', level: 'info', text: '…' });
 */
import { Failure, type FailureRecord, toFailureRecord } from '../config/failure.ts';
import {
  type AnswerOf,
  CANCELLED,
  type CallName,
  type EngineEvent,
  type FromWorker,
  type Progress,
  type RequestOf,
  type Result,
  type ToWorker,
} from './protocol.ts';

/** What a handler gets besides its request. */
export interface CallContext {
  /** Aborted when the page cancels the call. */
  readonly signal: AbortSignal;
  progress(progress: Progress): void;
  /** Hands these over instead of copying them (ImageBitmaps, buffers of large arrays). */
  transfer(...objects: Transferable[]): void;
}

export type Handlers = {
  readonly [K in CallName]: (request: RequestOf<K>, call: CallContext) => Promise<Result<AnswerOf<K>>>;
};

/** The part of the worker's global scope that is used; tests put a `MessagePort` in its place. */
export interface PagePort {
  postMessage(message: FromWorker, transfer: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<ToWorker>) => void): void;
}

/** What a cancelled call answers that had nothing to keep. */
const CANCELLATION: FailureRecord = {
  code: CANCELLED,
  what: 'This was cancelled.',
  cure: 'Ask again when you want it.',
};

/** Answers calls until the worker ends. A handler may throw a `Failure`; whatever it throws is answered, so every call of the page settles. */
export function serve(
  handlers: Handlers,
  // Inside a worker the global scope is the port; the compiler, which also knows the page, types it as a window.
  port: PagePort = globalThis as unknown as PagePort,
): { emit(event: EngineEvent): void } {
  const running = new Map<number, AbortController>();

  const answer = async <K extends CallName>(id: number, name: K, request: RequestOf<K>): Promise<void> => {
    const controller = new AbortController();
    running.set(id, controller);
    const transfer: Transferable[] = [];
    let result: Result<unknown>;
    try {
      result = await handlers[name](request, {
        signal: controller.signal,
        progress: (progress) => port.postMessage({ kind: 'progress', id, progress }, []),
        transfer: (...objects) => void transfer.push(...objects),
      });
    } catch (error) {
      const wasCancelled = controller.signal.aborted && !(error instanceof Failure);
      result = { ok: false, error: wasCancelled ? CANCELLATION : toFailureRecord(error) };
      if (result.error.code === 'internal') console.error(error);
    } finally {
      running.delete(id);
    }
    port.postMessage({ kind: 'answer', id, result }, result.ok ? transfer : []);
  };

  port.addEventListener('message', ({ data: message }) => {
    switch (message.kind) {
      case 'call':
        // The client's types tie the request to the name.
        void answer(message.id, message.name, message.request as RequestOf<typeof message.name>);
        return;
      case 'cancel':
        running.get(message.id)?.abort();
        return;
      default:
        throw new Error(`unexpected message ${JSON.stringify(message satisfies never)}`);
    }
  });
  return { emit: (event) => port.postMessage({ kind: 'event', event }, []) };
}
